"""What to make of a run: whether it is still this agent's, and what to report when its deployment has ended.

Pure: everything that is looked at is an argument.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from orchestra_client.states import Cancelled, Failed, Retrying
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.agent.deployment import Ending
    from orchestra_client.agent.runs import RunningTask, Standing
    from orchestra_client.states import State

__all__ = ["Concern", "Told", "concern", "end_of", "ends_of_tasks", "failure_message"]

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
        None when the run has reported an end itself, waits for its next start, or is someone else's; also when a
        task run died with it that may be tried again.
    """
    if standing is None or not _is_ours_to_end(standing, agent_id, ending):
        return None
    if standing.state == "Cancelling":
        return Cancelled(f"The flow run was cancelled: {subject} {ending.reason}.")
    waits = (ending.is_clean and standing.waits) or any(each.has_retries for each in standing.running)
    if standing.state == "Running" and waits:
        return None
    return Failed(failure_message(ending, subject))


def ends_of_tasks(
    standing: Standing | None, agent_id: str, ending: Ending, subject: str, now: datetime
) -> list[tuple[str, int, State]]:
    """The states to report for the task runs that were Running when the run's deployment ended.

    Args:
        standing: of the run, as for :func:`end_of`.
        agent_id: this agent's.
        ending: how the deployment ended.
        subject: the deployment, for the messages.
        now: the time.

    Returns:
        For each its id, its version and the state; none for a cancelled run, with which they go.
    """
    if standing is None or standing.state == "Cancelling" or not _is_ours_to_end(standing, agent_id, ending):
        return []
    return [(each.id, each.version, _end_of_task(each, ending, subject, now)) for each in standing.running]


def _is_ours_to_end(standing: Standing, agent_id: str, ending: Ending) -> bool:
    is_ours = standing.agent_id in {None, agent_id}
    return is_ours and standing.state in _OURS and not ending.is_disowned


def _end_of_task(running: RunningTask, ending: Ending, subject: str, now: datetime) -> State:
    message = f"The flow run's {subject} {ending.reason}."
    if not running.has_retries:
        return Failed(message)
    again = f"{message} It is tried again: retry {running.run_count} of {running.max_retries}."
    start = now + timedelta(seconds=running.retry_delay)
    return Retrying(again, start_time=start, run_count=running.run_count)


def failure_message(ending: Ending, subject: str) -> str:
    """Why a run failed whose deployment ended before it did."""
    # The first letter alone: what follows may be a name.
    told = f"{subject[:1].upper()}{subject[1:]} {ending.reason}, and the run had not come to an end."
    return f"{told} Its last lines:\n{ending.output}" if ending.output else told
