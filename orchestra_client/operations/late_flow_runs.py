"""Late flow runs: those that no agent has taken although their time has come."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import moment, words
from orchestra_client.operations.paging import page
from orchestra_client.results import LateFlowRun
from orchestra_client.states.hierarchy import SCHEDULED

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.records import Records

__all__ = ["find_late_flow_runs", "late_flow_runs"]

_MOST_LATE = 1000
_LONGEST_OVERDUE = 366 * 24 * 3600


def late_flow_runs(overdue: float, limit: int) -> Operation[Records[LateFlowRun]]:
    """Read the runs that no agent has taken so many seconds after their time, and why; the longest waiting first."""
    wanted = page(limit, 0, most=_MOST_LATE)
    variables = {"overdue_seconds": _overdue(overdue), "limit": wanted.asked}
    return Operation("late_flow_runs", variables, lambda rows: wanted.read(rows, _late, LateFlowRun))


def find_late_flow_runs(overdue: float, limit: int, now: datetime) -> Operation[Records[LateFlowRun]]:
    """The same of a server that does not tell why."""
    wanted = page(limit, 0, most=_MOST_LATE)
    before = checks.instant(now - timedelta(seconds=_overdue(overdue)), "overdue")
    where = {"state": {"_in": sorted(SCHEDULED | {"Queued"})}, "state_start_time": {"_lte": before}}
    variables = {"where": where, "limit": wanted.asked}
    return Operation(
        "find_late_flow_runs", variables, lambda rows: wanted.read(rows, _found_late, LateFlowRun)
    )


def _overdue(seconds: float) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"overdue must be a number of seconds, not {type(seconds).__name__}")
    if not 0 <= seconds <= _LONGEST_OVERDUE:
        raise BadInput(f"overdue must be from 0 to {_LONGEST_OVERDUE} seconds (366 days), not {seconds}")
    return math.ceil(seconds)


def _late(row: dict[str, Any]) -> LateFlowRun:
    return LateFlowRun(
        row["flow_run_id"], row["name"], words(row["labels"]), moment(row["due"]), row.get("reason")
    )


def _found_late(row: dict[str, Any]) -> LateFlowRun:
    return _late({**row, "flow_run_id": row["id"], "due": row["state_start_time"]})
