"""To whom a flow run reports: the server, or nobody.

The engine decides what is to happen; a reporter says whether it may, and keeps it. All its methods are called from the
thread of the flow run.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from orchestra_client.engine.task_runs import TaskRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.states import State

__all__ = ["LocalReporter", "Reporter", "RunDisowned"]


class RunDisowned(Exception):
    """Someone else owns the flow run: this process must stop without touching anything more."""


class Reporter(Protocol):
    """Keeps the states of one flow run and its task runs.

    Attributes:
        longest_wait: seconds after which a run that only waits is left to whoever starts it again when it is due.
    """

    longest_wait: float

    def set_flow_state(self, state: State) -> State:
        """Put the flow run into a state.

        Returns:
            The state it is in then; `Queued` when it has to wait.

        Raises:
            RunDisowned: someone else owns it.
        """
        ...

    def set_task_states(self, changes: Sequence[tuple[TaskRun, State]]) -> list[State]:
        """Put task runs into states, in order; a run may occur more than once.

        Returns:
            For each the state it is to be considered in: the one given, `Queued` when it has to wait for a slot, or
            a failure when the state itself was refused.

        Raises:
            RunDisowned: someone else owns the flow run.
        """
        ...

    def adopt_children(self, parent: TaskRun, number: int) -> list[TaskRun]:
        """Find or make the runs that a mapped one becomes.

        Returns:
            As many as asked for, in order, in the states they have.
        """
        ...

    def cached_states(self, run: TaskRun) -> list[State]:
        """States of earlier runs that may be used in place of one, the newest first."""
        ...

    def name_task_run(self, run: TaskRun, name: str) -> None:
        """Give a task run a name."""
        ...


class LocalReporter:
    """Keeps nothing: the run is this process's own business."""

    longest_wait = math.inf

    def set_flow_state(self, state: State) -> State:
        """Agree; see `Reporter`."""
        return state

    def set_task_states(self, changes: Sequence[tuple[TaskRun, State]]) -> list[State]:
        """Agree; see `Reporter`."""
        return [state for _, state in changes]

    def adopt_children(self, parent: TaskRun, number: int) -> list[TaskRun]:
        """Make those that are not there yet."""
        children = (parent.children or [])[:number]
        missing = range(len(children), number)
        return [*children, *(TaskRun(parent.task, parent.slug, index, parent) for index in missing)]

    def cached_states(self, run: TaskRun) -> list[State]:
        """None: those of this process are in its context."""
        return []

    def name_task_run(self, run: TaskRun, name: str) -> None:
        """Keep no name."""
