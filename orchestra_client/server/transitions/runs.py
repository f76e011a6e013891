"""A run while its next states are decided: the columns that a state decides, and how each is derived."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client.states.hierarchy import FINISHED, RUNNING

if TYPE_CHECKING:
    from orchestra_client.server.transitions.reading import ProposedState

FINAL = FINISHED - {"Looped"}
"""The states that end a run. Looped ends one turn of it: the next one starts with Running."""

_BEATING = RUNNING | {"Submitted"}
_LOADED = ("id", "version", "state", "state_message", "start_time", "end_time", "duration", "heartbeat")
_DERIVED = (
    "version",
    "state",
    "state_timestamp",
    "state_message",
    "state_start_time",
    "serialized_state",
    "start_time",
    "end_time",
    "duration",
    "heartbeat",
)


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """What a flow run and a task run have in common. Belongs to one transaction; not safe to share.

    The attributes are the columns of the same name in the contract.
    """

    table: ClassVar[str]
    noun: ClassVar[str]
    id_name: ClassVar[str]
    loaded: ClassVar[tuple[str, ...]] = _LOADED
    derived: ClassVar[tuple[str, ...]] = _DERIVED

    id: str
    version: int
    state: str | None
    state_message: str | None
    start_time: str | None
    end_time: str | None
    duration: float | None
    heartbeat: str | None
    state_timestamp: str | None = field(default=None, init=False)
    state_start_time: str | None = field(default=None, init=False)
    serialized_state: dict[str, Any] | None = field(default=None, init=False)

    @property
    def is_running(self) -> bool:
        """Running, on the way to being cancelled or not."""
        return self.state in RUNNING

    @property
    def is_final(self) -> bool:
        """At its end; nothing but a new schedule starts it again."""
        return self.state in FINAL

    def enter(self, state: ProposedState, now: str, agent_id: str | None = None) -> None:
        """Take a state, with all that follows from it.

        Args:
            state: the state, which the rules allow.
            now: the transaction's time.
            agent_id: the agent that sent it, if one did.
        """
        self.version += 1
        self.state = state.type
        self.state_timestamp = now
        self.state_message = state.message
        self.state_start_time = state.start_time
        self.serialized_state = state.serialized
        if state.type in RUNNING:
            self.start_time = self.start_time or now
        if state.type in _BEATING:
            self.heartbeat = now
        if state.type in FINISHED:
            self.end_time = now
            self.duration = _seconds(self.start_time, now)

    def row(self) -> dict[str, Any]:
        """The columns to write, by name."""
        return {"id": self.id, **{name: getattr(self, name) for name in self.derived}}

    def history(self, transition_id: str | None) -> dict[str, Any]:
        """The row of the run's history that the state just entered becomes."""
        return {
            self.id_name: self.id,
            "timestamp": self.state_timestamp,
            "version": self.version,
            "state": self.state,
            "message": self.state_message,
            "start_time": self.state_start_time,
            "serialized_state": self.serialized_state,
            "transition_id": transition_id,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class FlowRun(Run):
    """A flow run. Belongs to one transaction; not safe to share.

    Attributes:
        agent_id: the agent that submitted it last.
    """

    table = "flow_run"
    noun = "flow run"
    id_name = "flow_run_id"
    loaded = (*_LOADED, "agent_id")
    derived = (*_DERIVED, "agent_id")

    agent_id: str | None

    def enter(self, state: ProposedState, now: str, agent_id: str | None = None) -> None:
        """Take a state, and the agent that submits the run; see `Run.enter`."""
        if state.type == "Submitted" and agent_id is not None:
            self.agent_id = agent_id
        Run.enter(self, state, now)


@dataclass(slots=True, kw_only=True, eq=False)
class TaskRun(Run):
    """A task run. Belongs to one transaction; not safe to share.

    Attributes:
        run_count: how often it was tried; the turns of a loop are one try.
    """

    table = "task_run"
    noun = "task run"
    id_name = "task_run_id"
    loaded = (*_LOADED, "run_count")
    derived = (*_DERIVED, "run_count")

    run_count: int

    def enter(self, state: ProposedState, now: str, agent_id: str | None = None) -> None:
        """Take a state, and count the tries; see `Run.enter`."""
        if state.type in RUNNING and not self.is_running and self.state != "Looped":
            self.run_count += 1
        Run.enter(self, state, now)


def _seconds(start: str | None, end: str) -> float | None:
    if start is None:
        return None
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()
