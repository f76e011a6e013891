"""Adjustments: where a schedule moves the moments that it keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestra_client.references import Configured
from orchestra_client.schedules.filters import is_weekday
from orchestra_client.schedules.zones import local

__all__ = ["add", "next_weekday"]


def add(interval: timedelta) -> Configured:
    """Move each moment by a duration, which elapses."""
    return Configured(
        add,
        {"interval": interval},
        lambda moment: (moment.astimezone(UTC) + interval).astimezone(moment.tzinfo),
    )


def next_weekday(moment: datetime) -> datetime:
    """Move Saturday and Sunday to the Monday after, at the same local time."""
    moved = moment
    while not is_weekday(moved):
        wall = moved.replace(tzinfo=None) + timedelta(days=1)
        moved = local(wall, moment.tzinfo) if moment.tzinfo else wall
    return moved
