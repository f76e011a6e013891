"""Reads what an operation selects of the tables: one statement for each level, then dicts as the answer has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.server.store import ordering, statements
from orchestra_client.server.store.catalog import Catalog
from orchestra_client.server.store.fields import Aggregate, Arguments, Rows, Selection
from orchestra_client.server.store.relations import table_types
from orchestra_client.server.store.syntax import Plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import GraphQLResolveInfo, GraphQLSchema
    from sqlalchemy import ColumnElement, RowMapping, Select

    from orchestra_client.server.store.budget import Budget
    from orchestra_client.server.store.relations import Relationship
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

    Record = dict[str, Any]


class TableReader:
    """Answers fields whose type is a table, or an aggregate of one. Safe to share between threads.

    The answers are complete down to the last level and keyed as the client named each field (its alias, else its
    name), `__typename` included, so nothing below them is left to resolve.

    Args:
        schema: the contract; its directives tell the tables and their relationships.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._plans = Plans(table_types(schema))
        self._catalogs: dict[Views, Catalog] = {}

    @property
    def tables(self) -> Sequence[str]:
        """The names of the contract's tables."""
        return list(self._plans.tables)

    def resolve_list(
        self, session: Session, info: GraphQLResolveInfo[Any], table: str, arguments: Mapping[str, Any]
    ) -> list[Record]:
        """The rows that the field at `info` asks for.

        Args:
            session: what can be seen.
            info: where the field stands in the operation.
            table: the table.
            arguments: the field's, as GraphQL coerced them.

        Raises:
            BadInput: the arguments contradict themselves, or a filter is too large.
            PayloadTooLarge: the answer would hold more rows than are left in the request's budget.
        """
        rows = self._plans.rows(info, table, arguments)
        return self._loading(session, info).rows(rows)

    def resolve_by_pk(
        self, session: Session, info: GraphQLResolveInfo[Any], table: str, arguments: Mapping[str, Any]
    ) -> Record | None:
        """The row with the argument `id`, or None where the session sees none; otherwise as `resolve_list`."""
        selection = self._plans.selection(info, table)
        return self._loading(session, info).row(selection, arguments["id"])

    def resolve_aggregate(
        self, session: Session, info: GraphQLResolveInfo[Any], table: str, arguments: Mapping[str, Any]
    ) -> Record:
        """The counts and rows that the field at `info` asks for; otherwise as `resolve_list`."""
        aggregate = self._plans.aggregate(info, table, arguments)
        return self._loading(session, info).aggregate(aggregate)

    def resolve_rows(
        self,
        session: Session,
        info: GraphQLResolveInfo[Any],
        table: str,
        criterion: ColumnElement[Any],
        order_by: Mapping[str, str] | None = None,
    ) -> list[Record]:
        """The rows that meet a condition, for a field that is no root field of its table.

        Args:
            session: what can be seen.
            info: where the field, whose type is the table, stands in the operation.
            table: the table.
            criterion: a condition on ``session.views[table]``.
            order_by: columns and directions; without them rows stand in the order they arrived.
        """
        rows = Rows(Arguments(order=ordering.terms(order_by)), self._plans.selection(info, table))
        return self._loading(session, info).rows(rows, criterion)

    def _loading(self, session: Session, info: GraphQLResolveInfo[Any]) -> _Loading:
        return _Loading(session, self._catalog(session), info.context.budget)

    def _catalog(self, session: Session) -> Catalog:
        views = session.views
        if views not in self._catalogs:
            self._catalogs[views] = Catalog(self._plans.tables, views)
        return self._catalogs[views]


class _Loading:
    """The reading of one field in one session."""

    def __init__(self, session: Session, catalog: Catalog, budget: Budget) -> None:
        self._session = session
        self._catalog = catalog
        self._budget = budget
        # The rows that a record stands for, by its identity; 1 for one without relationships.
        self._weights: dict[int, int] = {}

    def row(self, selection: Selection, key: str) -> Record | None:
        found = self._found(statements.row_by_id(self._catalog, selection), key=key)
        return next(iter(self._affordable(self._records(selection, found))), None)

    def rows(self, asked: Rows, criterion: ColumnElement[Any] | None = None) -> list[Record]:
        statement = statements.rows(self._catalog, asked, criterion=criterion)
        found = self._found(statement, limit=asked.arguments.limit)
        return self._affordable(self._records(asked.selection, found))

    def _found(
        self, statement: Select[Any], *, limit: int | None = None, **parameters: object
    ) -> Sequence[RowMapping]:
        """The rows of one level, of which no more are read than the answer may hold."""
        most = self._budget.most if limit is None else min(limit, self._budget.most)
        found = self._session.rows(statement, most=most, **parameters)
        self._budget.check(len(found))
        return found

    def _affordable(self, records: list[Record]) -> list[Record]:
        self._budget.spend(self._weight(records))
        return records

    def _weight(self, value: Any) -> int:
        """How many rows stand in a record, a list of records, or None."""
        if isinstance(value, list):
            return sum(map(self._weight, value)) if self._weights else len(value)
        return self._weights.get(id(value), 1) if value is not None else 0

    def aggregate(self, asked: Aggregate) -> Record:
        counted = None
        if asked.all_counts:
            [counted] = self._found(statements.counts(self._catalog, asked))
        nodes = {key: self.rows(rows) for key, rows in asked.nodes.items()}
        return _aggregated(asked, counted, nodes)

    # -------------------------------------------------------------------------------------- relationships

    def _records(self, selection: Selection, found: Sequence[RowMapping]) -> list[Record]:
        shape = selection.shape
        records = [{key: row[column] if column else None for key, column in shape} for row in found]
        if found:
            for key, local, related in self._related(selection, found):
                for row, record in zip(found, records, strict=True):
                    value = record[key] = related.get(row[local])
                    self._weights[id(record)] = self._weights.get(id(record), 1) + self._weight(value)
        return records

    def _related(
        self, selection: Selection, found: Sequence[RowMapping]
    ) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """For each relationship its name in the answer, the column it starts from, and its values by that column's."""
        for key, (to, one) in selection.ones.items():
            yield key, to.local, self._ones(one, _keys(found, to))
        for key, (to, many) in selection.manys.items():
            yield key, to.local, self._lists(many, to.remote, _keys(found, to))
        for key, (to, aggregate) in selection.aggregates.items():
            yield key, to.local, self._aggregates(aggregate, to.remote, _keys(found, to))

    def _ones(self, asked: Selection, keys: list[str]) -> dict[str, Record]:
        if not keys:
            return {}
        found = self._found(statements.rows_by_ids(self._catalog, asked), keys=keys)
        return {row["id"]: record for row, record in zip(found, self._records(asked, found), strict=True)}

    def _lists(self, asked: Rows, link: str, keys: list[str]) -> dict[str, list[Record]]:
        lists: dict[str, list[Record]] = {key: [] for key in keys}
        found = self._found(statements.rows(self._catalog, asked, link), keys=keys)
        for row, record in zip(found, self._records(asked.selection, found), strict=True):
            lists[row[link]].append(record)
        return lists

    def _aggregates(self, asked: Aggregate, link: str, keys: list[str]) -> dict[str, Record]:
        counted: dict[str, RowMapping] = {}
        if asked.all_counts:
            found = self._found(statements.counts(self._catalog, asked, link), keys=keys)
            counted = {row[link]: row for row in found}
        nodes = {name: self._lists(rows, link, keys) for name, rows in asked.nodes.items()}
        aggregated = {}
        for key in keys:
            own = {name: lists[key] for name, lists in nodes.items()}
            aggregated[key] = _aggregated(asked, counted.get(key), own)
            self._weights[id(aggregated[key])] = 1 + sum(map(self._weight, own.values()))
        return aggregated


def _keys(found: Sequence[RowMapping], relationship: Relationship) -> list[str]:
    values = dict.fromkeys(row[relationship.local] for row in found)
    return [value for value in values if value is not None]


def _aggregated(asked: Aggregate, counted: RowMapping | None, nodes: Mapping[str, list[Record]]) -> Record:
    numbers = iter(
        [counted[statements.count_name(n)] if counted else 0 for n in range(len(asked.all_counts))]
    )
    groups = {
        key: {
            name: next(numbers) if count else f"{asked.table.name}_aggregate_fields"
            for name, count in group.items()
        }
        for key, group in asked.counts.items()
    }
    type_name = f"{asked.table.name}_aggregate"
    return {key: groups[key] if key in groups else nodes.get(key, type_name) for key in asked.keys}
