"""Marshmallow fields for the values in a state's JSON.

They raise :class:`~orchestra_client.errors.StateSerializationError`, which marshmallow lets through, rather
than its own error: a state is refused at the first thing that is wrong with it, and the error names its path.
For every field null means the same as leaving it out.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from orchestra_client.errors import StateSerializationError
from orchestra_client.states.base import as_object
from orchestra_client.states.clock import utc
from orchestra_client.states.frozen import thaw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    # Generic from marshmallow 4 on and not before, so at run time it is used without its parameter.
    _Field = fields.Field[Any]
else:
    _Field = fields.Field

__all__ = ["CheckedField", "JSONObject", "Moment", "NullableField", "inside"]


@contextmanager
def inside(path: str) -> Iterator[None]:
    """Let an error from within the block name its place from further out.

    Args:
        path: the name of the field whose content the block reads.

    Yields:
        Nothing.

    Raises:
        StateSerializationError: as raised in the block, its path and message now starting with `path`.
    """
    try:
        yield
    except StateSerializationError as error:
        separator = "." if error.path else ": "
        raise StateSerializationError(
            f"{path}{separator}{error}", path=f"{path}.{error.path}".removesuffix(".")
        ) from error


class NullableField(_Field):
    """A field that may be null, on the way in and on the way out. Immutable once built; safe to share."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)


class CheckedField(NullableField):
    """A value that a function checks on the way in, and that is written as it is. Safe to share.

    Args:
        check: called with the value and the field's name; returns what the state keeps of it, or raises
            `StateSerializationError`.
        options: as for any marshmallow field.
    """

    def __init__(self, check: Callable[[Any, str], Any], **options: Any) -> None:
        super().__init__(**options)
        self._check = check

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        return self._check(value, str(attr))


class Moment(CheckedField):
    """A time: ISO 8601 in JSON, without an offset taken as UTC, and always written in UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(utc, **options)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()


class JSONObject(CheckedField):
    """A JSON object, kept read-only and written as a copy."""

    def __init__(self, check: Callable[[Any, str], Any] = as_object, **options: Any) -> None:
        super().__init__(check, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return thaw(value)
