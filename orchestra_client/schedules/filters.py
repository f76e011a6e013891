"""Filters: which of its clocks' moments a schedule keeps.

Each is a function of a moment, in the zone of the clock it comes from, that answers whether to keep it; or makes
such a function.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TypeVar

from orchestra_client.references import Configured
from orchestra_client.schedules.zones import aware

__all__ = [
    "at_time",
    "between_dates",
    "between_datetimes",
    "between_times",
    "is_day_of_week",
    "is_month_end",
    "is_month_start",
    "is_weekday",
    "is_weekend",
    "on_date",
    "on_datetime",
]

_SATURDAY = 5
T = TypeVar("T", time, tuple[int, int])


def is_weekday(moment: datetime) -> bool:
    """Keep Monday to Friday."""
    return moment.weekday() < _SATURDAY


def is_weekend(moment: datetime) -> bool:
    """Keep Saturday and Sunday."""
    return moment.weekday() >= _SATURDAY


def is_month_start(moment: datetime) -> bool:
    """Keep the first day of each month."""
    return moment.day == 1


def is_month_end(moment: datetime) -> bool:
    """Keep the last day of each month."""
    return (moment.date() + timedelta(days=1)).day == 1


def is_day_of_week(day_of_week: int) -> Configured:
    """Keep one day of the week, from 0 for Monday to 6."""
    return Configured(
        is_day_of_week, {"day_of_week": day_of_week}, lambda moment: moment.weekday() == day_of_week
    )


def on_date(month: int, day: int) -> Configured:
    """Keep one day of each year."""
    return Configured(
        on_date, {"month": month, "day": day}, lambda moment: (moment.month, moment.day) == (month, day)
    )


def between_dates(start_month: int, start_day: int, end_month: int, end_day: int) -> Configured:
    """Keep the days of each year from a first to a last one, over New Year when the last comes before the first."""
    arguments = {
        "start_month": start_month,
        "start_day": start_day,
        "end_month": end_month,
        "end_day": end_day,
    }
    start, end = (start_month, start_day), (end_month, end_day)
    return Configured(
        between_dates, arguments, lambda moment: _between((moment.month, moment.day), start, end)
    )


def at_time(t: time) -> Configured:
    """Keep one local time of each day."""
    return Configured(at_time, {"t": t}, lambda moment: moment.time() == t)


def between_times(start: time, end: time) -> Configured:
    """Keep the local times from `start` to `end`, over midnight when `end` comes before `start`."""
    return Configured(
        between_times, {"start": start, "end": end}, lambda moment: _between(moment.time(), start, end)
    )


def on_datetime(dt: datetime) -> Configured:
    """Keep one moment; a naive one means UTC."""
    kept = aware(dt, "dt")
    return Configured(on_datetime, {"dt": kept}, lambda moment: moment == kept)


def between_datetimes(start: datetime, end: datetime) -> Configured:
    """Keep the moments from `start` to `end`, both included; naive ones mean UTC."""
    first, last = aware(start, "start"), aware(end, "end")
    return Configured(
        between_datetimes, {"start": first, "end": last}, lambda moment: first <= moment <= last
    )


def _between(value: T, start: T, end: T) -> bool:
    return start <= value <= end if start <= end else value >= start or value <= end
