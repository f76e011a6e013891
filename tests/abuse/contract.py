"""The contract as the attacks walk it, so that what is added to it is attacked without anybody thinking of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_directive_values,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_input_field,
)

from orchestra_client.contract import schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]

NEEDED = {"cron_clocks", "value"}
"""Input that the schema lets one leave out, and the server asks for all the same."""


@cache
def schema() -> GraphQLSchema:
    """The contract as it is written; the server's own reading of it is not trusted here."""
    return build_schema(schema_text())


@dataclass(frozen=True)
class Table:
    """A table: its columns with their scalars, and where its relationships lead."""

    name: str
    columns: dict[str, str]
    ones: dict[str, tuple[str, str]]
    """By field: the other table, and the column here that holds its id."""
    manys: dict[str, tuple[str, str]]
    """By field: the other table, and the column there that holds the id of a row here."""

    @property
    def relationships(self) -> dict[str, str]:
        return {name: table for name, (table, _) in (*self.ones.items(), *self.manys.items())}


@cache
def tables() -> dict[str, Table]:
    found = {
        type_.name: _table(type_)
        for type_ in schema().type_map.values()
        if isinstance(type_, GraphQLObjectType) and _directives(type_, "table")
    }
    assert len(found) >= 15
    return found


def _table(type_: GraphQLObjectType) -> Table:
    manys = {each["name"]: (each["type"], each["remote"]) for each in _directives(type_, "many")}
    ones = {
        name: (get_named_type(field.type).name, one["local"])
        for name, field in type_.fields.items()
        if (one := _values(field, "one"))
    }
    scalars = {
        name: get_named_type(field.type).name
        for name, field in type_.fields.items()
        if is_leaf_type(get_named_type(field.type))
    }
    return Table(type_.name, scalars, ones, manys)


def _directives(type_: GraphQLObjectType, name: str) -> list[dict[str, Any]]:
    """The arguments of each of a type's directives of that name."""
    directives = type_.ast_node.directives if type_.ast_node else None
    nodes = [node for node in directives or () if node.name.value == name]
    return [{a.name.value: getattr(a.value, "value", None) for a in node.arguments or ()} for node in nodes]


def _values(field: GraphQLField, directive: str) -> dict[str, Any] | None:
    assert field.ast_node is not None
    definition = schema().get_directive(directive)
    assert definition is not None
    return get_directive_values(definition, field.ast_node)


# ------------------------------------------------------------------------------------------------ root fields


@dataclass(frozen=True)
class Root:
    """A field of Query or Mutation."""

    parent: str
    name: str
    definition: GraphQLField

    @property
    def allow(self) -> set[str]:
        """The roles that may use it, by `@roles` or, of a table's fields, by `@table`."""
        roles = _values(self.definition, "roles")
        return set(roles["allow"]) if roles else {"USER", "TENANT"}

    @property
    def run_bound(self) -> bool:
        roles = _values(self.definition, "roles")
        return bool(roles["run_bound"]) if roles else True

    @property
    def is_open(self) -> bool:
        return _values(self.definition, "open") is not None

    @property
    def selection(self) -> str:
        """Every scalar of the answer, two levels deep: nothing that leaks stays unseen."""
        return _selection(get_named_type(self.definition.type), levels=2)

    @property
    def document(self) -> str:
        """Asks for the field with each argument as a variable of the same name."""
        arguments = self.definition.args
        declared = ", ".join(f"${name}: {argument.type}" for name, argument in arguments.items())
        passed = ", ".join(f"{name}: ${name}" for name in arguments)
        return (
            f"{self.parent.lower()} Attack{f'({declared})' if declared else ''} "
            f"{{ {self.name}{f'({passed})' if passed else ''} {self.selection} }}"
        )


def _selection(type_: Any, levels: int) -> str:
    if not isinstance(type_, GraphQLObjectType):
        return ""
    names = [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type))]
    if levels > 1:
        names += [
            f"{name} {_selection(get_named_type(field.type), levels - 1)}"
            for name, field in type_.fields.items()
            if isinstance(get_named_type(field.type), GraphQLObjectType) and not field.args
        ]
    return f"{{ {' '.join(names)} }}"


@cache
def roots() -> dict[str, Root]:
    found: dict[str, Root] = {}
    for type_ in (schema().query_type, schema().mutation_type):
        assert type_ is not None
        found |= {name: Root(type_.name, name, field) for name, field in type_.fields.items()}
    return found


def mutations() -> list[Root]:
    return [root for root in roots().values() if root.parent == "Mutation"]


def is_of_table(root: Root) -> bool:
    return root.name.removesuffix("_by_pk").removesuffix("_aggregate") in tables()


# ----------------------------------------------------------------------------------------------------- inputs


def paths(arguments: dict[str, GraphQLArgument], scalars: set[str]) -> Iterator[Path]:
    """The path to each value of one of these scalars in a root field's arguments, through lists and objects."""
    for name, argument in arguments.items():
        yield from _paths((name,), argument.type, scalars)


def _paths(path: Path, type_: GraphQLInputType, scalars: set[str]) -> Iterator[Path]:
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _paths((*path, name), field.type, scalars)
    elif named.name in scalars:
        yield path


def sample(arguments: dict[str, GraphQLArgument], values: Any, through: Path = ()) -> dict[str, Any]:
    """Arguments that hold what is required and what `through` leads to; ``values(path, scalar)`` makes each value."""
    return {
        name: _sample((name,), argument.type, values, through)
        for name, argument in arguments.items()
        if isinstance(argument.type, GraphQLNonNull) or through[:1] == (name,)
    }


def _sample(path: Path, type_: Any, values: Any, through: Path) -> Any:
    nullable = get_nullable_type(type_)
    if is_list_type(nullable):
        return [_sample(path, nullable.of_type, values, through)]
    if not isinstance(nullable, GraphQLInputObjectType):
        return values(path, nullable.name)
    return {
        name: _sample((*path, name), field.type, values, through)
        for name, field in nullable.fields.items()
        if is_required_input_field(field) or name in NEEDED or through[: len(path) + 1] == (*path, name)
    }


def replaced(arguments: Any, path: Path, value: Any) -> Any:
    """A copy of arguments in which `value` stands at `path`; in a list, in its first item."""
    if isinstance(arguments, list):
        return [replaced(arguments[0], path, value), *arguments[1:]] if arguments else arguments
    if not path:
        return value
    return {**arguments, path[0]: replaced(arguments[path[0]], path[1:], value)}
