"""Write Python values as the arguments of a GraphQL field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set, ValuesView
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput

from .loaded import is_instance
from .values import Bare, EnumValue, is_name

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

__all__ = ["parse_graphql_arguments"]

# Deeper than any server reads; a structure that holds itself reaches it at once.
_MAX_DEPTH = 100

_Path = tuple[str | int, ...]

# Escaped in a GraphQL string (specification, 2.9.4): quotes, backslashes and control characters. DEL and the
# C1 controls may stand there, and are escaped to keep them out of logs and terminals.
_to_escape = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def parse_graphql_arguments(arguments: Any) -> str:
    """Write arguments as they stand between the parentheses of a field.

    Strings are quoted and escaped, so text from anywhere stays one string; ``EnumValue`` and ``GQLObject`` are
    written bare. An `enum.Enum` member is written as an enum value: its value when that is a name, else its
    own name (members that are integers are numbers). UUIDs, dates and timezone-aware datetimes become strings
    in their ISO 8601 form. Sets become lists in a fixed order, so equal arguments give equal text.

    Args:
        arguments: a mapping of argument names to values; a string, taken as arguments already written, is
            returned unchanged; any other value is written as a literal.

    Returns:
        The text, e.g. ``where: { id: { _eq: 3 } }, limit: 1``; empty for an empty mapping.

    Raises:
        BadInput: a value or a name cannot be written; the message names its path.
        TypeError: a value is of a type that GraphQL has no literal for; the message names its path.
    """
    if isinstance(arguments, str):
        return str(arguments)
    if isinstance(arguments, Mapping):
        return _fields(arguments, ())
    return _literal(arguments, ())


def _literal(value: Any, path: _Path) -> str:
    if isinstance(value, (Bare, Enum)):
        return _bare(value)
    if isinstance(value, str):
        return _string(value, path)
    if value is None or isinstance(value, (bool, int, float)):
        return _json_scalar(value, path)
    if len(path) > _MAX_DEPTH:
        raise BadInput(f"{_at(path[:8])}… is nested over {_MAX_DEPTH} levels deep, or holds itself")
    if isinstance(value, Mapping):
        return f"{{ {_fields(value, path)} }}" if value else "{}"
    if isinstance(value, (list, tuple, Set, ValuesView)):
        return _list(value, path)
    return _library_scalar(value, path)


def _fields(mapping: Mapping[Any, Any], path: _Path) -> str:
    return ", ".join(
        f"{_field_name(key, path)}: {_literal(value, (*path, str(key)))}" for key, value in mapping.items()
    )


def _field_name(key: object, path: _Path) -> str:
    name = str(key) if isinstance(key, (str, Bare)) else ""
    if not is_name(name):
        raise BadInput(
            f"{_at(path)} has the key {key!r}, which cannot name an argument: GraphQL names are ASCII letters, "
            "digits and underscores. Send data with such keys in a variable instead."
        )
    return name


def _list(items: Iterable[Any], path: _Path) -> str:
    rendered = [_literal(item, (*path, index)) for index, item in enumerate(items)]
    # A set's own order changes from process to process, which would defeat every cache keyed by the text.
    return f"[{', '.join(sorted(rendered) if isinstance(items, (set, frozenset)) else rendered)}]"


def _bare(value: Bare | Enum) -> str:
    if isinstance(value, Bare):
        return str(value)
    if isinstance(value, int):
        return int.__repr__(value)
    is_named_by_value = isinstance(value.value, str) and is_name(value.value)
    return str(EnumValue(value.value if is_named_by_value else value.name))


def _string(text: str, path: _Path) -> str:
    if not text.isascii():
        _refuse_lone_surrogates(text, path)
    return f'"{_to_escape.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return _SHORT_ESCAPES.get(char) or f"\\u{ord(char):04x}"


def _refuse_lone_surrogates(text: str, path: _Path) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(
            f"{_at(path)} is a string with the lone surrogate {text[error.start]!r} at position {error.start}, "
            "which is no character and cannot be sent; decode the text with the right encoding"
        ) from None


def _json_scalar(value: float | None, path: _Path) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if not isfinite(value):
        raise _not_finite(value, path)
    return float.__repr__(value)


def _library_scalar(value: Any, path: _Path) -> str:
    """Write the scalars of modules that are imported only by those who have such a value."""
    if is_instance(value, "uuid", "UUID"):
        return f'"{value}"'
    if is_instance(value, "datetime", "datetime"):
        return _moment(value, path)
    if is_instance(value, "datetime", "date"):
        return f'"{value.isoformat()}"'
    if is_instance(value, "decimal", "Decimal"):
        return _decimal(value, path)
    if hasattr(type(value), "__index__"):
        return int.__repr__(value.__index__())
    raise TypeError(
        f"{_at(path)} is of type {type(value).__name__}, which GraphQL has no literal for: "
        "convert it to a string, a number, a list or a dict first"
    )


def _moment(value: datetime, path: _Path) -> str:
    if value.utcoffset() is None:
        raise BadInput(f"{_at(path)} is the datetime {value.isoformat()} without a timezone: give it one")
    return f'"{value.isoformat()}"'


def _decimal(value: Decimal, path: _Path) -> str:
    if not value.is_finite():
        raise _not_finite(value, path)
    return str(value)


def _not_finite(value: object, path: _Path) -> BadInput:
    return BadInput(f"{_at(path)} is {value}, which GraphQL cannot express: send a finite number or None")


def _at(path: _Path) -> str:
    """The path in words, e.g. ``The argument where._and[0].id``."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"The argument {steps.removeprefix('.')}" if path else "The arguments"
