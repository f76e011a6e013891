"""The JSON of schedules in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra_client.durations import in_words

__all__ = ["schedule_in_words"]


def schedule_in_words(schedule: Any) -> str | None:
    """When a schedule makes runs, for people.

    Args:
        schedule: its JSON, as the API holds it. What a newer peer wrote is told as far as it is known.

    Returns:
        E.g. ``every 15 min``, ``0 6 * * * (Europe/Berlin)`` or ``3 dates``, several clocks joined by ``; ``; None
        without a clock.
    """
    clocks = schedule.get("clocks") if isinstance(schedule, Mapping) else None
    told = [_clock(clock) for clock in clocks or () if isinstance(clock, Mapping)]
    return "; ".join(told) or None


def _clock(clock: Mapping[str, Any]) -> str:
    if isinstance(clock.get("cron"), str):
        return f"{clock['cron']}{_zone(clock)}"
    if isinstance(clock.get("interval"), int | float):
        return f"every {in_words(clock['interval'] / 1_000_000)}"  # the API counts microseconds
    if isinstance(dates := clock.get("dates"), list):
        return f"{len(dates)} date{'' if len(dates) == 1 else 's'}"
    return str(clock.get("type") or "a clock")


def _zone(clock: Mapping[str, Any]) -> str:
    start = clock.get("start_date")
    zone = start.get("tz") if isinstance(start, Mapping) else None
    return f" ({zone})" if zone else ""
