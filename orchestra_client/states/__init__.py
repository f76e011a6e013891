"""The states a flow run or task run can be in.

``State`` and its 21 subclasses, the results they carry, and :mod:`~orchestra_client.states.hierarchy`, the same
tree as plain tables. The classes are imported on first use: the tables alone cost next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.states.base import State
    from orchestra_client.states.clock import use_clock
    from orchestra_client.states.finished import (
        Cached,
        Cancelled,
        Failed,
        Finished,
        Looped,
        Mapped,
        Skipped,
        Success,
        TimedOut,
        TriggerFailed,
        ValidationFailed,
    )
    from orchestra_client.states.meta import ClientFailed, Queued, Submitted
    from orchestra_client.states.pending import Paused, Pending, Resume, Retrying, Scheduled
    from orchestra_client.states.results import NoResult, Result
    from orchestra_client.states.running import Cancelling, Running

__all__ = [
    "Cached",
    "Cancelled",
    "Cancelling",
    "ClientFailed",
    "Failed",
    "Finished",
    "Looped",
    "Mapped",
    "NoResult",
    "Paused",
    "Pending",
    "Queued",
    "Result",
    "Resume",
    "Retrying",
    "Running",
    "Scheduled",
    "Skipped",
    "State",
    "Submitted",
    "Success",
    "TimedOut",
    "TriggerFailed",
    "ValidationFailed",
    "use_clock",
]

_MODULES = ("base", "clock", "pending", "meta", "running", "finished", "results")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All at once: `State.children()` knows only the classes that are imported.
    for module in map(import_module, (f"{__name__}.{part}" for part in _MODULES)):
        globals().update({public: getattr(module, public) for public in module.__all__ if public in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
