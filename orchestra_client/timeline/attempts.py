"""When a task run ran: once, or once for each try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.states.hierarchy import FINISHED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestra_client.results import TaskRun

__all__ = ["Attempt", "Change", "attempts_of", "is_told_by_changes_alone"]


@dataclass(frozen=True, slots=True)
class Change:
    """A state that a task run entered.

    Attributes:
        timestamp: when.
        state: the state's type.
    """

    timestamp: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task run.

    Attributes:
        start: when it began.
        end: when it ended; None while it runs.
        state: the type of the state that it ended in, or runs in.
    """

    start: datetime
    end: datetime | None
    state: str


def is_told_by_changes_alone(task_run: TaskRun) -> bool:
    """Whether a task run's own times do not tell when it ran: it was tried again, or waits to be."""
    is_waiting = task_run.start_time is not None and task_run.state not in RUNNING | FINISHED
    return task_run.run_count > 1 or is_waiting


def attempts_of(task_run: TaskRun, changes: Sequence[Change] = ()) -> list[Attempt]:
    """The tries of a task run.

    Args:
        task_run: the task run.
        changes: the states it went through, in order; without them, all its tries are one.

    Returns:
        The tries in order; one of no length for a run that ended without running, none for one that has done neither.
    """
    tries = _tries(changes)
    if tries:
        return tries
    start = task_run.start_time or task_run.end_time
    if start is None:
        return []
    end = None if task_run.state in RUNNING else task_run.end_time or start
    return [Attempt(start, end, task_run.state)]


def _tries(changes: Sequence[Change]) -> list[Attempt]:
    tries: list[Attempt] = []
    begun: Change | None = None
    for change in changes:
        if change.state in RUNNING:
            begun = begun or change
        elif begun is not None:
            tries.append(Attempt(begun.timestamp, change.timestamp, change.state))
            begun = None
    return tries if begun is None else [*tries, Attempt(begun.timestamp, None, "Running")]
