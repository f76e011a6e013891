"""What an operation can ask of a table: rows, and counts of rows.

A field is described once (see :mod:`~orchestra_client.server.store.syntax`) and then holds the statements made for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.server.store import ordering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select

    from orchestra_client.server.store.catalog import Catalog
    from orchestra_client.server.store.ordering import Term
    from orchestra_client.server.store.relations import Relationship, TableType

    Statements = dict[Catalog, Select[Any]]

MAX_COUNTS = 500
"""Counts of one aggregate; each is a column, and SQLite's statements have at most 2000."""

TYPE_NAME = "__typename"
"""What GraphQL lets a client ask of everything; it counts as a column here."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Which rows of a table, in which order.

    Attributes:
        where: a filter, or None for every row.
        order: what to sort by, as `ordering.terms` returns it.
        limit: the most rows to return, of each parent's; None for all.
        offset: how many rows to leave out before the first, of each parent's.
        distinct_on: columns; of the rows that are equal in them only the first is returned.

    Raises:
        BadInput: a number is negative, or `order` contradicts `distinct_on`.
    """

    where: Mapping[str, Any] | None = None
    order: tuple[Term, ...] = ()
    limit: int | None = None
    offset: int = 0
    distinct_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in (("limit", self.limit), ("offset", self.offset)):
            if value is not None and value < 0:
                raise BadInput(f"{name} must not be negative, and is {value}.")
        ordering.check_distinct(self.order, self.distinct_on)

    @property
    def is_sliced(self) -> bool:
        """Whether only so many rows are returned, or not the first."""
        return self.limit is not None or self.offset > 0


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is asked of each row; every mapping is keyed by the name in the answer.

    Attributes:
        table: the table.
        shape: the names in the answer as they were asked for, each with its column, or None for a relationship.
        ones: the rows that the row leads to.
        manys: the lists of rows that it leads to.
        aggregates: what is counted of them.
        statements: what reads such rows by id, once made, for each catalog.
    """

    table: TableType
    shape: tuple[tuple[str, str | None], ...]
    ones: Mapping[str, tuple[Relationship, Selection]]
    manys: Mapping[str, tuple[Relationship, Rows]]
    aggregates: Mapping[str, tuple[Relationship, Aggregate]]
    statements: Statements = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns to read: those asked for, and those that relationships start from; one, if it were none."""
        asked = (column for _, column in self.shape if column)
        related = (*self.ones.values(), *self.manys.values(), *self.aggregates.values())
        return list(dict.fromkeys((*asked, *(relationship.local for relationship, _ in related)))) or ["id"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A list of rows; `statements` as in `Selection`."""

    arguments: Arguments
    selection: Selection
    statements: Statements = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    """One `count`.

    Attributes:
        columns: none: of all rows; one: of the rows in which it is not null; several: of all rows, or, with
            `distinct`, of their different combinations.
        distinct: count each value of the columns once.
    """

    columns: tuple[str, ...] = ()
    distinct: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """What is asked of an `X_aggregate`; every mapping is keyed by the name in the answer.

    Attributes:
        table: the table.
        keys: the names in the answer as they were asked for; one in neither mapping asks for the type's name.
        arguments: which rows.
        counts: each `aggregate`, and in it each count, or None for the type's name.
        nodes: each `nodes`.
        statements: what counts, as in `Selection`.

    Raises:
        BadInput: it counts more than one statement can.
    """

    table: TableType
    keys: tuple[str, ...]
    arguments: Arguments
    counts: Mapping[str, Mapping[str, Count | None]]
    nodes: Mapping[str, Rows]
    statements: Statements = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.all_counts) > MAX_COUNTS:
            raise BadInput(f"An aggregate has at most {MAX_COUNTS} counts; put the others into another.")

    @property
    def all_counts(self) -> list[Count]:
        """The counts of every `aggregate`, in order."""
        return [count for group in self.counts.values() for count in group.values() if count]
