"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.compiler import compiles

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

Id = String(36)
"""A canonical lower-case UUID."""


class _JsonText(JSON):
    """JSON that SQLite keeps as the text it is given; a column of type JSON would round ``12345678901234567890``."""


@compiles(_JsonText, "sqlite")
def _text(_type: _JsonText, _compiler: object, **_options: object) -> str:
    return "TEXT"


Json = _JsonText(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Any JSON value; None is SQL NULL."""


class Timestamp(TypeDecorator[str]):
    """An instant, in Python always the text ``YYYY-MM-DDTHH:MM:SS.ffffff+00:00``.

    That text sorts as time does and is what the API answers, so on SQLite nothing is converted at all.
    """

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, TIMESTAMPTZ on PostgreSQL."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Hand PostgreSQL a datetime; SQLite takes the text."""
        return dt.datetime.fromisoformat(value) if value and dialect.name == "postgresql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Make text of PostgreSQL's datetime."""
        return value if value is None or isinstance(value, str) else format_time(value)


def format_time(value: dt.datetime) -> str:
    """The store's text of an aware datetime; always UTC, always six digits of microseconds."""
    return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
