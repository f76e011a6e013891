"""The contract's own scalars: what they accept, and the form in which resolvers and answers have them."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any

from graphql import EnumValueNode, GraphQLError, GraphQLScalarType, StringValueNode, value_from_ast_untyped

from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from graphql import GraphQLSchema, ValueNode

_CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-fA-F]{32}")
_HYPHENATED = re.compile(_CANONICAL.pattern, re.IGNORECASE)
_MAX_SHOWN = 60
_MAX_LEVEL_NAME = 255


def read_uuid(value: Any) -> str:
    """A UUID's canonical form of 36 lower-case characters.

    Args:
        value: a string in any case, with its four hyphens or without any.

    Raises:
        GraphQLError: it is no UUID.
    """
    if isinstance(value, str):
        if _CANONICAL.fullmatch(value):
            return value
        if _HYPHENATED.fullmatch(value):
            return value.lower()
        if _HEX.fullmatch(value):
            digits = value.lower()
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    raise _refused(value, "a UUID, such as 8f9b1f6e-3a0c-4d5e-9b7a-1c2d3e4f5a6b")


def read_time(value: Any) -> str:
    """An instant in the store's text form.

    Args:
        value: ISO 8601; without an offset it is UTC, without a time of day midnight.

    Raises:
        GraphQLError: it is no such text, or outside the years 1 to 9999.
    """
    if isinstance(value, str):
        try:
            instant = dt.datetime.fromisoformat(value.strip())
            return format_time(instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC))
        except (ValueError, OverflowError):
            pass
    raise _refused(value, "an instant in ISO 8601, such as 2031-05-17T09:30:00+00:00")


def read_level_name(value: Any) -> str:
    """A level's name as its logger calls it.

    Args:
        value: any text, for a logger may call its levels as it likes.

    Raises:
        GraphQLError: it is no text.
    """
    if isinstance(value, str):
        return value[:_MAX_LEVEL_NAME]
    raise _refused(value, "the name of a log level, such as WARNING")


def read_level_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> str:
    """The level that a document names, in quotes or, as the enum's values are written, without.

    Args:
        node: the literal.

    Raises:
        GraphQLError: it is no name.
    """
    return read_level_name(node.value if isinstance(node, EnumValueNode | StringValueNode) else None)


def read_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """The JSON value of a literal in a document.

    Args:
        node: the literal.
        variables: the values of those that stand in it, by name.

    Raises:
        GraphQLError: a number in it is beyond what can be kept.
    """
    value = value_from_ast_untyped(node, variables)
    if not all(map(math.isfinite, _floats(value))):
        raise GraphQLError(
            "A number in the document is too large to be kept; write it as a text.",
            extensions={"code": "BAD_USER_INPUT"},
        )
    return value


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _floats(item)


def _refused(value: Any, wanted: str) -> GraphQLError:
    shown = repr(value)
    if len(shown) > _MAX_SHOWN:
        shown = shown[:_MAX_SHOWN] + "…"
    return GraphQLError(f"{shown} is not {wanted}.", extensions={"code": "BAD_USER_INPUT"})


# A JSON variable is taken as it is, which is what a scalar without a reader does; enums keep their names likewise.
_READERS: dict[str, Callable[[Any], str]] = {
    "UUID": read_uuid,
    "DateTime": read_time,
    "log_level_name": read_level_name,
}


def attach_scalars(schema: GraphQLSchema) -> None:
    """Give the schema's scalars their readers; a UUID's or DateTime's literal is read as a variable's value is."""
    for name, read in _READERS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_input_value = read
    for name, read_literal in (("JSON", read_json_literal), ("log_level_name", read_level_literal)):
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.parse_literal = read_literal  # type: ignore[method-assign, assignment] # as graphql-core's constructor does
