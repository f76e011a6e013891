"""Logs of runs: writing and reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import moment, nothing
from orchestra_client.operations.log_entries import LEVELS, LogEntry, written
from orchestra_client.results import LogRecord
from orchestra_client.transport.payload import WrittenVariables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestra_client.operations.checks import Id

__all__ = ["LOG_PAGE", "LogEntry", "get_flow_run_logs", "write_run_logs"]

LOG_PAGE = 1000
"""How many records one request reads."""


def write_run_logs(logs: Iterable[LogEntry | Mapping[str, Any]], *, key: str) -> Operation[None]:
    """Write records, all or none of them.

    Args:
        logs: the records, in order.
        key: the same for every repeat of this call.

    Raises:
        TypeError: a record or a part of it is of the wrong type.
        BadInput: a record makes no sense, or names neither a flow run nor a task run.
    """
    entries = list(logs)
    records = written(entries)
    for index, entry in enumerate(entries):
        if entry.get("flow_run_id") is None and entry.get("task_run_id") is None:
            raise BadInput(
                f"logs[{index}] names no run, so nobody could read it; give it a flow_run_id or a task_run_id"
            )
    variables = WrittenVariables(b'{"input":{"logs":%b}}' % records)
    return Operation("write_run_logs", variables, nothing, Repeat.KEYED, key)


def get_flow_run_logs(
    flow_run_id: Id, *, min_level: str | None = None, after: LogRecord | None = None, limit: int = LOG_PAGE
) -> Operation[list[LogRecord]]:
    """Read one page of a flow run's records, its task runs' included, the oldest first.

    Args:
        flow_run_id: the run.
        min_level: leaves out records below this level; unset means none.
        after: the last record of the page before; unset means the first page.
        limit: how many at most.
    """
    where: dict[str, Any] = {"flow_run_id": {"_eq": checks.uuid(flow_run_id, "flow_run_id")}}
    if min_level is not None:
        if min_level not in LEVELS:
            raise BadInput(f"min_level must be one of {', '.join(LEVELS)}, not {min_level!r}")
        where["level"] = {"_in": list(LEVELS[LEVELS.index(min_level) :])}
    if after is not None:
        if not isinstance(after, LogRecord):
            raise TypeError(f"after must be a LogRecord, not {type(after).__name__}")
        at = after.timestamp.isoformat()
        where["_or"] = [
            {"timestamp": {"_gt": at}},
            {"_and": [{"timestamp": {"_eq": at}}, {"id": {"_gt": after.id}}]},
        ]
    return Operation("get_flow_run_logs", {"where": where, "limit": limit}, _records)


def _records(rows: list[dict[str, Any]]) -> list[LogRecord]:
    return [LogRecord(**{**row, "timestamp": moment(row["timestamp"])}) for row in rows]
