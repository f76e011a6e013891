"""Logs of runs: writing and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import moment, nothing
from orchestra_client.results import LogRecord
from orchestra_client.states.base import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.operations.checks import Id

__all__ = ["LOG_PAGE", "LogEntry", "get_flow_run_logs", "write_run_logs"]

LOG_PAGE = 1000
"""How many records one request reads."""

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LEVELS_OR_NONE = (None, *_LEVELS)


class LogEntry(TypedDict, total=False):
    """One record for `write_run_logs`; all parts may be left out.

    `timestamp` is a `datetime` (a naive one is UTC) or ISO 8601, and now when left out; `level` one of ``DEBUG``,
    ``INFO``, ``WARNING``, ``ERROR`` and ``CRITICAL``; `info` any JSON object.
    """

    flow_run_id: Id | None
    task_run_id: Id | None
    timestamp: datetime | str
    name: str | None
    level: str | None
    message: str | None
    info: Any


_PARTS = LogEntry.__optional_keys__


def write_run_logs(logs: Iterable[LogEntry | Mapping[str, Any]], *, key: str) -> Operation[None]:
    """Write records, all or none of them.

    Args:
        logs: the records, in order.
        key: the same for every repeat of this call.
    """
    # All at once: looking for what is no JSON in each record takes twice as long.
    entries = checks.json_value([_entry(index, each) for index, each in enumerate(logs)], "logs")
    return Operation("write_run_logs", {"input": {"logs": entries}}, nothing, Repeat.KEYED, key)


def _entry(index: int, entry: LogEntry | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise TypeError(f"logs[{index}] must be a dict, not {type(entry).__name__}")
    written = dict(entry)
    if not written.keys() <= _PARTS:
        unknown = ", ".join(sorted(map(str, written.keys() - _PARTS)))
        raise BadInput(f"logs[{index}] has parts that the API does not know: {unknown}")
    for name in ("flow_run_id", "task_run_id"):
        if written.get(name) is not None:
            written[name] = checks.uuid(written[name], f"logs[{index}].{name}")
    if isinstance(written.get("timestamp"), datetime):
        written["timestamp"] = checks.instant(written["timestamp"], f"logs[{index}].timestamp")
    if written.get("level") not in _LEVELS_OR_NONE:
        raise BadInput(f"logs[{index}].level must be one of {', '.join(_LEVELS)}, not {written['level']!r}")
    if isinstance(written.get("message"), str):
        # What a program printed must never keep its log from being written.
        written["message"] = as_text(written["message"])
    return written


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
        if min_level not in _LEVELS:
            raise BadInput(f"min_level must be one of {', '.join(_LEVELS)}, not {min_level!r}")
        where["level"] = {"_in": list(_LEVELS[_LEVELS.index(min_level) :])}
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
