"""Signals: what a task or trigger raises to put its run into a state.

They derive from `BaseException`, so that a task's own ``except Exception`` does not swallow them. Each carries the
state it stands for, and pickles with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client import states

if TYPE_CHECKING:
    from orchestra_client.states import State

__all__ = [
    "ENDRUN",
    "FAIL",
    "LOOP",
    "PAUSE",
    "RETRY",
    "SKIP",
    "SUCCESS",
    "TRIGGERFAIL",
    "VALIDATIONFAIL",
    "Signal",
    "signal_for",
]


class Signal(BaseException):
    """The root of all signals.

    Args:
        message: what happened, for people.
        result: what the run returns with it.
        fields: other arguments of the state, e.g. `start_time` of a `RETRY`.

    Attributes:
        state: the state it stands for.
    """

    state_class: ClassVar[type[State]]
    state: State

    def __init__(self, message: str | None = None, result: Any = None, **fields: Any) -> None:
        super().__init__(message)
        self.state = self.state_class(message, result, **fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.state)


def _rebuild(cls: type[Signal], state: State) -> Signal:
    signal = cls.__new__(cls, state.message)
    signal.state = state
    return signal


class FAIL(Signal):
    """The run failed; it is retried when it has retries left."""

    state_class: ClassVar[type[State]] = states.Failed


class TRIGGERFAIL(FAIL):
    """The run never began because of how the runs before it ended."""

    state_class = states.TriggerFailed


class VALIDATIONFAIL(FAIL):
    """The run returned something that its checks refuse."""

    state_class = states.ValidationFailed


class SUCCESS(Signal):
    """The run succeeded."""

    state_class = states.Success


class RETRY(Signal):
    """The run shall be tried again, even if it has no retries left; `start_time` says when, unset now."""

    state_class = states.Retrying


class SKIP(Signal):
    """The run is passed over, which counts as a success."""

    state_class = states.Skipped


class PAUSE(Signal):
    """The run waits for a person, or until `start_time`."""

    state_class = states.Paused


class LOOP(Signal):
    """The run shall begin again, with `result` for its next round."""

    state_class = states.Looped


class ENDRUN(BaseException):
    """The run ends here and now, in the state given; a failed one is not retried.

    Args:
        state: the state.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


_BY_STATE: dict[str, type[Signal]] = {
    signal.state_class.__name__: signal
    for signal in (FAIL, TRIGGERFAIL, VALIDATIONFAIL, SUCCESS, RETRY, SKIP, PAUSE, LOOP)
}


def signal_for(state: State) -> Signal:
    """The signal that stands for a state, carrying that very state.

    Raises:
        ValueError: none stands for a state of this kind.
    """
    if state.type_name not in _BY_STATE:
        raise ValueError(f"no signal stands for {state!r}")
    return _rebuild(_BY_STATE[state.type_name], state)
