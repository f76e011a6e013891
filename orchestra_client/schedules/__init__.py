"""Schedules: clocks, filters and adjustments, as values that compute and never look at the time themselves.

The flow's author writes them, and the server's scheduler reads the same ones from JSON
(:meth:`Schedule.deserialize <orchestra_client.schedules.Schedule.deserialize>`). Imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

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

_HOMES: dict[str, str | None] = {
    "Clock": "clocks",
    "ClockEvent": "clocks",
    "CronClock": "clocks",
    "CronSchedule": "schedule",
    "DatesClock": "clocks",
    "IntervalClock": "clocks",
    "IntervalSchedule": "schedule",
    "Schedule": "schedule",
    "UnknownClock": "clocks",
    "adjustments": None,
    "filters": None,
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
