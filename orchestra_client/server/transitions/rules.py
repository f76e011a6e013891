"""Which state may follow which. Pure: everything a rule looks at is an argument.

- A version that is named must be the run's.
- Success, Failed and Cancelled are final. A new schedule starts the run again; Cached may follow Success.
- One agent submits a run: Submitted follows neither Submitted nor Running.
- A run that is being cancelled does not go back to Running.
- A task run enters Running only while its flow run is Running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.server.transitions.outcomes import Outcome, failure, refused
from orchestra_client.server.transitions.runs import FlowRun
from orchestra_client.states.hierarchy import FAILED, RUNNING, SCHEDULED, SUCCESSFUL

if TYPE_CHECKING:
    from orchestra_client.server.transitions.reading import Proposal
    from orchestra_client.server.transitions.runs import Run


def refusal(run: Run, proposal: Proposal, agent_id: str | None) -> Outcome | None:
    """Why a run may not enter a state, or None when it may, as far as the run itself tells.

    Args:
        run: the run as it is.
        proposal: the state, and the version that its sender believes the run to have.
        agent_id: the agent that sends it, if one does.
    """
    if proposal.version not in (None, run.version) and not _fails_own_submission(run, proposal, agent_id):
        return _version_conflict(run, proposal)
    new = proposal.state.type
    if new == "Submitted" and run.state == "Submitted":
        # These very words are what agents of old look for.
        message = "State update failed: this run has already been submitted."
        return Outcome("ERROR", message, "STATE_CONFLICT", run.version)
    if run.is_final and not _follows_end(run, new):
        reason = f"it is {run.state}, which is final; only a Scheduled state starts it again, not {new}."
        return refused(run, "STATE_CONFLICT", reason)
    if new == "Submitted" and run.is_running:
        return refused(run, "STATE_CONFLICT", f"it is {run.state} already, so it cannot be submitted.")
    if new == "Running" and run.state == "Cancelling":
        return refused(run, "STATE_CONFLICT", "it is being cancelled and cannot go back to Running.")
    return None


def flow_run_refusal(run: Run, flow_run_id: str, flow_run_state: str | None) -> Outcome | None:
    """Why a task run may not enter Running because of its flow run, or None when it may."""
    if flow_run_state == "Running":
        return None
    reason = f"it cannot be Running while flow run {flow_run_id} is {flow_run_state}, which is not Running."
    return refused(run, "STATE_CONFLICT", reason)


def enters_running(run: Run, proposal: Proposal) -> bool:
    """Whether a run that is not running is to be from now on."""
    return proposal.state.type in RUNNING and not run.is_running


def is_same_end(run: Run, proposal: Proposal) -> bool:
    """Whether a finished run is told its end once more.

    A peer without transition ids repeats a request whose answer was lost. It would take a refusal for a failure of
    the run, and a second row of history would say nothing new.
    """
    return (
        run.is_final
        and proposal.version is None
        and proposal.transition_id is None
        and run.state == proposal.state.type
        and run.state_message == proposal.state.message
    )


def _fails_own_submission(run: Run, proposal: Proposal, agent_id: str | None) -> bool:
    # Agents of 0.12 to 1.4.1 that submitted a run and could not deploy it report Failed with the version from
    # before their own Submitted. Refused, the run would stay Submitted with nobody to run it.
    return (
        isinstance(run, FlowRun)
        and run.state == "Submitted"
        and proposal.state.type in FAILED
        and proposal.version == run.version - 1
        and agent_id is not None
        and run.agent_id == agent_id
    )


def _version_conflict(run: Run, proposal: Proposal) -> Outcome:
    reason = f"provided version {proposal.version} but current version is {run.version}."
    message = f"{failure(run.noun, run.id)}: {reason}"
    return Outcome("ERROR", message, "VERSION_LOCKING_ERROR", run.version, proposal.version)


def _follows_end(run: Run, new: str) -> bool:
    return new in SCHEDULED or (new == "Cached" and run.state in SUCCESSFUL)
