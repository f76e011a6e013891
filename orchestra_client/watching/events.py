"""What happens to a flow run that is being watched, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from orchestra_client.states.hierarchy import FAILED, FINISHED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestra_client.results import Explanation, LogRecord
    from orchestra_client.states import State

__all__ = [
    "LogsWritten",
    "Looked",
    "StateChanged",
    "TaskRunsProgressed",
    "WaitExplained",
    "WatchEvent",
    "WatchingStopped",
]


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The flow run entered a state. Every state is told once, in order, those from before the watching included.

    The final state is the last thing that is told: after what was logged before it and arrives later.

    Attributes:
        flow_run_id: the run.
        name: the run's name.
        flow_name: the flow's name.
        state: the state.
        previous: the one before it; None for the run's first.
        timestamp: when it entered the state, in UTC.
    """

    flow_run_id: str
    name: str
    flow_name: str | None
    state: State
    previous: State | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class TaskRunsProgressed:
    """Task runs of the flow run entered other states, or there are more of them, as when a task is mapped.

    Attributes:
        flow_run_id: the run.
        counts: how many task runs are in a state, by its type; children of mapped tasks count, types that none is
            in are left out, and those of types this version does not know are counted as ``State``.
        total: how many there are so far.
    """

    flow_run_id: str
    counts: Mapping[str, int]
    total: int

    @property
    def finished(self) -> int:
        """How many came to an end, whichever."""
        return self._among(FINISHED)

    @property
    def failed(self) -> int:
        """How many came to a bad end."""
        return self._among(FAILED)

    def _among(self, types: frozenset[str]) -> int:
        return sum(count for type_name, count in self.counts.items() if type_name in types)


@dataclass(frozen=True, slots=True)
class LogsWritten:
    """There are new records in the log of the flow run and its task runs. Every record is told once.

    Attributes:
        flow_run_id: the run.
        records: by their time. One that reaches the server late is told late.
    """

    flow_run_id: str
    records: tuple[LogRecord, ...]


@dataclass(frozen=True, slots=True)
class WaitExplained:
    """The flow run is due and has not been taken for some seconds; this is why. Told once at most.

    Attributes:
        flow_run_id: the run.
        explanation: as `explain_flow_run` gives it.
        timestamp: when it was asked for, in UTC.
    """

    flow_run_id: str
    explanation: Explanation
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """The flow run was looked at, whether there was news or not: what shows how the time passes can go on.

    Told after the news of each look, until the run is finished.

    Attributes:
        flow_run_id: the run.
    """

    flow_run_id: str


@dataclass(frozen=True, slots=True)
class WatchingStopped:
    """Whoever watched stopped before the flow run was finished, e.g. by Ctrl-C; the run itself goes on.

    Attributes:
        flow_run_id: the run.
    """

    flow_run_id: str


WatchEvent: TypeAlias = (
    StateChanged | TaskRunsProgressed | LogsWritten | WaitExplained | Looked | WatchingStopped
)
"""What a display is given."""
