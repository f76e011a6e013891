"""Calling the state handlers of flows and tasks: the author's own code, which must never stop the engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestra_client.engine.signals import ENDRUN, Signal
from orchestra_client.states import Failed, State

if TYPE_CHECKING:
    from orchestra_client.flows import Flow, Task

__all__ = ["call_handlers"]

_log = logging.getLogger("orchestra_client.engine")


def call_handlers(subject: Flow | Task, old: State, new: State) -> State:
    """Show a change of state to the handlers, which may change it.

    Args:
        subject: whose handlers are called, in their order.
        old: the state it had.
        new: the state it is to get.

    Returns:
        The state it gets: `new`, what the handlers made of it, or Failed when one of them raised.
    """
    for handler in subject.state_handlers:
        try:
            new = handler(subject, old, new) or new
        except (Signal, ENDRUN) as signal:
            new = signal.state
        except Exception as error:  # noqa: BLE001 (a handler may be anyone's)
            _log.exception("A state handler of %r failed.", subject.name)
            return Failed(f"a state handler raised {type(error).__name__}: {error}", result=error)
    return new
