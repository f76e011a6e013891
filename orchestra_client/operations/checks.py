"""Arguments, checked before anything is sent.

Each function takes a value and the name of the argument it is for, and returns the value as the API wants it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from orchestra_client.errors import BadInput, StateSerializationError
from orchestra_client.states.frozen import freeze

__all__ = [
    "Id",
    "count",
    "filled",
    "instant",
    "is_canonical",
    "json_object",
    "json_value",
    "labels",
    "optional",
    "seconds",
    "uuid",
    "within",
]

Id = str | UUID
"""How an id may be given: as text in any case, or as a `UUID`."""

is_canonical = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
"""Tells of text whether it is a UUID in its canonical form; anything else is a TypeError."""


def uuid(value: Id, name: str) -> str:
    """A UUID in its canonical form.

    Args:
        value: 32 hexadecimal digits with or without dashes, or a `UUID`.
        name: the argument it is for.

    Returns:
        36 characters in lower case.

    Raises:
        TypeError: it is neither text nor a `UUID`.
        BadInput: it is text and no UUID.
    """
    if isinstance(value, str):
        # The usual case at a tenth of the price.
        return value if is_canonical(value) else _parsed(value, name)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{name} must be a UUID, as text or uuid.UUID, not {type(value).__name__}")


def _parsed(value: str, name: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise BadInput(
            f"{name} must be a UUID such as 6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e, not {value!r:.80}"
        ) from None


def optional(value: Id | None, name: str) -> str | None:
    """As :func:`uuid`, letting None through."""
    return None if value is None else uuid(value, name)


def filled(value: str, name: str) -> str:
    """A text that is not blank.

    Raises:
        TypeError: it is no text.
        BadInput: there is nothing in it, or something that cannot be sent (NUL, half of a surrogate pair).
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip():
        raise BadInput(f"{name} must not be empty")
    if "\0" in value:
        raise BadInput(f"{name} must not contain a NUL character")
    json_value(value, name)
    return value


def count(value: object, name: str) -> int:
    """A whole number from 0 up.

    Raises:
        TypeError: it is no whole number.
        BadInput: it is negative.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if value < 0:
        raise BadInput(f"{name} must be at least 0, not {value}")
    return value


def within(value: object, name: str, least: int, most: int) -> int:
    """A whole number between two, both included.

    Raises:
        TypeError: it is no whole number.
        BadInput: it is beyond one of them.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise BadInput(f"{name} must be from {least} to {most}, not {value}")
    return value


def seconds(value: object, name: str) -> float:
    """A length of time in seconds, from 0 up.

    Raises:
        TypeError: it is no number.
        BadInput: it is negative, or no number after all (NaN).
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if not value >= 0:
        raise BadInput(f"{name} must be at least 0 seconds, not {value}")
    return value


def instant(value: datetime, name: str) -> str:
    """A moment in ISO 8601, in UTC; a naive one is taken as UTC, as everywhere in the API.

    Raises:
        TypeError: it is no `datetime`.
        BadInput: UTC has no date for it.
    """
    if not isinstance(value, datetime):
        raise TypeError(f"{name} must be a datetime, not {type(value).__name__}")
    try:
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise BadInput(f"{name} is beyond the dates that UTC has: {value}") from None
    return moment.isoformat()


def labels(value: Iterable[str] | None, name: str = "labels") -> list[str]:
    """Labels, each once and in alphabetical order; None means none.

    Raises:
        TypeError: it is a single string, or one of them is no string.
        BadInput: one of them is empty.
    """
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of strings, not the single string {value!r:.80}")
    return sorted({filled(label, f"a label in {name}") for label in value or ()})


def json_value(value: object, name: str) -> object:
    """A value that JSON can express: as it is, or a copy of plain dicts and lists where it has others.

    Raises:
        BadInput: something in it is not JSON; the message names its path.
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        # Slower, but it takes any mapping and finds the path of what is none.
        return _copied(value, name)
    return value


def json_object(value: Mapping[str, object] | None, name: str) -> Mapping[str, object]:
    """A JSON object, as a dict; None means an empty one.

    Raises:
        TypeError: it is no mapping.
        BadInput: something in it is not JSON; the message names its path.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, not {type(value).__name__}")
    return cast("Mapping[str, object]", json_value(dict(value), name))


def _copied(value: object, name: str) -> object:
    try:
        copied: object = freeze(value, name)
    except StateSerializationError as error:
        raise BadInput(str(error)) from None
    return copied
