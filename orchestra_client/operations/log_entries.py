"""Records for the log as their writer gives them, checked and written as JSON.

Batches are mostly made alike: plain dicts with text in them. Whether a batch is of that kind shows at a glance, part by
part over all records, and then it is written as it is. Any other is gone through record by record, which converts what
can be converted and names what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, TypedDict

from orchestra_client.errors import BadInput
from orchestra_client.operations import checks
from orchestra_client.states.base import as_text

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id

__all__ = ["LEVELS", "LogEntry", "written"]

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""The levels of a log, the lowest first."""


class LogEntry(TypedDict, total=False):
    """One record for `write_run_logs`; it names its `flow_run_id` or its `task_run_id`, all else may be left out.

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
_LEVELS_OR_NONE = frozenset({None, *LEVELS})
_TEXT_OR_NONE = frozenset({str, NoneType})
_UTC_OR_NONE = frozenset({None, UTC})


def written(logs: Iterable[LogEntry | Mapping[str, Any]]) -> bytes:
    """The records as one JSON array.

    Raises:
        TypeError: a record or a part of it is of the wrong type; the message names it.
        BadInput: a part makes no sense or is unknown; the message names it.
    """
    entries: list[Any] = list(logs)
    try:
        if _are_usual(entries):
            return _dumps(entries)
    except (TypeError, ValueError, RecursionError):
        pass  # The other way knows what it is, and whether it is wrong.
    checked = [_checked(index, entry) for index, entry in enumerate(entries)]
    try:
        return _json(checked)
    except (TypeError, ValueError, RecursionError):
        return _json(checks.json_value(checked, "logs"))


def _are_usual(entries: list[Any]) -> bool:
    """Whether all parts are known and in the form the API wants, `info` aside."""
    if not set(map(type, entries)) <= {dict} or not set().union(*entries) <= _PARTS:
        return False

    def column(name: str) -> list[Any]:
        return [entry.get(name) for entry in entries]

    moments = [moment for moment in column("timestamp") if type(moment) is not str and moment is not None]
    return (
        all(map(checks.is_canonical, {*column("flow_run_id"), *column("task_run_id")} - {None}))
        and _LEVELS_OR_NONE.issuperset(column("level"))
        and _TEXT_OR_NONE.issuperset(map(type, column("name")))
        and _TEXT_OR_NONE.issuperset(map(type, column("message")))
        and set(map(type, moments)) <= {datetime}
        and _UTC_OR_NONE.issuperset([moment.tzinfo for moment in moments])
    )


def _dumps(entries: list[dict[str, Any]]) -> bytes:
    """JSON of usual entries: by orjson, which takes a tenth of the time, where it is installed and makes the same."""
    orjson = _orjson()
    if orjson is not None:
        infos = [entry["info"] for entry in entries if "info" in entry]
        # It takes for JSON what is none: NaN, which it makes null, UUIDs, members of enums. None reads back equal.
        if orjson.loads(orjson.dumps(infos)) == infos:
            written: bytes = orjson.dumps(entries, option=orjson.OPT_NAIVE_UTC)
            return written
    return _json([_timed(entry) for entry in entries])


def _timed(entry: dict[str, Any]) -> dict[str, Any]:
    moment = entry.get("timestamp")
    return (
        {**entry, "timestamp": checks.instant(moment, "timestamp")} if isinstance(moment, datetime) else entry
    )


@cache
def _orjson() -> Any:
    try:
        import orjson  # noqa: PLC0415 (an extra's)
    except ImportError:
        return None
    return orjson


def _json(value: object) -> bytes:
    # Half of a surrogate pair, which no JSON can carry, fails the encoding.
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def _checked(index: int, entry: LogEntry | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise TypeError(f"logs[{index}] must be a dict, not {type(entry).__name__}")
    checked = dict(entry)
    if not checked.keys() <= _PARTS:
        unknown = ", ".join(sorted(map(str, checked.keys() - _PARTS)))
        raise BadInput(f"logs[{index}] has parts that the API does not know: {unknown}")
    for name in ("flow_run_id", "task_run_id"):
        if checked.get(name) is not None:
            checked[name] = checks.uuid(checked[name], f"logs[{index}].{name}")
    if isinstance(checked.get("timestamp"), datetime):
        checked["timestamp"] = checks.instant(checked["timestamp"], f"logs[{index}].timestamp")
    if checked.get("level") not in (None, *LEVELS):
        raise BadInput(f"logs[{index}].level must be one of {', '.join(LEVELS)}, not {checked['level']!r}")
    if isinstance(checked.get("message"), str):
        # What a program printed must never keep its log from being written.
        checked["message"] = as_text(checked["message"])
    return checked
