"""Setting the states of flow runs and task runs, one or many in a request.

How a refusal is told depends on how many states the request holds. A batch answers item by item: ``status: ERROR`` with
`message`, `code` and the run's `version`, and a bad item leaves its neighbours alone. A request with a single
state raises the refusal as the error of the field: clients of 0.12 and 1.4.1 send one state at a time and never
look at the status of a refusal. 1.4.1 takes ``errors[0].extensions.code == "VERSION_LOCKING_ERROR"`` as the sign that
another process owns the run, and agents of both leave a run alone whose message holds "State update failed". ``QUEUED``
is a status in either case: 1.4.1 and 0.12 wait and try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import PayloadTooLarge
from orchestra_client.server.registry import mutation
from orchestra_client.server.transitions.applying import apply_proposals
from orchestra_client.server.transitions.reading import read_proposal
from orchestra_client.server.transitions.runs import FlowRun, TaskRun

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.transitions.runs import Run

Input = dict[str, Any]

MAX_STATES = 10_000
"""States of one request."""


@mutation("set_flow_run_states")
def set_flow_run_states(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Set the states of flow runs, in order; an agent that submits a run is noted as its agent."""
    return _set_states(session, context, input["states"], FlowRun)


@mutation("set_task_run_states")
def set_task_run_states(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Set the states of task runs, in order; Running takes a slot of each of the task's limited tags."""
    return _set_states(session, context, input["states"], TaskRun)


def _set_states(
    session: Session, context: Context, items: list[Input], run_type: type[Run]
) -> dict[str, Any]:
    if len(items) > MAX_STATES:
        raise PayloadTooLarge(f"{len(items)} states are too many for one request; send at most {MAX_STATES}.")
    max_bytes, now = context.settings.max_state_bytes, session.now
    proposals = [read_proposal(item, run_type, max_bytes=max_bytes, now=now) for item in items]
    outcomes = apply_proposals(session, run_type, proposals, agent_id=context.credentials.agent_id)
    if len(outcomes) == 1 and outcomes[0].status == "ERROR":
        raise outcomes[0].error()
    run_ids = (item[run_type.id_name] for item in items)
    return {"states": [outcome.payload(run_id) for run_id, outcome in zip(run_ids, outcomes, strict=True)]}
