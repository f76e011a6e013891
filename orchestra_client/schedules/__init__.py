"""Schedules: clocks, filters and adjustments, as values that compute and never look at the time themselves.

The flow's author writes them, and the server's scheduler reads the same ones from JSON
(:meth:`Schedule.deserialize <orchestra_client.schedules.Schedule.deserialize>`). Imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.schedules import adjustments, filters
    from orchestra_client.schedules.clocks import (
        Clock,
        ClockEvent,
        CronClock,
        DatesClock,
        IntervalClock,
        UnknownClock,
    )
    from orchestra_client.schedules.schedule import CronSchedule, IntervalSchedule, Schedule

__all__ = [
    "Clock",
    "ClockEvent",
    "CronClock",
    "CronSchedule",
    "DatesClock",
    "IntervalClock",
    "IntervalSchedule",
    "Schedule",
    "UnknownClock",
    "adjustments",
    "filters",
]

_MODULES = ("clocks", "schedule")


def __getattr__(name: str) -> Any:
    if name in ("adjustments", "filters"):
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in map(import_module, (f"{__name__}.{part}" for part in _MODULES)):
        globals().update({public: getattr(module, public) for public in module.__all__ if public in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
