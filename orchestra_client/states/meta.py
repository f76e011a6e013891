"""States around another state: what is being done with a run, without losing what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import StateSerializationError
from orchestra_client.states.base import State, put
from orchestra_client.states.clock import now, utc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pendulum

__all__ = ["ClientFailed", "Queued", "Submitted"]


def _inner(state: State | None) -> State | None:
    if state is not None and not isinstance(state, State):
        raise StateSerializationError(f"state: {state!r:.60} is not a State", path="state")
    # Around a meta state go only its contents, or a run that is queued again and again grows without end.
    while isinstance(state, _MetaState):
        state = state.state
    return state


@dataclass(frozen=True, init=False, eq=False, repr=False)
class _MetaState(State):
    """A state around another. Other arguments as for `State`.

    Args:
        state: the state to stand around; of a meta state, the one inside it is taken.
    """

    __slots__ = ("state",)

    state: State | None

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        state: State | None = None,
        context: Mapping[str, Any] | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        put(self, "state", _inner(state))


class ClientFailed(_MetaState):
    """The state inside could not be reported, so the run stops and nothing that follows begins.

    Args:
        state: the state that was to be reported. Other arguments as for `State`.
    """

    __slots__ = ()


class Submitted(_MetaState):
    """An agent or executor has taken the run.

    Args:
        state: the state it had, usually a `Scheduled` one. Other arguments as for `State`.
    """

    __slots__ = ()


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Queued(_MetaState):
    """The run could not begin, often for want of a free slot, and waits. Other arguments as for `State`.

    Args:
        state: the state it had.
        start_time: when to try again; unset means now. None only in states that a peer wrote without one.
    """

    __slots__ = ("start_time",)

    start_time: pendulum.DateTime | None

    def __init__(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        state: State | None = None,
        start_time: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, state, context, cached_inputs)
        put(self, "start_time", now() if start_time is None else utc(start_time, "start_time"))
