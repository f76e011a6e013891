"""What to make of a run: whether it is still this agent's, and what to report when its deployment has ended.

Pure: everything that is looked at is an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orchestra_client.states import Cancelled, Failed
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from orchestra_client.agent.deployment import Ending
    from orchestra_client.agent.runs import Standing
    from orchestra_client.states import State

__all__ = ["Concern", "Told", "concern", "end_of", "failure_message"]

Concern = Literal["ours", "cancelled", "lost", "over"]
"""Ours to watch; cancelled, so to be ended; lost to someone else, likewise; over, so it should end by itself."""

Told = Literal["cancelled", "lost", "over", "stopped"]
"""Why a deployment was told to end; `stopped` together with its agent."""

_OURS = RUNNING | {"Submitted"}


def concern(standing: Standing | None, agent_id: str) -> Concern:
    """Whether a run whose deployment goes on is still this agent's.

    Args:
        standing: of the run; None when it does not exist any more.
        agent_id: this agent's.
    """
    if standing is None:
        return "lost"
    if standing.state in {"Cancelling", "Cancelled"}:
        return "cancelled"
    if standing.state not in _OURS:
        return "over"
    return "lost" if standing.agent_id not in {None, agent_id} else "ours"


def end_of(standing: Standing | None, agent_id: str, ending: Ending, subject: str) -> State | None:
    """The state to report for a run whose deployment has ended.

    Args:
        standing: of the run, its task runs included; None when it does not exist any more.
        agent_id: this agent's.
        ending: how the deployment ended.
        subject: the deployment, for the message.

    Returns:
        None when the run has reported an end itself, waits for its next start, or is someone else's.
    """
    if standing is None or standing.state not in _OURS or ending.is_disowned:
        return None
    if standing.agent_id not in {None, agent_id}:
        return None
    if standing.state == "Cancelling":
        return Cancelled(f"The flow run was cancelled: {subject} {ending.reason}.")
    if ending.is_clean and standing.state == "Running" and standing.waits:
        return None
    return Failed(failure_message(ending, subject))


def failure_message(ending: Ending, subject: str) -> str:
    """Why a run failed whose deployment ended before it did."""
    # The first letter alone: what follows may be a name.
    told = f"{subject[:1].upper()}{subject[1:]} {ending.reason}, and the run had not come to an end."
    return f"{told} Its last lines:\n{ending.output}" if ending.output else told
