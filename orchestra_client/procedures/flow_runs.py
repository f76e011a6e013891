"""Creating many flow runs, and waiting for one to finish."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestra_client.errors import NotFound, WaitTimeout
from orchestra_client.operation import Pause
from orchestra_client.operations import checks, flow_runs
from orchestra_client.operations.aliases import chunks
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.flow_runs import FlowRunArguments
    from orchestra_client.results import CreatedFlowRun, FlowRunInfo
    from orchestra_client.states import State

__all__ = ["create_flow_runs", "deleted", "timed_out", "wait_for_flow_run"]

_log = logging.getLogger("orchestra_client")

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 10.0
_GROWTH = 1.5


def create_flow_runs(
    runs: Sequence[FlowRunArguments], new_keys: Sequence[str]
) -> Procedure[list[CreatedFlowRun]]:
    """Create many flow runs, a few hundred a request; none fails its neighbours.

    Args:
        runs: the arguments of each.
        new_keys: an idempotency key for each, used where none was given.

    Returns:
        One result for each, in their order.
    """
    # All are built before the first is sent, so that a bad argument in the last creates none.
    operations = [
        flow_runs.create_flow_runs(some, new_keys=keys)
        for some, keys in zip(chunks(runs), chunks(new_keys), strict=True)
    ]
    results: list[CreatedFlowRun] = []
    for operation in operations:
        results += yield operation
    return results


def wait_for_flow_run(
    flow_run_id: Id,
    *,
    timeout: float | None,
    on_poll: Callable[[State], object] | None,
    monotonic: Callable[[], float],
) -> Procedure[FlowRunInfo]:
    """Ask for a run's state until it is finished, at growing intervals of up to ten seconds.

    Args:
        flow_run_id: the run.
        timeout: seconds to wait at most; None means for ever.
        on_poll: called with the state after each time it was asked.
        monotonic: a clock of seconds.

    Returns:
        The finished run.

    Raises:
        TypeError: `timeout` is no number.
        BadInput: `timeout` is negative.
        WaitTimeout: it did not finish in time.
        NotFound: there is no such run, or none any more.
    """
    if timeout is not None:
        checks.seconds(timeout, "timeout")
    run_id, started, pause = checks.uuid(flow_run_id, "flow_run_id"), monotonic(), _FIRST_PAUSE
    is_known = False
    while True:
        try:
            state: State = yield flow_runs.get_flow_run_state(run_id)
        except NotFound as error:
            if not is_known:
                raise
            raise deleted(run_id, "waited for") from error
        is_known = True
        waited = monotonic() - started
        _log.debug("Flow run %s is %s after %.1f s.", run_id, state.type_name, waited)
        if on_poll is not None:
            on_poll(state)
        if state.is_finished():
            info: FlowRunInfo = yield flow_runs.get_flow_run_info(run_id)
            return info
        if timeout is not None and waited >= timeout:
            raise timed_out(run_id, state, waited)
        yield Pause(pause if timeout is None else min(pause, timeout - waited))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def timed_out(run_id: str, state: State, waited: float) -> WaitTimeout:
    """The error of somebody who waited long enough.

    Args:
        run_id: the flow run.
        state: the last one that was seen.
        waited: seconds.
    """
    # A run that has not begun has no log to look at.
    has_begun = state.type_name in RUNNING
    advice = (
        "look at its log with get_flow_run_logs()"
        if has_begun
        else "ask explain_flow_run() what it waits for"
    )
    return WaitTimeout(
        f"flow run {run_id} is still {state.type_name} after {waited:.1f} s; wait longer with timeout=, or {advice}",
        flow_run_id=run_id,
        state_type=state.type_name,
    )


def deleted(run_id: str, meanwhile: str) -> NotFound:
    """The error of somebody whose run is gone.

    Args:
        run_id: the flow run, which was there.
        meanwhile: what was done to it, as ``watched``.
    """
    return NotFound(f"flow run {run_id} was deleted while it was {meanwhile}, and its log with it")
