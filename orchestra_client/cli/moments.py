"""Moments as people write them: ``2 hours``, ``tomorrow 08:00``, ``2026-11-21T08:00+01:00``.

A duration counts from now: forwards for what is to happen, backwards for what has happened. A date or time without an
offset is local time, by this machine's time zone (`TZ`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

__all__ = ["earlier", "later", "parse_moment", "parse_span", "positive_span", "span"]

T = TypeVar("T")

_UNITS = {
    "second": ("s", "sec", "secs", "second", "seconds"),
    "minute": ("m", "min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "week", "weeks"),
}
_UNIT_OF = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-z]+)(?:,? and |,? ?(?=[0-9])|$)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DAY_AND_TIME = re.compile(
    r"(?:(yesterday|today|tomorrow)(?: at)?)?(?:^| |$)(?:([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)


def parse_span(text: str) -> timedelta:
    """Read a duration: numbers with units from seconds to weeks, as ``90 min`` or ``1 day 12 hours`` or ``1h30m``.

    Raises:
        ValueError: it is none; says what would be.
    """
    wanted = " ".join(text.lower().split())
    parts, end = [], 0
    while end < len(wanted) and (part := _PART.match(wanted, end)):
        parts.append((_UNIT_OF.get(part[2]), float(part[1])))
        end = part.end()
    if not parts or end < len(wanted) or any(unit is None for unit, _ in parts):
        raise ValueError(f"{text!r} is no duration; write it as '2 hours', '90 min' or '1 day 12 hours'")
    try:
        return sum((timedelta(**{f"{unit}s": count}) for unit, count in parts), timedelta())
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any calendar") from None


def parse_moment(
    text: str, *, now: datetime, is_earlier: bool = False, zone: tzinfo | None = None
) -> datetime:
    """Read a moment.

    Args:
        text: ISO 8601; a duration; ``now``; a time, or ``yesterday``, ``today`` or ``tomorrow`` with or without a
            time.
        now: the current time, in any zone.
        is_earlier: whether a duration counts backwards.
        zone: of what has no offset; None means this machine's.

    Returns:
        The moment, in UTC.

    Raises:
        ValueError: it is none, or clocks skip it; says what would be.
    """
    words = " ".join(text.lower().split())
    if words == "now":
        return now.astimezone(UTC)
    span = _span(words, is_earlier=is_earlier)
    try:
        if span is not None:
            return now.astimezone(UTC) + (-span if is_earlier else span)
        return _on_calendar(text, words, now, zone)
    except OverflowError:
        raise ValueError(f"{text!r} is outside of the calendar, which ends with the year 9999") from None


def _span(words: str, *, is_earlier: bool) -> timedelta | None:
    said = words.removesuffix(" ago") if is_earlier else words.removeprefix("in ")
    try:
        return parse_span(said)
    except ValueError:
        return None


def _on_calendar(text: str, words: str, now: datetime, zone: tzinfo | None) -> datetime:
    wall = _day_and_time(words, now.astimezone(zone)) or _iso(text)
    if wall is None:
        raise ValueError(
            f"{text!r} is no moment; write it as '2 hours', 'tomorrow 08:00' or '2026-11-21T08:00+01:00'"
        )
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    try:
        moment = (wall.replace(tzinfo=zone) if zone else wall).astimezone(UTC)
    except ValueError as error:
        raise OverflowError from error
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(f"clocks here skip {text!r}, as they are put forward; choose another time")
    return moment


def _day_and_time(words: str, local_now: datetime) -> datetime | None:
    found = _DAY_AND_TIME.fullmatch(words)
    if not found or not words:
        return None
    day, hour, minute, second = found.groups()
    try:
        at = time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    return datetime.combine(local_now.date() + timedelta(days=_DAYS[day or "today"]), at)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def later(text: str) -> datetime:
    """When something is to happen, as the `type` of an option like ``--at``; given to the command in UTC."""
    now = datetime.now(UTC)
    moment = _read(lambda: parse_moment(text, now=now))
    if moment < now:
        raise click.BadParameter(f"{text!r} is {moment.isoformat(timespec='seconds')}, which has passed.")
    return moment


def earlier(text: str) -> datetime:
    """When something has happened, as the `type` of an option like ``--since``; given to the command in UTC."""
    return _read(lambda: parse_moment(text, now=datetime.now(UTC), is_earlier=True))


def span(text: str) -> timedelta:
    """How long, as the `type` of an option like ``--timeout``."""
    return _read(lambda: parse_span(text))


def positive_span(text: str) -> timedelta:
    """How long, and more than no time at all, as the `type` of an option like ``--expires-in``."""
    duration = span(text)
    if not duration:
        raise click.BadParameter(f"{text!r} is no time at all; give more, as '90 days'.")
    return duration


def _read(parse: Callable[[], T]) -> T:
    # A ValueError would be shown without its text.
    try:
        return parse()
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None
