"""Orderings (`X_order_by`) and `distinct_on`: in the order the client wrote them, the same on both databases.

As PostgreSQL and Hasura have it, `asc` puts nulls last and `desc` puts them first. Rows that an ordering leaves
equal, and rows without one, stand in the order they arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, select

from orchestra_client.errors import BadInput
from orchestra_client.server.store import operators as op

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from orchestra_client.server.store.catalog import Catalog

    Path = tuple[str, ...]
    Term = tuple[Path, str]

_ARRIVAL = (("seq",), ("created", "id"))


def terms(order_by: Any) -> tuple[Term, ...]:
    """Flatten an ordering.

    Args:
        order_by: an `order_by` object, a list of them, or None, with its keys as the client wrote them.

    Returns:
        For each key the path to the column (through relationships) and the direction, a repeated path once.
    """
    found: dict[Path, str] = {}
    for path, direction in _walk((), order_by):
        found.setdefault(path, direction)
    return tuple(found.items())


def _walk(path: Path, value: Any) -> Iterator[Term]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for item in value:
            yield from _walk(path, item)
    elif value is not None:
        for key, item in value.items():
            yield from _walk((*path, key), item)


def check_distinct(order: Sequence[Term], distinct_on: Sequence[str]) -> None:
    """Refuse a `distinct_on` that the ordering contradicts, as PostgreSQL does.

    Raises:
        BadInput: the ordering does not begin with the distinct columns.
    """
    wanted = set(distinct_on)
    if any(path not in {(column,) for column in wanted} for path, _ in order[: len(wanted)]):
        raise BadInput(
            f"With distinct_on, order_by must begin with the same columns: {', '.join(distinct_on)}."
        )


def sort_keys(
    catalog: Catalog, table: str, order: Sequence[Term], distinct_on: Sequence[str] = ()
) -> list[ColumnElement[Any]]:
    """What to sort rows of ``catalog.view(table, 0)`` by; never empty, and no two rows are equal in all of it.

    Args:
        catalog: the tables and views.
        table: the table.
        order: as `terms` returns it, and `check_distinct` accepts it.
        distinct_on: columns that sort right after `order`, so that equal rows stand together.
    """
    directions = dict(order)
    for column in distinct_on:
        directions.setdefault((column,), "asc")
    keys = [_sort_key(catalog, table, path, direction) for path, direction in directions.items()]
    columns = catalog.view(table, 0).c
    # A column named again would keep the database from walking along an index.
    return [*keys, *(columns[name].asc() for name in _arrival(columns) if (name,) not in directions)]


def _sort_key(catalog: Catalog, table: str, path: Path, direction: str) -> ColumnElement[Any]:
    value = op.identity(_value(catalog, table, path, depth=0))
    way, _, nulls = direction.partition("_")
    key = value.asc() if way == "asc" else value.desc()
    if len(path) == 1 and path[0] in catalog.tables[table].required:
        # Nulls named where there are none would keep SQLite from using an index.
        return key
    first = nulls == "nulls_first" if nulls else way == "desc"
    return key.nulls_first() if first else key.nulls_last()


def _value(catalog: Catalog, table: str, path: Path, depth: int) -> ColumnElement[Any]:
    """The column at the end of `path`; behind a relationship a scalar subquery, null where there is no row."""
    view, (key, *rest) = catalog.view(table, depth), path
    if not rest:
        return view.c[key]
    relationship = catalog.tables[table].relationships[key]
    other = catalog.view(relationship.table, depth + 1)
    value = select(_value(catalog, relationship.table, tuple(rest), depth + 1))
    matching = value.where(other.c[relationship.remote] == view.c[relationship.local])
    return matching.correlate(view).scalar_subquery()


def _arrival(columns: ReadOnlyColumnCollection[str, Any]) -> Sequence[str]:
    return next(names for names in _ARRIVAL if set(names) <= set(columns.keys()))
