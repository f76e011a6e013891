"""The root fields that every table has: a list, a row by its id, an aggregate.

They are not registered one by one: the schema asks for the resolvers of all tables at once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchestra_client.server.store.selection import TableReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLResolveInfo, GraphQLSchema
    from sqlalchemy import ColumnElement

    from orchestra_client.server.store.session import Session

    # Called with a session, where the field stands in the operation, and its coerced arguments.
    TableResolver = Callable[[Session, GraphQLResolveInfo[Any], Mapping[str, Any]], Any]


def table_resolvers(schema: GraphQLSchema) -> dict[str, TableResolver]:
    """The resolver of each table's root fields, by field.

    Their answers are what was selected, complete and under the client's own names for the fields.

    Args:
        schema: the contract.
    """
    reader = _reader(schema)
    resolvers: dict[str, TableResolver] = {}
    for table in reader.tables:
        resolvers[table] = _on_table(reader.resolve_list, table)
        resolvers[f"{table}_by_pk"] = _on_table(reader.resolve_by_pk, table)
        resolvers[f"{table}_aggregate"] = _on_table(reader.resolve_aggregate, table)
    return resolvers


def resolve_rows(
    session: Session,
    info: GraphQLResolveInfo[Any],
    table: str,
    criterion: ColumnElement[Any],
    order_by: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """The rows that meet a condition, with what was selected of them, for a field of some other meaning.

    Args:
        session: what can be seen.
        info: where the field stands in the operation; its type is the table.
        table: the table.
        criterion: a condition on ``session.views[table]``.
        order_by: columns and directions; without them rows stand in the order they arrived.
    """
    return _reader(info.schema).resolve_rows(session, info, table, criterion, order_by)


@lru_cache(maxsize=4)
def _reader(schema: GraphQLSchema) -> TableReader:
    return TableReader(schema)


def _on_table(resolve: Callable[..., Any], table: str) -> TableResolver:
    return lambda session, info, arguments: resolve(session, info, table, arguments)
