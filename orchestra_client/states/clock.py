"""Times of states: the clock they start by, and the one form every time is kept in."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pendulum

from orchestra_client.errors import StateSerializationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["now", "use_clock", "utc"]


def _system_clock() -> datetime:
    return datetime.now(UTC)


_clock: ContextVar[Callable[[], datetime]] = ContextVar("orchestra_states_clock", default=_system_clock)


def now() -> pendulum.DateTime:
    """The current time by the clock in use, in UTC."""
    return utc(_clock.get()(), "clock")


@contextmanager
def use_clock(clock: Callable[[], datetime]) -> Iterator[None]:
    """Let new states take their default times from another clock while the block runs.

    It holds for the current thread or asyncio task and what that task starts; a new thread has the
    system's clock again.

    Args:
        clock: called without arguments; returns the current time, a naive one meaning UTC.

    Yields:
        Nothing.
    """
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


def utc(value: datetime | str, path: str) -> pendulum.DateTime:
    """Bring a time into the form that states keep.

    Args:
        value: a `datetime` of any kind, or an ISO 8601 string; without an offset it is taken as UTC.
        path: the name of the field it is for, which the error names.

    Returns:
        The same moment, in UTC.

    Raises:
        StateSerializationError: it is no moment in time, or one that UTC has no date for.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            raise TypeError("not a datetime")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        message = f"{path}: {value!r:.60} is not a date and time; give a datetime or an ISO 8601 string"
        raise StateSerializationError(message, path=path) from None
    return pendulum.DateTime(
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
        tzinfo=pendulum.UTC,
    )
