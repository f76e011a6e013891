"""Local time: which zone a moment is in, and which moment a local time is when clocks are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestra_client.errors import FlowError

__all__ = ["aware", "in_zone", "is_skipped", "local", "zone_name", "zone_named"]


def aware(moment: datetime, name: str) -> datetime:
    """The moment with its zone; a naive one is taken as UTC.

    Args:
        moment: any datetime.
        name: what it is for, which the error names.

    Raises:
        TypeError: it is not a datetime.
        FlowError: its zone has no name that could be written down.
    """
    if not isinstance(moment, datetime):
        raise TypeError(f"{name} must be a datetime, not {type(moment).__name__}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else in_zone(moment, zone_of(moment))


def zone_of(moment: datetime) -> tzinfo:
    """The zone of an aware moment, as one of the standard library's."""
    return zone_named(zone_name(moment))


def zone_name(moment: datetime) -> str:
    """The name under which the zone of an aware moment travels: an IANA name, or an offset like ``+05:30``.

    Whole hours are written as ``Etc/GMT-3`` (which is three hours *east*), for Prefect reads no offsets.
    """
    zone = moment.tzinfo
    # zoneinfo says `key`, pendulum and dateutil's descendants `name`, pytz `zone`.
    for attribute in ("key", "name", "zone"):
        name = getattr(zone, attribute, None)
        if isinstance(name, str) and not name.startswith(("+", "-")):
            return name
    return _offset_name(moment.utcoffset() or timedelta(0))


def _offset_name(offset: timedelta) -> str:
    if not offset:
        return "UTC"
    hours, rest = divmod(abs(offset), timedelta(hours=1))
    sign = "+" if offset > timedelta(0) else "-"
    if not rest and hours <= 12:
        return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
    return f"{sign}{hours:02}:{rest // timedelta(minutes=1):02}"


@lru_cache(maxsize=512)
def zone_named(name: str) -> tzinfo:
    """The zone of a name as :func:`zone_name` writes it; ``UTC`` and ``Z`` are the same.

    Raises:
        FlowError: there is no such zone.
    """
    if name in ("UTC", "Z"):
        return UTC
    try:
        if name[:1] in ("+", "-"):
            offset = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").utcoffset()
            return timezone(offset or timedelta(0))
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FlowError(f"there is no time zone {name!r}; give an IANA name such as 'Europe/Paris'") from None


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """The same moment on the clocks of a zone, as a plain `datetime`."""
    utc = moment.astimezone(UTC)
    plain = datetime(
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond, tzinfo=UTC
    )
    return plain.astimezone(zone)


def is_skipped(wall: datetime, zone: tzinfo) -> bool:
    """Whether clocks of a zone never show this local time, because they are put forward over it."""
    there = wall.replace(tzinfo=zone, fold=0)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall


def local(wall: datetime, zone: tzinfo, *, second: bool = False) -> datetime:
    """The moment at which clocks of a zone show a local time.

    Args:
        wall: the local time, naive.
        zone: the zone.
        second: which of two moments, when clocks show the time twice.

    Returns:
        The moment. When clocks skip the time, as much later as they are put forward: 02:30 becomes 03:30.
    """
    # Within a gap, fold=0 counts on with the offset from before.
    fold = int(second and not is_skipped(wall, zone))
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC).astimezone(zone)
