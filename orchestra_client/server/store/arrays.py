"""JSON arrays of texts, such as labels and tags, opened up inside a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, column, exists, func, not_, select

from orchestra_client.server.store.operators import among_parameter

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, TableValuedAlias


def elements(array: ColumnElement[Any], dialect: str, name: str) -> TableValuedAlias:
    """The elements of a JSON array as rows with one column, `value`.

    Args:
        array: the column that holds the array.
        dialect: the database's kind, as :attr:`Session.dialect` tells it.
        name: what the rows are called within the statement.
    """
    value = column("value", Text)
    if dialect == "postgresql":
        return func.jsonb_array_elements_text(array).table_valued(value, name=name).render_derived()
    return func.json_each(array).table_valued(value, name=name)


def length(array: ColumnElement[Any], dialect: str) -> ColumnElement[int]:
    """How many elements a JSON array has."""
    return func.jsonb_array_length(array) if dialect == "postgresql" else func.json_array_length(array)


def is_subset(array: ColumnElement[Any], of: str, dialect: str) -> ColumnElement[bool]:
    """Whether every element of a JSON array is in the list that is given as parameter `of` when the statement runs."""
    held = elements(array, dialect, "held")
    return ~exists(select(held.c.value).where(not_(among_parameter(held.c.value, of))))
