"""Setting states of flow runs and task runs: one mutation for each kind, with any number of states."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from orchestra_client.errors import BadInput, ClientError, error_class
from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.results import StateResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from orchestra_client.operations.checks import Id
    from orchestra_client.states import State

__all__ = [
    "QUEUE_INTERVAL",
    "Change",
    "Run",
    "caching",
    "change",
    "is_the_one_sent",
    "set_state",
    "set_states",
]

Run = Literal["flow_run", "task_run"]

QUEUE_INTERVAL = timedelta(seconds=30)
"""How long a run that found no free slot waits before it asks again."""


@dataclass(frozen=True, slots=True)
class Change:
    """One state for one run, checked.

    Attributes:
        run_id: the run's UUID.
        version: the version the run must have for the state to be taken; None takes it anyway.
        state: the new state.
        transition_id: makes a repeat recognisable to servers that know such ids.
    """

    run_id: str
    version: int | None
    state: State
    transition_id: str


def change(run: Run, run_id: Id, version: int | None, state: State, transition_id: str) -> Change:
    """Check one state for one run.

    Raises:
        TypeError: an argument is of another type; a state in the version's place among them.
        BadInput: the id is no UUID, or the version is negative.
    """
    from orchestra_client.states import State  # noqa: PLC0415 - slow to import, and here the caller has done it

    if not isinstance(state, State):
        raise TypeError(
            f"state must be a State, not {type(state).__name__}; the order is ({run}_id, version, state)"
        )
    checked = None if version is None else checks.count(version, "version")
    return Change(checks.uuid(run_id, f"{run}_id"), checked, state, transition_id)


def caching(each: Change, cache_for: timedelta | None, now: datetime) -> Change:
    """The same change, its state becoming `Cached` when its result may be used again.

    Args:
        each: any change; with another state than a success, or one that is cached already, it stays as it is.
        cache_for: how long the result may be used; None means not at all.
        now: the current time.

    Raises:
        TypeError: `cache_for` is no `timedelta`.
        BadInput: `cache_for` is negative, or ends beyond the dates there are.
    """
    state, expiration = each.state, _expiration(cache_for, now)
    if expiration is None or state.is_cached() or not state.is_successful():
        return each
    from orchestra_client.states import Cached  # noqa: PLC0415 - as in `change`

    cached = Cached(
        message=state.message,
        result=state.result_object,
        cached_inputs=state.cached_inputs,
        context=state.context,
        cached_result_expiration=expiration,
    )
    return replace(each, state=cached)


def _expiration(cache_for: timedelta | None, now: datetime) -> datetime | None:
    if not isinstance(cache_for, timedelta | None):
        raise TypeError(
            f"cache_for must be a timedelta, as timedelta(hours=1), not {type(cache_for).__name__}"
        )
    if cache_for is None:
        return None
    if cache_for < timedelta(0):
        raise BadInput(f"cache_for must not be negative, but is {cache_for}; leave it out to cache nothing")
    try:
        return now + cache_for
    except OverflowError:
        raise BadInput(f"cache_for is beyond the dates there are: {cache_for} from now") from None


def set_states(
    run: Run, changes: Sequence[Change], *, knows_transitions: bool, now: Callable[[], datetime]
) -> Operation[list[StateResult]]:
    """Set states in one request; none fails its neighbours.

    Args:
        run: of which kind all the runs are.
        changes: in order; a run may occur more than once.
        knows_transitions: whether the server knows transition ids, and tells code and version of each item.
        now: the clock, for when to try again after finding no free slot.

    Returns:
        The operation; its result has one item for each change, in their order.
    """
    states = [_item(run, each, knows_transitions) for each in changes]
    is_guarded = knows_transitions or all(each.version is not None for each in changes)

    def parse(answer: dict[str, Any]) -> list[StateResult]:
        payloads = answer["states"]
        if len(payloads) != len(changes):
            raise ClientError(f"{len(changes)} states were sent, and {len(payloads)} answered")
        return [_result(each, payload, now) for each, payload in zip(changes, payloads, strict=True)]

    return Operation(
        f"set_{run}_states" if knows_transitions else f"set_{run}_states_plainly",
        {"input": {"states": states}},
        parse,
        # Without a version or an id, a state that was applied and is sent again would be there twice.
        Repeat.SAFE if is_guarded else Repeat.NEVER,
    )


def set_state(
    run: Run, change: Change, *, knows_transitions: bool, now: Callable[[], datetime]
) -> Operation[State]:
    """Set one state; the arguments are those of :func:`set_states`.

    Returns:
        The operation; its result is the state the run is to be considered in, and a refusal is its error.
    """
    batch = set_states(run, [change], knows_transitions=knows_transitions, now=now)

    def parse(answer: dict[str, Any]) -> State:
        [result] = batch.parse(answer)
        if result.error is not None:
            raise result.error
        assert result.state is not None  # only refusals have none
        return result.state

    return Operation(batch.name, batch.variables, parse, batch.repeat)


def _item(run: Run, each: Change, knows_transitions: bool) -> dict[str, Any]:
    state = each.state.serialize()
    item = {f"{run}_id": each.run_id, "version": each.version, "state": state}
    if knows_transitions:
        item["transition_id"] = each.transition_id
    else:
        # Servers of every age keep a state's context, so that the state is known again when it is read back.
        state["context"] = {**(state["context"] or {}), "transition_id": each.transition_id}
    return item


def is_the_one_sent(change: Change, current: State) -> bool:
    """Whether a state that was read back is that of `change`, sent to a server that knows no transition ids."""
    return current.context.get("transition_id") == change.transition_id


def _result(each: Change, payload: dict[str, Any], now: Callable[[], datetime]) -> StateResult:
    status, message, version = payload["status"], payload.get("message"), payload.get("version")
    if status == "SUCCESS":
        return StateResult(each.run_id, "SUCCESS", each.state, message, version)
    if status == "QUEUED":
        from orchestra_client.states import Queued  # noqa: PLC0415 - as in `change`

        waiting = Queued(message=message, state=each.state, start_time=now() + QUEUE_INTERVAL)
        return StateResult(each.run_id, "QUEUED", waiting, message, version)
    error = _refusal(each, payload)
    return StateResult(each.run_id, "ERROR", None, message, version, error)


def _refusal(each: Change, payload: dict[str, Any]) -> ClientError:
    code, message = payload.get("code"), payload.get("message") or "the state was refused"
    made = error_class(code)(message)
    error = made if isinstance(made, ClientError) else BadInput(message)
    error.code = code
    if code == "VERSION_LOCKING_ERROR":
        vars(error).update(expected=each.version, current=payload.get("version"))
    return error
