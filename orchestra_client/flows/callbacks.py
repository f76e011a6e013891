"""What is called when a flow or task changes its state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.states import State

__all__ = ["Callback", "StateHandler", "state_handlers"]

StateHandler = Callable[[Any, "State", "State"], "State | None"]
"""Called with the flow or task, its old and its new state; what it returns replaces the new one, None keeps it."""


@dataclass(frozen=True)
class Callback:
    """A state handler that only looks: calls a function when the new state is of one kind.

    Immutable; pickles if its function does.

    Attributes:
        check: the name of the question to the new state, e.g. ``is_failed``.
        function: called with the flow or task and the new state; what it returns is ignored.
    """

    check: str
    function: Callable[[Any, State], Any]

    def __call__(self, subject: Any, old_state: State, new_state: State) -> State:
        """Call the function if the new state is of the kind."""
        if getattr(new_state, self.check)():
            self.function(subject, new_state)
        return new_state


def state_handlers(
    handlers: Iterable[StateHandler] | None,
    *,
    on_success: Callable[[Any, State], Any] | None = None,
    on_failure: Callable[[Any, State], Any] | None = None,
    on_retry: Callable[[Any, State], Any] | None = None,
) -> list[StateHandler]:
    """The handlers of a flow or task, in the order they are called: those given, then the callbacks.

    Raises:
        TypeError: one of them cannot be called.
    """
    if callable(handlers):
        raise TypeError("state_handlers must be a list of functions, not one function")
    callbacks = {"is_successful": on_success, "is_failed": on_failure, "is_retrying": on_retry}
    for each in (*(handlers or ()), *(function for function in callbacks.values() if function)):
        if not callable(each):
            raise TypeError(f"a state handler must be a function, not {type(each).__name__}")
    return [
        *(handlers or ()),
        *(Callback(check, function) for check, function in callbacks.items() if function is not None),
    ]
