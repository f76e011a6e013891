"""Which tables the contract has, what their columns are, and how rows lead to one another.

Read from the schema's own directives (`@table`, `@one`, `@many`), so that a relationship is written down once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DirectiveNode,
    GraphQLObjectType,
    ObjectTypeDefinitionNode,
    StringValueNode,
    get_named_type,
    is_non_null_type,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FieldDefinitionNode, GraphQLSchema

    TableTypes = Mapping[str, "TableType"]


@dataclass(frozen=True, slots=True)
class Relationship:
    """How a row leads to rows of another table: those whose column `remote` equals this row's column `local`.

    Attributes:
        name: the field.
        table: the other table.
        local: this table's column.
        remote: the other table's column.
        is_list: whether there can be several.
    """

    name: str
    table: str
    local: str
    remote: str
    is_list: bool


@dataclass(frozen=True, slots=True)
class TableType:
    """A table of the contract.

    Attributes:
        name: of the table, and of its GraphQL type.
        columns: each column's scalar, in the contract's order.
        required: the columns that are never null.
        relationships: each relationship by its field.
    """

    name: str
    columns: Mapping[str, str]
    required: frozenset[str]
    relationships: Mapping[str, Relationship]


def table_types(schema: GraphQLSchema) -> dict[str, TableType]:
    """Every type that the contract marks as a table, by name.

    Args:
        schema: built from the contract's SDL; types made in code carry no directives and are no tables.
    """
    return {
        name: _table_type(type_, type_.ast_node)
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType)
        and type_.ast_node is not None
        and _directive(type_.ast_node, "table") is not None
    }


def _table_type(type_: GraphQLObjectType, node: ObjectTypeDefinitionNode) -> TableType:
    ones = [one for field in node.fields or () if (one := _one(type_, field))]
    manys = [_many(d) for d in node.directives or () if d.name.value == "many"]
    relationships = {relationship.name: relationship for relationship in (*ones, *manys)}
    names = [field.name.value for field in node.fields or () if field.name.value not in relationships]
    return TableType(
        name=type_.name,
        columns={name: get_named_type(type_.fields[name].type).name for name in names},
        required=frozenset(name for name in names if is_non_null_type(type_.fields[name].type)),
        relationships=relationships,
    )


def _one(type_: GraphQLObjectType, field: FieldDefinitionNode) -> Relationship | None:
    directive = _directive(field, "one")
    if directive is None:
        return None
    name = field.name.value
    table = get_named_type(type_.fields[name].type).name
    return Relationship(name, table, local=_argument(directive, "local"), remote="id", is_list=False)


def _many(directive: DirectiveNode) -> Relationship:
    return Relationship(
        _argument(directive, "name"),
        _argument(directive, "type"),
        local="id",
        remote=_argument(directive, "remote"),
        is_list=True,
    )


def _directive(node: ObjectTypeDefinitionNode | FieldDefinitionNode, name: str) -> DirectiveNode | None:
    return next((d for d in node.directives or () if d.name.value == name), None)


def _argument(directive: DirectiveNode, name: str) -> str:
    value = next(a.value for a in directive.arguments or () if a.name.value == name)
    assert isinstance(value, StringValueNode)
    return value.value
