"""Reading a run's log, however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.operations import checks, logs
from orchestra_client.records import Records
from orchestra_client.results import LogRecord

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id

__all__ = ["get_flow_run_logs"]

_MOST = 2**31 - 1


def get_flow_run_logs(
    flow_run_id: Id, min_level: str | None, *, after: LogRecord | None = None, limit: int | None = None
) -> Procedure[Records[LogRecord]]:
    """Read page after page; records that are written meanwhile at the end are read, too.

    Args:
        flow_run_id: the run.
        min_level: leaves out records below this level; None means none.
        after: the record before the first one; None means from the beginning.
        limit: how many at most; None means all.

    Returns:
        The records, the oldest first.
    """
    # One more than wanted tells that there are more.
    wanted = _MOST if limit is None else checks.within(limit, "limit", 1, _MOST) + 1
    records = Records[LogRecord](kind=LogRecord)
    while True:
        size = min(logs.LOG_PAGE, wanted - len(records))
        page: list[LogRecord] = yield logs.get_flow_run_logs(
            flow_run_id, min_level=min_level, after=records[-1] if records else after, limit=size
        )
        records += page
        if len(page) < size or len(records) == wanted:
            return _cut(records, limit)


def _cut(records: Records[LogRecord], limit: int | None) -> Records[LogRecord]:
    is_whole = limit is None or len(records) <= limit
    return records if is_whole else Records(records[:limit], kind=LogRecord, is_whole=False)
