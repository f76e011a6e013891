"""One SELECT for each level of an operation, over the scoped views.

Relationships are read for all parents at once: their ids are the parameter `keys`. What applies to each parent's rows
(`limit`, `offset`, `distinct_on`) is done with window functions, by PostgreSQL's rules on either database.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, bindparam, distinct, func, literal, select

from orchestra_client.server.store import filters, ordering
from orchestra_client.server.store import operators as op
from orchestra_client.server.store.fields import TYPE_NAME, Aggregate, Arguments, Count, Rows, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from orchestra_client.server.store.catalog import Catalog

    Columns = Mapping[str, ColumnElement[Any]]

_Field = TypeVar("_Field", Selection, Rows, Aggregate)
_More = ParamSpec("_More")

_NUMBER = "row_number"
_PLACE = "row_place"


def _once(
    build: Callable[Concatenate[Catalog, _Field, _More], Select[Any]],
) -> Callable[Concatenate[Catalog, _Field, _More], Select[Any]]:
    """Keep each field's statement; a field always comes with the same further arguments."""

    def kept(catalog: Catalog, field: _Field, /, *args: _More.args, **kwargs: _More.kwargs) -> Select[Any]:
        if catalog not in field.statements:
            field.statements[catalog] = build(catalog, field, *args, **kwargs)
        return field.statements[catalog]

    update_wrapper(kept, build)
    return kept


@_once
def row_by_id(catalog: Catalog, selection: Selection) -> Select[Any]:
    """The row whose id is the parameter `key`."""
    table = selection.table.name
    columns = _columns(catalog, table, selection.columns)
    return _select(columns).where(catalog.view(table, 0).c.id == bindparam("key"))


@_once
def rows_by_ids(catalog: Catalog, selection: Selection) -> Select[Any]:
    """The rows whose ids are among the parameter `keys`, in any order, with their ids."""
    table = selection.table.name
    columns = _columns(catalog, table, (*selection.columns, "id"))
    return _select(columns).where(op.among_parameter(columns["id"], "keys"))


@_once
def rows(
    catalog: Catalog, asked: Rows, link: str | None = None, criterion: ColumnElement[Any] | None = None
) -> Select[Any]:
    """The rows asked for, in their order, and no more than the parameter `most`, which holds without a `link` for `limit`, too.

    Args:
        catalog: the tables and views.
        asked: what is asked for.
        link: the column that holds the parent's id, to be among the parameter `keys`, which is then read too and
            makes `limit`, `offset` and `distinct_on` apply to each parent's rows; None for rows without parents.
        criterion: a further condition on the table's view.
    """
    selection = asked.selection
    level = _Level(catalog, selection.table.name, asked.arguments, selection.columns, link, criterion)
    return level.select().limit(bindparam("most", type_=Integer))


@_once
def counts(catalog: Catalog, asked: Aggregate, link: str | None = None) -> Select[Any]:
    """The counts asked for: in one row, or with a `link` as in `rows` in one for each parent that has any.

    Column ``count_name(n)`` is the count ``asked.all_counts[n]``.
    """
    names = ["id", *(column for count in asked.all_counts for column in count.columns)]
    inner = _Level(catalog, asked.table.name, asked.arguments, names, link).select()
    counted = (inner if asked.arguments.is_sliced else inner.order_by(None)).subquery("counted")
    found: list[ColumnElement[Any]] = [
        _count(count, counted.c).label(count_name(n)) for n, count in enumerate(asked.all_counts)
    ]
    statement: Select[Any] = select(*found).select_from(counted)
    return statement.add_columns(counted.c[link]).group_by(counted.c[link]) if link else statement


def count_name(n: int) -> str:
    """The column that holds count `n`."""
    return f"count_{n}"


def _count(count: Count, columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    values = [columns[name] for name in dict.fromkeys(count.columns)]
    if not values or (len(values) > 1 and not count.distinct):
        return func.count()
    value = op.row_of(values) if len(values) > 1 else op.identity(values[0])
    return func.count(distinct(value) if count.distinct else value)


# ---------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class _Lines:
    """Rows on their way through a statement: what is read of them, which, and what they are sorted by."""

    columns: Columns
    criteria: Sequence[ColumnElement[Any]]
    sorting: Sequence[ColumnElement[Any]]

    def select(self) -> Select[Any]:
        return _select(self.columns).where(*self.criteria)


@dataclass(frozen=True, slots=True)
class _Level:
    """The rows of one table, all of them or, with a `link`, those of the parents in `keys`."""

    catalog: Catalog
    table: str
    arguments: Arguments
    names: Sequence[str]
    link: str | None = None
    criterion: ColumnElement[Any] | None = None

    def select(self) -> Select[Any]:
        arguments, lines = self.arguments, self._lines()
        parent = (self.link,) if self.link else ()
        if arguments.distinct_on:
            lines = _of_each(lines, (*parent, *arguments.distinct_on), parent, offset=0, limit=1)
        if parent and arguments.is_sliced:
            lines = _of_each(lines, parent, parent, offset=arguments.offset, limit=arguments.limit)
        statement = lines.select().order_by(*lines.sorting)
        return statement if parent else statement.limit(arguments.limit).offset(arguments.offset or None)

    def _lines(self) -> _Lines:
        catalog, arguments = self.catalog, self.arguments
        names = (*self.names, *arguments.distinct_on, *([self.link] if self.link else ()))
        columns = _columns(catalog, self.table, names)
        criteria = [filters.criterion(catalog, self.table, arguments.where)] if arguments.where else []
        if self.link:
            criteria.append(op.among_parameter(columns[self.link], "keys"))
        if self.criterion is not None:
            criteria.append(self.criterion)
        sorting = ordering.sort_keys(catalog, self.table, arguments.order, arguments.distinct_on)
        return _Lines(columns, criteria, sorting)


def _of_each(
    lines: _Lines, group: Sequence[str], parent: Sequence[str], *, offset: int, limit: int | None
) -> _Lines:
    """Of the rows that are equal in the columns `group`, those from `offset` on, at most `limit`.

    They stay sorted as they were among the rows that are equal in the columns `parent`.
    """
    inner = lines.select().add_columns(
        _number(lines, group).label(_NUMBER), _number(lines, parent).label(_PLACE)
    )
    numbered = inner.subquery()
    number = numbered.c[_NUMBER]
    criteria = [number > offset, *([number <= offset + limit] if limit is not None else ())]
    return _Lines({name: numbered.c[name] for name in lines.columns}, criteria, [numbered.c[_PLACE]])


def _number(lines: _Lines, group: Sequence[str]) -> ColumnElement[int]:
    parts = [op.identity(lines.columns[name]) for name in group]
    return func.row_number().over(partition_by=parts or None, order_by=lines.sorting)


def _columns(catalog: Catalog, table: str, names: Sequence[str]) -> Columns:
    view = catalog.view(table, 0)
    return {name: literal(table) if name == TYPE_NAME else view.c[name] for name in names}


def _select(columns: Columns) -> Select[Any]:
    return select(*(column.label(name) for name, column in columns.items()))
