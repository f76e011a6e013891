"""From GraphQL's syntax tree to what is asked of a table.

Reading the tree costs more than the SQL that it leads to, and operations repeat. A field in which no variable stands
is therefore read once for as long as its document lives.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    Node,
    Undefined,
    VariableNode,
    get_argument_values,
    value_from_ast_untyped,
)

from orchestra_client.server.characters import checked
from orchestra_client.server.collecting import collect, selection_sets
from orchestra_client.server.store import ordering
from orchestra_client.server.store.fields import TYPE_NAME, Aggregate, Arguments, Count, Rows, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import FragmentDefinitionNode, GraphQLResolveInfo, SelectionSetNode
    from graphql.execution.values import VariableValueSource

    from orchestra_client.server.store.relations import TableType, TableTypes

    Coerced = Mapping[str, Any]
    Fields = Mapping[str, list[FieldNode]]

_Read = TypeVar("_Read", Rows, Selection, Aggregate)
_AGGREGATE = "_aggregate"


class Plans:
    """Reads fields, and keeps what can only ever be read the same. Safe to share between threads.

    Args:
        tables: the contract's tables.
    """

    def __init__(self, tables: TableTypes) -> None:
        self.tables = tables
        self._kept: dict[int, Any] = {}

    def selection(self, info: GraphQLResolveInfo[Any], table: str) -> Selection:
        """What the field at `info` asks of each row of `table`, whatever its arguments are."""
        return _Reading(self, info).selection(info.field_nodes, self.tables[table])

    def rows(self, info: GraphQLResolveInfo[Any], table: str, arguments: Coerced) -> Rows:
        """What the field at `info`, a list of `table`, asks for; `arguments` as GraphQL coerced them."""
        return _Reading(self, info).rows(info.field_nodes, self.tables[table], lambda: arguments)

    def aggregate(self, info: GraphQLResolveInfo[Any], table: str, arguments: Coerced) -> Aggregate:
        """What the field at `info`, an aggregate of `table`, asks for; `arguments` as GraphQL coerced them."""
        return _Reading(self, info).aggregate(info.field_nodes, self.tables[table], lambda: arguments)

    def keep(self, nodes: Sequence[Node], info: GraphQLResolveInfo[Any], read: Callable[[], _Read]) -> _Read:
        """What `read` makes of `nodes`, from memory where no variable stands in them."""
        node = nodes[0]
        kept = self._kept.get(id(node), Undefined)
        if kept is None or len(nodes) > 1:
            return read()
        if kept is Undefined:
            made = read()
            self._kept[id(node)] = None if _has_variables(node, info.fragments) else made
            weakref.finalize(node, self._kept.pop, id(node), None)
            return made
        return kept  # type: ignore[no-any-return]  # what was kept under a node was read from it


def _has_variables(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> bool:
    pending: list[Any] = [node]
    spread: set[str] = set()
    while pending:
        item = pending.pop()
        if isinstance(item, VariableNode):
            return True
        if isinstance(item, FragmentSpreadNode) and item.name.value not in spread:
            spread.add(item.name.value)
            pending.append(fragments[item.name.value].selection_set)
        if isinstance(item, Node):
            pending.extend(getattr(item, key) for key in item.keys if key != "loc")
        elif isinstance(item, list | tuple):
            pending.extend(item)
    return False


class _Reading:
    """Reads one root field of one request and what lies below."""

    def __init__(self, plans: Plans, info: GraphQLResolveInfo[Any]) -> None:
        self._plans = plans
        self._info = info

    def rows(self, nodes: Sequence[FieldNode], table: TableType, coerced: Callable[[], Coerced]) -> Rows:
        def read() -> Rows:
            return Rows(self._arguments(nodes[0], coerced()), self.selection(nodes, table))

        return self._plans.keep(nodes, self._info, read)

    def aggregate(
        self, nodes: Sequence[FieldNode], table: TableType, coerced: Callable[[], Coerced]
    ) -> Aggregate:
        def read() -> Aggregate:
            arguments = self._arguments(nodes[0], coerced())
            return self._aggregate(self._collect(selection_sets(nodes)), table, arguments)

        return self._plans.keep(nodes, self._info, read)

    def selection(self, nodes: Sequence[FieldNode], table: TableType) -> Selection:
        sets = selection_sets(nodes)
        return self._plans.keep(sets, self._info, lambda: self._selection(self._collect(sets), table))

    # ------------------------------------------------------------------------------------------ selections

    def _selection(self, fields: Fields, table: TableType) -> Selection:
        shape: list[tuple[str, str | None]] = []
        ones, manys, aggregates = {}, {}, {}
        for key, nodes in fields.items():
            name = nodes[0].name.value
            is_column = name in table.columns or name == TYPE_NAME
            shape.append((key, name if is_column else None))
            if is_column:
                continue
            relationship = table.relationships[name.removesuffix(_AGGREGATE)]
            other = self._plans.tables[relationship.table]
            if not relationship.is_list:
                ones[key] = relationship, self.selection(nodes, other)
            elif name == relationship.name:
                manys[key] = relationship, self.rows(nodes, other, self._coerced(nodes[0], table.name))
            else:
                coerced = self._coerced(nodes[0], table.name)
                aggregates[key] = relationship, self.aggregate(nodes, other, coerced)
        return Selection(table, tuple(shape), ones, manys, aggregates)

    def _aggregate(self, fields: Fields, table: TableType, arguments: Arguments) -> Aggregate:
        counts = {
            key: self._counts(self._collect(selection_sets(nodes)), table)
            for key, nodes in fields.items()
            if nodes[0].name.value == "aggregate"
        }
        lists = {
            key: Rows(arguments, self.selection(nodes, table))
            for key, nodes in fields.items()
            if nodes[0].name.value == "nodes"
        }
        return Aggregate(table, tuple(fields), arguments, counts, lists)

    def _counts(self, fields: Fields, table: TableType) -> dict[str, Count | None]:
        return {
            key: None if nodes[0].name.value == TYPE_NAME else self._count(nodes[0], table)
            for key, nodes in fields.items()
        }

    def _count(self, node: FieldNode, table: TableType) -> Count:
        coerced = self._coerced(node, f"{table.name}_aggregate_fields")()
        return Count(tuple(coerced.get("columns") or ()), bool(coerced.get("distinct")))

    # ------------------------------------------------------------------------------------------- arguments

    def _coerced(self, node: FieldNode, type_name: str) -> Callable[[], Coerced]:
        type_ = self._info.schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        definition = type_.fields[node.name.value]
        return lambda: get_argument_values(definition, node, self._info.variable_values)

    def _arguments(self, node: FieldNode, coerced: Coerced) -> Arguments:
        given = checked(node.name.value, dict(coerced))
        return Arguments(
            where=given.get("where"),
            order=ordering.terms(self._written(node, "order_by")) if given.get("order_by") else (),
            limit=given.get("limit"),
            offset=given.get("offset") or 0,
            distinct_on=tuple(dict.fromkeys(given.get("distinct_on") or ())),
        )

    def _written(self, node: FieldNode, argument: str) -> Any:
        """An argument with its keys as the client wrote them; coercion puts them in the contract's order."""
        written = next(item.value for item in node.arguments or () if item.name.value == argument)
        values = self._info.variable_values
        sent = {name: _sent(source) for name, source in values.sources.items()}
        # What has no source was read by `server.variables`, which leaves keys in their order.
        return value_from_ast_untyped(written, {**values.coerced, **sent})

    def _collect(self, sets: Sequence[SelectionSetNode]) -> Fields:
        return collect(sets, self._info.fragments, self._info.variable_values)


def _sent(source: VariableValueSource) -> Any:
    """A variable's value as the request holds it, or its default."""
    if source.value is not Undefined:
        return source.value
    default = source.signature.default
    return value_from_ast_untyped(default.literal) if default and default.literal else None
