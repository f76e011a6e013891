"""Setting states: one by one, or many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import ClientError, ServerError
from orchestra_client.operations import flow_runs, task_runs
from orchestra_client.operations.aliases import chunks
from orchestra_client.operations.states import is_the_one_sent, set_state, set_states
from orchestra_client.results import StateResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from orchestra_client.operation import Operation, Procedure
    from orchestra_client.operations.states import Change, Run
    from orchestra_client.states import State

__all__ = ["set_run_state", "set_run_states"]

_CURRENT: dict[Run, Callable[[str], Operation[State]]] = {
    "flow_run": flow_runs.get_flow_run_state,
    "task_run": task_runs.get_task_run_state,
}


def set_run_state(
    run: Run, change: Change, *, knows_transitions: bool, now: Callable[[], datetime]
) -> Procedure[State]:
    """Set one state.

    A server that knows transition ids answers a repeat as it answered the first. On an older one, a repeat of a
    state that was applied conflicts with itself; then the run is read back, and counts as set when its state is the
    one sent. Another's state, be it equal, never does: only one of two that claim a run may have it.

    Args:
        run: the kind of run.
        change: the state, checked.
        knows_transitions: whether the server knows transition ids.
        now: the clock, for when to try again after finding no free slot.

    Returns:
        The state the run is to be considered in: the one sent, or `Queued`.

    Raises:
        VersionConflict: the run has another version.
        ClientError: the server refused the state for another reason.
    """
    try:
        state: State = yield set_state(run, change, knows_transitions=knows_transitions, now=now)
    except ClientError as error:
        if knows_transitions or not error.was_repeated or change.version is None:
            raise
        current: State = yield _CURRENT[run](change.run_id)
        if not is_the_one_sent(change, current):
            raise
        return change.state
    return state


def set_run_states(
    run: Run, changes: Sequence[Change], *, knows_transitions: bool, now: Callable[[], datetime]
) -> Procedure[list[StateResult]]:
    """Set many states, a few hundred a request; none fails its neighbours.

    Args:
        run: the kind of all the runs.
        changes: the states, checked, in order.
        knows_transitions: whether the server knows transition ids.
        now: the clock, for when to try again after finding no free slot.

    Returns:
        One result for each change, in their order.
    """
    results: list[StateResult] = []
    for some in chunks(changes):
        try:
            results += yield set_states(run, some, knows_transitions=knows_transitions, now=now)
        except ClientError as error:
            # A request with a single state is refused as a whole; here it is an item like any other.
            if len(some) > 1 or isinstance(error, ServerError):
                raise
            results.append(StateResult(some[0].run_id, "ERROR", None, str(error), error=error))
    return results
