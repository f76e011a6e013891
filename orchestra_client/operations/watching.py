"""Watching a flow run: all that is new of it, in one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import first, moment, state_of
from orchestra_client.operations.logs import LOG_PAGE, get_flow_run_logs
from orchestra_client.states.hierarchy import ROOT, STATE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orchestra_client.operations.checks import Id
    from orchestra_client.results import LogRecord
    from orchestra_client.states import State

__all__ = ["Entered", "LogMark", "Look", "watch_flow_run"]


@dataclass(frozen=True, slots=True)
class Entered:
    """A state that a flow run entered.

    Attributes:
        version: the run's, from then on.
        timestamp: when, in UTC.
        state: the state.
    """

    version: int
    timestamp: datetime
    state: State


@dataclass(frozen=True, slots=True)
class LogMark:
    """How far a log was read.

    Attributes:
        after: the newest record before which nothing is to be read any more; None to read from the beginning.
        known: the records after that one that were read.
        min_level: of the records to read; None for all.
    """

    after: LogRecord | None = None
    known: Sequence[LogRecord] = ()
    min_level: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a flow run found.

    Attributes:
        name: the run's name.
        flow_name: the flow's name.
        states: those of versions not known yet, in order.
        counts: how many task runs are in a state, by its type; ``State`` stands for types not known here.
        total: how many task runs there are.
        logs: the records that are not known yet, the oldest first, at most `LOG_PAGE`.
        log_count: how many records there are in all.
    """

    name: str
    flow_name: str | None
    states: tuple[Entered, ...]
    counts: Mapping[str, int]
    total: int
    logs: tuple[LogRecord, ...]
    log_count: int


def watch_flow_run(flow_run_id: Id, *, after_version: int, mark: LogMark | None) -> Operation[Look]:
    """Look at a flow run.

    Args:
        flow_run_id: the run.
        after_version: the last version whose state is known; -1 for none.
        mark: how far its log was read; None leaves the log out.
    """
    run_id = checks.uuid(flow_run_id, "flow_run_id")
    asked = mark or LogMark()
    page = get_flow_run_logs(run_id, min_level=asked.min_level, after=asked.after)
    variables = {
        "where": {"id": {"_eq": run_id}},
        "states": {"version": {"_gt": after_version}},
        "with_logs": mark is not None,
        "logs": {**page.variables["where"], "id": {"_nin": [record.id for record in asked.known]}},
        "all_logs": get_flow_run_logs(run_id, min_level=asked.min_level).variables["where"],
        "limit": LOG_PAGE,
    }

    def read(row: dict[str, Any]) -> Look:
        counts = _counts(row)
        return Look(
            name=row["name"],
            flow_name=(row.get("flow") or {}).get("name"),
            states=_states(row, after_version),
            counts=counts,
            total=sum(counts.values()),
            logs=tuple(page.parse(row.get("logs") or [])),
            log_count=row["logs_aggregate"]["aggregate"]["count"] if mark else 0,
        )

    return Operation("watch_flow_run", variables, first(f"flow run {run_id}", read))


def _states(row: dict[str, Any], after_version: int) -> tuple[Entered, ...]:
    history = tuple(
        Entered(each["version"], moment(each["timestamp"]), state_of(each)) for each in row["states"]
    )
    if history or row["version"] <= after_version:
        return history
    # Its history may have been pruned, or not been readable yet.
    return (Entered(row["version"], moment(row["state_timestamp"] or row["created"]), state_of(row)),)


def _counts(row: dict[str, Any]) -> dict[str, int]:
    by_type = {name: row[name]["aggregate"]["count"] for name in sorted(STATE_TYPES)}
    # Counted one after the other, so what moved meanwhile may be counted twice.
    unknown = max(0, row["task_runs_aggregate"]["aggregate"]["count"] - sum(by_type.values()))
    return {name: count for name, count in {**by_type, ROOT: unknown}.items() if count}
