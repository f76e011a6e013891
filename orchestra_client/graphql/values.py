"""Values that are written into a query otherwise than their Python type would be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Bare", "EnumValue", "LiteralSetValue", "is_name"]

_is_name = re.compile(r"[_A-Za-z][_0-9A-Za-z]*").fullmatch

# What PostgreSQL reads as structure inside an array literal, or would strip from an element's ends.
_needs_quotes = re.compile(r'[{}",\\]|^\s|\s$|^$|^null$', re.IGNORECASE).search


def is_name(text: str) -> bool:
    """Whether `text` is a GraphQL name: ASCII letters, digits and underscores, not starting with a digit."""
    return _is_name(text) is not None


class Bare:
    """What stands in a query as its own `str()`, without quotes: the base of enum values and field objects."""

    __slots__ = ()


class EnumValue(Bare):
    """A name written into arguments without quotes: ``order_by: {name: desc}``, ``input: $input``.

    Immutable and hashable, so it also serves as a key of arguments or as a field of a query.

    Args:
        value: a GraphQL name, or ``$`` and a name for a variable of the query.

    Raises:
        TypeError: `value` is not a string.
        BadInput: `value` is not a name. Anything else would let text from outside change the query.
    """

    __slots__ = ("_value",)

    _value: str

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"EnumValue takes a name as a string, not {type(value).__name__}")
        if not is_name(value.removeprefix("$")):
            raise BadInput(
                f"EnumValue takes a GraphQL name such as 'desc', or a variable such as '$input', not {value!r}"
            )
        object.__setattr__(self, "_value", value)

    @property
    def value(self) -> str:
        """The name as given."""
        return self._value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"EnumValue is immutable: cannot set {name!r}")

    def __str__(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"EnumValue({self._value!r})"

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, EnumValue) else NotImplemented

    def __hash__(self) -> int:
        # Apart from the plain string of the same text, which is another value.
        return hash((EnumValue, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return EnumValue, (self._value,)


class LiteralSetValue(str):
    """A set as PostgreSQL writes it, ``{a, b, c}``: what array columns such as labels are compared with.

    It is a string, in arguments (where it gets its quotes) as in variables. Elements that PostgreSQL would
    misread as structure are quoted inside it.

    Args:
        value: the elements, in the order they shall have; strings, anything else is written as its `str()`.

    Raises:
        TypeError: `value` is a single string, whose letters are hardly meant.
    """

    __slots__ = ()

    def __new__(cls, value: Iterable[Any]) -> LiteralSetValue:
        """Write the elements as one literal."""
        if isinstance(value, (str, bytes)):
            raise TypeError(f"LiteralSetValue takes several elements, e.g. a list, not the single {value!r}")
        return super().__new__(cls, "{" + ", ".join(_element(str(item)) for item in value) + "}")

    def __reduce__(self) -> tuple[Any, ...]:
        # The text is the result of the constructor, not its argument.
        return _restore_literal, (str(self),)


def _element(text: str) -> str:
    if not _needs_quotes(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _restore_literal(text: str) -> LiteralSetValue:
    return str.__new__(LiteralSetValue, text)
