"""What follows from how a try of a task, or a whole flow run, ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.states import (
    Cancelled,
    Failed,
    Looped,
    Mapped,
    Retrying,
    State,
    Success,
    TriggerFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from orchestra_client.engine.task_runs import TaskRun
    from orchestra_client.flows import Task

__all__ = ["Outcome", "after", "flow_state"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try of a task ended. Immutable; pickles if the state's result does.

    Attributes:
        state: the state that it makes by itself.
        is_last: whether it is not tried again, whatever the state.
    """

    state: State
    is_last: bool = False


def after(run: TaskRun, outcome: Outcome, now: datetime, random: Callable[[], float]) -> State:
    """The state of a run after a try.

    Args:
        run: the run, whose `run_count` counts this try.
        outcome: how the try ended.
        now: the current time.
        random: a number from 0 to 1, for the wait before the next try.

    Returns:
        The state: Retrying in place of a failure that is tried again.
    """
    state = outcome.state
    if state.is_looped():
        return Looped(state.message, state.result_object, run.loop_count, state.context)
    if not state.is_failed() or outcome.is_last or not _is_retried(run, state):
        return state
    policy = run.task.retries()
    message = f"Attempt {run.run_count} of {run.task.max_retries + 1} failed: {state.message}"
    # A loop goes on with the round that failed, also in another process.
    in_loop = run.loop_count > 1
    return Retrying(
        message,
        result=run.loop_result,
        start_time=now + policy.wait(run.run_count, random),
        context={"task_loop_count": run.loop_count} if in_loop else None,
        run_count=run.run_count,
    )


def _is_retried(run: TaskRun, failure: State) -> bool:
    task = run.task
    if isinstance(failure, TriggerFailed) or not task.retries().allows(run.run_count):
        return False
    return task.retry_on is None or isinstance(failure.result, task.retry_on)


def flow_state(reference: Iterable[State], results: Mapping[Task, State]) -> State:
    """The final state of a flow run.

    Args:
        reference: the final states of its reference tasks.
        results: the final state of each task, which becomes the result.

    Returns:
        Failed when a reference task failed, else Cancelled when one was cancelled, else Success.
    """
    states = [child for state in reference for child in _children(state)]
    total, result = len(states), dict(results)
    failed = sum(state.is_failed() for state in states)
    if failed:
        return Failed(f"{failed} of {total} reference task runs failed.", result)
    if any(state.is_cancelled() for state in states):
        return Cancelled("Reference task runs were cancelled.", result)
    return Success("All reference tasks succeeded." if total else "There was nothing to run.", result)


def _children(state: State) -> list[Any]:
    children = state.map_states if isinstance(state, Mapped) else ()
    return [child for child in children if child is not None] or [state]
