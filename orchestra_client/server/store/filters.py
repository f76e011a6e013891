"""Hasura's filters (`X_bool_exp`) as criteria over the scoped views.

A null collapses to TRUE wherever it stands, as older clients rely on. A relationship inside a filter becomes an
EXISTS over the other table's view, so a filter cannot even ask about another tenant's row. Values are bound, never
written into the SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, bindparam, false, not_, or_, select, true

from orchestra_client.errors import BadInput
from orchestra_client.server.store import operators as op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestra_client.server.store.catalog import Catalog
    from orchestra_client.server.store.relations import Relationship

    Where = Mapping[str, Any]
    Criterion = ColumnElement[Any]

MAX_PATTERN = 50_000
"""Bytes of a LIKE pattern, SQLite's own limit."""
MAX_NESTING = 24
"""Levels of a filter: of `_and`, `_or`, `_not` and relationships in one another."""
MAX_CONDITIONS = 500
"""Comparisons, `_and`, `_or`, `_not` and relationships of one filter; SQLite takes no more than 1000 in a row."""


def criterion(catalog: Catalog, table: str, where: Where | None) -> Criterion:
    """Which rows of the view ``catalog.view(table, 0)`` a filter lets through.

    Args:
        catalog: the tables and views.
        table: the table that the filter is about.
        where: a `bool_exp` as GraphQL coerced it, or None for every row.

    Raises:
        BadInput: the filter is larger than the limits above, a text holds what no stored text can, or a pattern is
            not one.
    """
    return _Filter(catalog).criterion(table, where, depth=0)


class _Filter:
    """One filter on its way into SQL, counting its parts. `depth` numbers the views that EXISTS nests."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._conditions = 0
        self._nesting = 0

    def criterion(self, table: str, where: Where | None, *, depth: int) -> Criterion:
        if where is None:
            return true()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise BadInput(f"A filter nests at most {MAX_NESTING} levels; write it flatter.")
        conditions = [self._condition(table, key, value, depth) for key, value in where.items()]
        self._nesting -= 1
        return and_(true(), *conditions)

    def _condition(self, table: str, key: str, value: Any, depth: int) -> Criterion:
        if value is None:
            return true()
        if key == "_and":
            return and_(true(), *self._each(table, value, depth))
        if key == "_or":
            return or_(false(), *self._each(table, value, depth))
        self._count()
        if key == "_not":
            return not_(self.criterion(table, value, depth=depth))
        if relationship := self._catalog.tables[table].relationships.get(key):
            return self._related(table, relationship, value, depth)
        column = self._catalog.view(table, depth).c[key]
        return and_(true(), *(self._comparison(column, *item) for item in value.items()))

    def _each(self, table: str, wheres: Sequence[Where | None], depth: int) -> Iterator[Criterion]:
        for where in wheres:
            self._count()
            yield self.criterion(table, where, depth=depth)

    def _related(self, table: str, relationship: Relationship, where: Where, depth: int) -> Criterion:
        view = self._catalog.view(table, depth)
        other = self._catalog.view(relationship.table, depth + 1)
        related = select(other.c.id).where(
            other.c[relationship.remote] == view.c[relationship.local],
            self.criterion(relationship.table, where, depth=depth + 1),
        )
        return related.correlate(view).exists()

    def _comparison(self, column: Criterion, operator: str, operand: Any) -> Criterion:
        self._count()
        if operand is None:
            return true()
        check_text(operand)
        return _OPERATORS[operator](column, operand)

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise BadInput(f"A filter has at most {MAX_CONDITIONS} conditions; use _in for many values.")


def _not_in(column: Criterion, values: list[Any]) -> Criterion:
    # Even a null is not among no values.
    return not_(op.among(column, values)) if values else true()


def _like(column: Criterion, pattern: str) -> Criterion:
    return column.like(_pattern(pattern), escape="\\")


def _ilike(column: Criterion, pattern: str) -> Criterion:
    return column.ilike(_pattern(pattern), escape="\\")


def _pattern(pattern: str) -> str:
    if len(pattern.encode()) > MAX_PATTERN:
        raise BadInput(f"A pattern has at most {MAX_PATTERN} bytes.")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise BadInput("A pattern must not end in a single backslash; write two for a backslash itself.")
    return pattern


def check_text(value: Any) -> None:
    """Refuse text that no database stores: a NUL, or half of a surrogate pair.

    Args:
        value: text, or any JSON value holding some.

    Raises:
        BadInput: there is such text in it.
    """
    if isinstance(value, str):
        if "\0" in value or not _is_unicode(value):
            raise BadInput("Text must not hold NUL characters or lone surrogates; remove them.")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key)
            check_text(item)
    elif isinstance(value, list):
        for item in value:
            check_text(item)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bound(column: Criterion, value: Any) -> Criterion:
    return bindparam(None, value, type_=column.type)


_OPERATORS: dict[str, Callable[[Criterion, Any], Criterion]] = {
    "_eq": op.equal,
    "_neq": lambda column, value: not_(op.equal(column, value)),
    "_gt": lambda column, value: column > _bound(column, value),
    "_gte": lambda column, value: column >= _bound(column, value),
    "_lt": lambda column, value: column < _bound(column, value),
    "_lte": lambda column, value: column <= _bound(column, value),
    "_in": op.among,
    "_nin": _not_in,
    "_is_null": lambda column, value: column.is_(None) if value else column.is_not(None),
    "_like": _like,
    "_nlike": lambda column, pattern: not_(_like(column, pattern)),
    "_ilike": _ilike,
    "_nilike": lambda column, pattern: not_(_ilike(column, pattern)),
    "_contains": lambda column, value: op.json_contains(column, _bound(column, value)),
    "_contained_in": lambda column, value: op.json_contains(_bound(column, value), column),
    "_has_key": lambda column, key: op.json_has_any(column, [key]),
    "_has_keys_any": op.json_has_any,
    "_has_keys_all": op.json_has_all,
}
