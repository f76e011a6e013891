"""Applying a batch of proposed states in one transaction: lock, decide, write."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.server.transitions.cancelling import cancel_task_runs
from orchestra_client.server.transitions.deciding import Decisions
from orchestra_client.server.transitions.outcomes import Outcome
from orchestra_client.server.transitions.record import (
    load_answers,
    load_runs,
    load_slots,
    load_surroundings,
    save,
)
from orchestra_client.server.transitions.runs import FlowRun
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Select

    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views
    from orchestra_client.server.transitions.reading import Proposal
    from orchestra_client.server.transitions.runs import Run


def apply_proposals(
    session: Session,
    run_type: type[Run],
    proposals: Sequence[Proposal | Outcome],
    *,
    agent_id: str | None = None,
) -> list[Outcome]:
    """Decide proposed states in their order and write those that are accepted.

    The number of statements does not grow with the number of items. The runs are locked before they are looked
    at, so every rule holds across threads, processes and servers.

    Args:
        session: a session that writes.
        run_type: the kind of runs, `FlowRun` or `TaskRun`.
        proposals: the states, and in the place of those that could not be read, their refusals.
        agent_id: the agent that sends them, if one does.

    Returns:
        One outcome for each proposal, in order.
    """
    readable = [proposal for proposal in proposals if not isinstance(proposal, Outcome)]
    runs = load_runs(session, run_type, (proposal.run_id for proposal in readable))
    answered = _answered(session, run_type, runs, readable)
    decisions = Decisions(run_type, runs, session.now, answered)
    if run_type is FlowRun:
        decisions.agent_id = _agent(session, readable, agent_id)
    else:
        _look_around(session, decisions, readable)
    outcomes = [
        proposal if isinstance(proposal, Outcome) else decisions.decide(proposal) for proposal in proposals
    ]
    save(session, decisions.changed.values(), decisions.history)
    if run_type is FlowRun:
        _cancel_with(session, decisions.changed.values())
    return outcomes


def _answered(
    session: Session, run_type: type[Run], runs: Mapping[str, Run], proposals: Sequence[Proposal]
) -> dict[tuple[str, str], Outcome]:
    # A proposal that names the run's own version cannot have been accepted before: that would have raised it.
    suspects = [
        proposal
        for proposal in proposals
        if proposal.transition_id is not None
        and proposal.run_id in runs
        and proposal.version != runs[proposal.run_id].version
    ]
    return load_answers(session, run_type, suspects) if suspects else {}


def _agent(session: Session, proposals: Sequence[Proposal], agent_id: str | None) -> str | None:
    if agent_id is None:
        return None
    agent_id = agent_id.lower()
    if not any(proposal.state.type == "Submitted" for proposal in proposals):
        return agent_id
    return session.scalar(_agent_id(session.views), id=agent_id)  # type: ignore[no-any-return] # an id column


def _look_around(session: Session, decisions: Decisions, proposals: Sequence[Proposal]) -> None:
    starting = [p.run_id for p in proposals if p.state.type in RUNNING and p.run_id in decisions.runs]
    if starting:
        # Of all runs, not only those that start: one that leaves Running in this batch gives its slots back.
        decisions.surroundings = load_surroundings(session, list(decisions.runs))
        tags = {tag for run_id in starting for tag in decisions.surroundings[run_id].tags}
        decisions.slots = load_slots(session, tags)


def _cancel_with(session: Session, flow_runs: Collection[Run]) -> None:
    cancelled = [run for run in flow_runs if run.state == "Cancelled"]
    cancel_task_runs(session, [run.id for run in cancelled], "The flow run was cancelled.")


@cache
def _agent_id(views: Views) -> Select[Any]:
    agents = views["agent"]
    return select(agents.c.id).where(agents.c.id == bindparam("id"))
