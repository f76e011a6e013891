"""SQL that SQLite and PostgreSQL write differently, as expressions that each of them compiles its own way.

Statements made of these hold no dialect, so they are built once and kept. On SQLite they call the functions of
:mod:`orchestra_client.server.store.sqlite`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, ColumnElement, String, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from orchestra_client.server.store import json, sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine


class ListOf(TypeDecorator["list[Any]"]):
    """A list of any length bound as one parameter: an array on PostgreSQL, JSON text on SQLite.

    One parameter an item would meet the databases' limit of some ten thousand, and a new statement for each length.

    Args:
        item: the items' type.
    """

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array on PostgreSQL, text on SQLite."""
        # Of one dimension: an item that is a list, of JSON, is no row of a matrix.
        array = ARRAY(self.item, dimensions=1)
        return dialect.type_descriptor(array if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        """Leave PostgreSQL its list; SQLite takes JSON text, in which JSON stands as `identity` writes it."""
        if dialect.name == "postgresql" or value is None:
            return value
        is_json = isinstance(self.item, JSON)
        return json.dumps([sqlite.identity(json.dumps(item)) for item in value] if is_json else value)


class _Expression(FunctionElement[Any]):
    # Untyped, not Boolean: SQLAlchemy would compare that with 1 on SQLite, and no index would be used. SQLAlchemy
    # wants to be told by each class that its statements can be cached.
    inherit_cache = True


class _Among(_Expression):
    inherit_cache = True
    name = "among"


class _Identity(_Expression):
    inherit_cache = True
    name = "json_identity"


class _Tuple(_Expression):
    inherit_cache = True
    name = "json_array"


class _JsonContains(_Expression):
    inherit_cache = True
    name = "json_contains"


class _JsonHasAny(_Expression):
    inherit_cache = True
    name = "json_has_any"


class _JsonHasAll(_Expression):
    inherit_cache = True
    name = "json_has_all"


_POSTGRESQL_OPERATORS = {_JsonContains: "@>", _JsonHasAny: "?|", _JsonHasAll: "?&"}


def among(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[Any]:
    """Whether `column` equals one of `values`, never when there are none; JSON as `equal` compares it."""
    return _Among(identity(column), bindparam(None, list(values), type_=_list_of(column)))


def among_parameter(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Whether `column` equals one of the list that is given as parameter `name` when the statement runs."""
    return _Among(column, bindparam(name, type_=_list_of(column)))


def _list_of(column: ColumnElement[Any]) -> ListOf:
    # PostgreSQL would cut every item down to the length of a VARCHAR.
    return ListOf(Text() if isinstance(column.type, String) else column.type)


def equal(column: ColumnElement[Any], value: object) -> ColumnElement[Any]:
    """Whether `column` is `value`; JSON is compared as what it says, not as it is written."""
    return identity(column) == identity(bindparam(None, value, type_=column.type))


def identity(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """What of `expression` to compare, sort or tell apart by: JSON in one fixed form, anything else itself."""
    return _Identity(expression) if isinstance(expression.type, JSON) else expression


def row_of(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
    """Several columns as one value."""
    return _Tuple(*map(identity, columns))


def json_contains(whole: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whether JSON `whole` contains JSON `part`, by PostgreSQL's rules."""
    return _JsonContains(whole, part)


def json_has_any(column: ColumnElement[Any], keys: list[str]) -> ColumnElement[Any]:
    """Whether JSON `column` has one of `keys`, as a key or an item."""
    return _JsonHasAny(column, bindparam(None, keys, type_=ListOf(Text())))


def json_has_all(column: ColumnElement[Any], keys: list[str]) -> ColumnElement[Any]:
    """Whether JSON `column` has all of `keys`, as keys or items."""
    return _JsonHasAll(column, bindparam(None, keys, type_=ListOf(Text())))


# First, for the others start from it.
@compiles(_Expression)
def _function_call(element: _Expression, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.name}({compiler.process(element.clauses, **options)})"


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    return f"({compiler.process(column, **options)} = ANY ({compiler.process(values, **options)}))"


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    items = f"json_each({compiler.process(values, **options)})"
    return f"({compiler.process(column, **options)} IN (SELECT value FROM {items}))"  # noqa: S608 (values are bound)


@compiles(_Identity, "postgresql")
def _identity_postgresql(element: _Identity, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(next(iter(element.clauses)), **options)


@compiles(_Tuple, "postgresql")
def _tuple_postgresql(element: _Tuple, compiler: SQLCompiler, **options: Any) -> str:
    return f"ROW({compiler.process(element.clauses, **options)})"


@compiles(_JsonContains, "postgresql")
@compiles(_JsonHasAny, "postgresql")
@compiles(_JsonHasAll, "postgresql")
def _operator_postgresql(element: _Expression, compiler: SQLCompiler, **options: Any) -> str:
    left, right = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({left} {_POSTGRESQL_OPERATORS[type(element)]} {right})"
