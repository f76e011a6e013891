"""Cron expressions, read by croniter as local times; what they mean when clocks change is decided here.

croniter is asked about naive times only. Its own handling of zones has differed from release to release.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestra_client.errors import FlowError
from orchestra_client.schedules.zones import is_skipped, local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

__all__ = ["check", "moments"]

_RANDOM = "R"


def check(expression: str, *, day_or: bool) -> None:
    """Refuse what is no cron expression, or none that a schedule can go by.

    Raises:
        TypeError: it is not a string.
        FlowError: it does not parse, names no moment, or is read as another one each time.
    """
    from croniter import croniter  # noqa: PLC0415 (only those who use cron pay for it)

    if not isinstance(expression, str):
        raise TypeError(f"cron must be a string, not {type(expression).__name__}")
    if any(part[:1].upper() == _RANDOM for part in expression.split()):
        raise FlowError(f"the cron expression {expression!r} is random; name a fixed time")
    try:
        croniter(expression, datetime(2000, 1, 1), day_or=day_or).get_next(datetime)  # noqa: DTZ001 (local time)
    except ValueError as error:
        raise FlowError(f"the cron expression {expression!r} cannot be used: {error}") from None


def moments(expression: str, after: datetime, zone: tzinfo, *, day_or: bool) -> Iterator[datetime]:
    """The moments that a cron expression names in a zone.

    Args:
        expression: one that :func:`check` accepted.
        after: a local time, naive; the first local time is later.
        zone: the zone.
        day_or: as for `CronClock`.

    Yields:
        Moments in the zone, in ascending order; two may be the same where clocks are put forward.
    """
    from croniter import CroniterBadDateError, croniter  # noqa: PLC0415 (only those who use cron pay for it)

    # croniter rounds fractions of a second as it likes.
    lines = croniter(expression, after.replace(microsecond=0), day_or=day_or)
    while True:
        try:
            wall: datetime = lines.get_next(datetime)
        except CroniterBadDateError:  # it looks fifty years ahead
            return
        yield _end_of_gap(wall, zone) if is_skipped(wall, zone) else local(wall, zone)


def _end_of_gap(wall: datetime, zone: tzinfo) -> datetime:
    """The first moment after clocks are put forward over a local time."""
    # The offset changes somewhere between these two, on a whole second.
    later = wall.replace(tzinfo=zone, fold=0).astimezone(UTC).replace(microsecond=0)
    earlier = wall.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
    before = earlier.astimezone(zone).utcoffset()
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            earlier = middle
        else:
            later = middle
    return later.astimezone(zone)
