"""What an author may write for a task's settings, and the one form each is kept in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["CONVERTERS", "as_count", "as_duration", "as_exceptions", "as_name", "as_tags", "as_timeout"]


def as_tags(tags: Iterable[str] | None) -> set[str]:
    """The tags as a set of their own.

    Raises:
        TypeError: they are not a list of strings.
    """
    if tags is None:
        return set()
    if isinstance(tags, str):
        raise TypeError(f"tags must be a list of strings, not one string: write tags=[{tags!r}]")
    listed = list(tags)
    if not all(isinstance(tag, str) for tag in listed):
        raise TypeError("tags must be a list of strings")
    return set(listed)


def as_name(value: object, what: str) -> str:
    """A name.

    Args:
        value: the name.
        what: whose it is, for the error.

    Raises:
        FlowError: it is no string, or an empty one, or no database could keep it.
    """
    if not isinstance(value, str) or not value.strip():
        raise FlowError(f"the name of a {what} must be a string that is not empty, not {value!r:.60}")
    if not is_text(value):
        raise FlowError(
            f"the name of a {what} holds a NUL or half of a surrogate pair, which are no text: {value!a:.60}; "
            "remove them"
        )
    return value


def is_text(value: str) -> bool:
    """Whether a string can be sent and kept: without NUL and halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def as_count(value: object) -> int:
    """The number of retries, from 0.

    Raises:
        FlowError: it is no such number.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FlowError(f"max_retries must be a whole number from 0, not {value!r}")
    return value


def as_duration(value: timedelta | float | None) -> timedelta | None:
    """A duration from a `timedelta` or a number of seconds; None stays None.

    Raises:
        TypeError: it is neither.
        FlowError: it is negative, or longer than a `timedelta` can be.
    """
    if value is None or isinstance(value, timedelta):
        duration = value
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a duration is a timedelta or a number of seconds, not {value!r}")
    else:
        try:
            duration = timedelta(seconds=value)
        except (OverflowError, ValueError):
            raise FlowError(f"{value!r} seconds are no duration") from None
    if duration is not None and duration < timedelta(0):
        raise FlowError(f"a duration must not be negative, not {duration}")
    return duration


def as_timeout(value: timedelta | float | None) -> float | None:
    """A timeout in seconds, more than 0; None stays None.

    Raises:
        TypeError: it is neither a number nor a `timedelta`.
        FlowError: it leaves no time at all.
    """
    duration = as_duration(value)
    if duration is None:
        return None
    if not duration:
        raise FlowError("a timeout must be more than 0 seconds; leave it out for none")
    return duration.total_seconds()


def as_exceptions(
    value: type[Exception] | Iterable[type[Exception]] | None,
) -> tuple[type[Exception], ...] | None:
    """The exceptions after which a task is retried; None for all.

    Raises:
        TypeError: they are no classes of exceptions.
    """
    if value is None:
        return None
    listed: tuple[Any, ...] = (value,) if isinstance(value, type) else tuple(value)
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in listed):
        raise TypeError("retry_on must be a class of exceptions, or a list of such classes")
    return listed


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: as_name(value, "task"),
    "tags": as_tags,
    "max_retries": as_count,
    "retry_delay": as_duration,
    "retry_on": as_exceptions,
    "timeout": as_timeout,
    "cache_for": as_duration,
}
"""The settings that are kept in another form than they may be written in."""
