"""Reading a run's whole log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.operations import logs

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import LogRecord

__all__ = ["get_flow_run_logs"]


def get_flow_run_logs(flow_run_id: Id, min_level: str | None) -> Procedure[list[LogRecord]]:
    """Read page after page; records that are written meanwhile at the end are read, too.

    Returns:
        All records, the oldest first.
    """
    records: list[LogRecord] = []
    while True:
        page: list[LogRecord] = yield logs.get_flow_run_logs(
            flow_run_id, min_level=min_level, after=records[-1] if records else None
        )
        records += page
        if len(page) < logs.LOG_PAGE:
            return records
