"""Late flow runs: those that no agent has taken although their time has come."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation
from orchestra_client.operations import checks, filters
from orchestra_client.operations.answers import moment, words
from orchestra_client.records import Records
from orchestra_client.results import LateFlowRun
from orchestra_client.states.hierarchy import SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["find_late_flow_runs", "late_flow_runs"]

_MOST_LATE = 1000
_LONGEST_OVERDUE = 366 * 24 * 3600


def late_flow_runs(overdue: float, limit: int) -> Operation[Records[LateFlowRun]]:
    """Read the runs that no agent has taken so many seconds after their time, and why; the longest waiting first."""
    page = filters.page(limit, 0, most=_MOST_LATE)
    variables = {"overdue_seconds": _overdue(overdue), "limit": page["limit"]}
    return Operation("late_flow_runs", variables, _late_flow_runs)


def find_late_flow_runs(overdue: float, limit: int, now: datetime) -> Operation[Records[LateFlowRun]]:
    """The same of a server that does not tell why."""
    page = filters.page(limit, 0, most=_MOST_LATE)
    before = checks.instant(now - timedelta(seconds=_overdue(overdue)), "overdue")
    where = {"state": {"_in": sorted(SCHEDULED | {"Queued"})}, "state_start_time": {"_lte": before}}
    return Operation("find_late_flow_runs", {"where": where, "limit": page["limit"]}, _found_late)


def _overdue(seconds: float) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"overdue must be a number of seconds, not {type(seconds).__name__}")
    if not 0 <= seconds <= _LONGEST_OVERDUE:
        raise BadInput(f"overdue must be from 0 to {_LONGEST_OVERDUE} seconds (366 days), not {seconds}")
    return math.ceil(seconds)


def _late_flow_runs(rows: Sequence[dict[str, Any]]) -> Records[LateFlowRun]:
    late = (
        LateFlowRun(
            row["flow_run_id"], row["name"], words(row["labels"]), moment(row["due"]), row.get("reason")
        )
        for row in rows
    )
    return Records(late, kind=LateFlowRun)


def _found_late(rows: Sequence[dict[str, Any]]) -> Records[LateFlowRun]:
    return _late_flow_runs(
        [{**row, "flow_run_id": row["id"], "due": row["state_start_time"]} for row in rows]
    )
