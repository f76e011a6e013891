"""Deciding a batch of proposed states, in memory and in order; a run may occur in it several times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestra_client.server.transitions.outcomes import Outcome, accepted, failure
from orchestra_client.server.transitions.rules import (
    enters_running,
    flow_run_refusal,
    is_same_end,
    refusal,
)
from orchestra_client.server.transitions.slots import TagSlots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.server.transitions.reading import Proposal
    from orchestra_client.server.transitions.runs import Run


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides whether a task run may enter Running, besides itself.

    Attributes:
        flow_run_id: the flow run it belongs to.
        flow_run_state: the type of that run's state.
        tags: of its task.
    """

    flow_run_id: str
    flow_run_state: str | None
    tags: Sequence[str]


@dataclass(slots=True)
class Decisions:
    """The runs of a batch, locked in the database, and what is decided about them. Not safe to share.

    Args:
        run_type: the kind of runs.
        runs: by id; one that is missing does not exist in this scope.
        now: the transaction's time.
        answered: what repeats are answered, by run and transition id.
        agent_id: the agent that sends the batch, if one does.
        surroundings: of the task runs, where one is to enter Running; empty for flow runs.
        slots: of the tags that are limited.
    """

    run_type: type[Run]
    runs: Mapping[str, Run]
    now: str
    answered: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    agent_id: str | None = None
    surroundings: Mapping[str, Surroundings] = field(default_factory=dict)
    slots: TagSlots = field(default_factory=lambda: TagSlots({}, {}))
    changed: dict[str, Run] = field(default_factory=dict, init=False)
    """The runs with a new state, by id."""
    history: list[dict[str, Any]] = field(default_factory=list, init=False)
    """A row for each state that was accepted, in order."""

    def decide(self, proposal: Proposal) -> Outcome:
        """Accept, queue or refuse one state, after those decided before."""
        run = self.runs.get(proposal.run_id)
        if run is None:
            message = f"{failure(self.run_type.noun, proposal.run_id)}: there is no such run."
            return Outcome("ERROR", message, "NOT_FOUND")
        repeated = self._repeated(run, proposal)
        if repeated is not None:
            return repeated
        return self._hindrance(run, proposal) or self._accept(run, proposal)

    def _repeated(self, run: Run, proposal: Proposal) -> Outcome | None:
        if proposal.transition_id is not None:
            return self.answered.get((run.id, proposal.transition_id))
        return accepted(run.version) if is_same_end(run, proposal) else None

    def _hindrance(self, run: Run, proposal: Proposal) -> Outcome | None:
        refused = refusal(run, proposal, self.agent_id)
        around = self.surroundings.get(run.id)
        if refused is not None or around is None or not enters_running(run, proposal):
            return refused
        refused = flow_run_refusal(run, around.flow_run_id, around.flow_run_state)
        if refused is not None:
            return refused
        shortage = self.slots.shortage(around.tags)
        return None if shortage is None else Outcome("QUEUED", shortage, version=run.version)

    def _accept(self, run: Run, proposal: Proposal) -> Outcome:
        was_running = run.is_running
        run.enter(proposal.state, self.now, self.agent_id)
        self._move_slots(run, was_running)
        self.changed[run.id] = run
        self.history.append(run.history(proposal.transition_id))
        outcome = accepted(run.version)
        if proposal.transition_id is not None:
            self.answered[run.id, proposal.transition_id] = outcome
        return outcome

    def _move_slots(self, run: Run, was_running: bool) -> None:
        around = self.surroundings.get(run.id)
        if around is not None and run.is_running != was_running:
            (self.slots.take if run.is_running else self.slots.release)(around.tags)
