"""The executable contract: the schema, and behind each root field its function and who may call it."""

from __future__ import annotations

import inspect
import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphql import (
    ConstDirectiveNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_directive_values,
    get_named_type,
)

from orchestra_client.contract import schema_text
from orchestra_client.server import resolvers
from orchestra_client.server.registry import RESOLVERS, Resolver
from orchestra_client.server.scalars import attach_scalars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLResolveInfo

    from orchestra_client.server.context import Context, Principal

    # Called with the session or connection, the context, the field's position in the query, and its arguments.
    Call = Callable[[Any, Context, GraphQLResolveInfo[Any], dict[str, Any]], Any]

_AGGREGATE = "_aggregate"


@dataclass(frozen=True, slots=True)
class RootField:
    """A field of Query or Mutation.

    Attributes:
        resolver: how it was registered.
        call: its function, whatever that takes.
        definition: its arguments and type.
        allow: the roles that may ask for it.
        run_bound: whether a token that is bound to one run may, too.
        is_open: whether it is answered without a credential, too.
        is_shaped: its value comes with what was selected, under the selection's own names, and is answered as it is.
    """

    resolver: Resolver
    call: Call
    definition: GraphQLField
    allow: frozenset[str]
    run_bound: bool
    is_open: bool
    is_shaped: bool

    def permits(self, principal: Principal) -> bool:
        """Whether `principal` may ask for this field; a refresh token is good for another of its kind alone."""
        if principal.is_stranger:
            return self.is_open
        if principal.is_refresh:
            return self.resolver.name == "refresh_token"
        return principal.role in self.allow and (self.run_bound or principal.flow_run_id is None)


@dataclass(frozen=True, slots=True)
class Api:
    """The contract, ready to be asked.

    Attributes:
        schema: what documents are validated against.
        fields: the root fields by the name of their type, ``"Query"`` or ``"Mutation"``, and their own.
    """

    schema: GraphQLSchema
    fields: Mapping[tuple[str, str], RootField]


@cache
def api() -> Api:
    """The one of this process; building it takes about a tenth of a second."""
    schema = build_schema(schema_text(), assume_valid=True, assume_valid_sdl=True)
    attach_scalars(schema)
    calls = _calls(schema)
    fields = {
        (parent.name, name): _root_field(schema, definition, *calls[name])
        for parent in (schema.query_type, schema.mutation_type)
        if parent is not None
        for name, definition in parent.fields.items()
    }
    return Api(schema, fields)


def _calls(schema: GraphQLSchema) -> dict[str, tuple[Resolver, Call]]:
    """The functions of all modules of `resolvers`, by the field they stand behind."""
    for module in pkgutil.iter_modules(resolvers.__path__, f"{resolvers.__name__}."):
        import_module(module.name)
    from orchestra_client.server.resolvers.tables import table_resolvers  # noqa: PLC0415 (imported just above)

    tables = {
        name: (Resolver(name, resolve, writes=False), _of_table(resolve))
        for name, resolve in table_resolvers(schema).items()
    }
    return {**tables, **{name: (resolver, _of_resolver(resolver)) for name, resolver in RESOLVERS.items()}}


def _of_table(resolve: Callable[..., Any]) -> Call:
    return lambda session, _context, info, arguments: resolve(session, info, arguments)


def _of_resolver(resolver: Resolver) -> Call:
    resolve = resolver.resolve
    if "info" in inspect.signature(resolve).parameters:
        return lambda target, context, info, arguments: resolve(target, context, info=info, **arguments)
    return lambda target, context, _info, arguments: resolve(target, context, **arguments)


def _root_field(schema: GraphQLSchema, definition: GraphQLField, resolver: Resolver, call: Call) -> RootField:
    assert definition.ast_node is not None
    directive = schema.get_directive("roles")
    assert directive is not None
    roles = get_directive_values(directive, definition.ast_node) or {
        "allow": ["USER", "TENANT"],
        "run_bound": True,
    }
    return RootField(
        resolver,
        call,
        definition,
        frozenset(roles["allow"]),
        roles["run_bound"],
        is_open=any(node.name.value == "open" for node in definition.ast_node.directives or ()),
        is_shaped=_is_shaped(definition),
    )


def _is_shaped(definition: GraphQLField) -> bool:
    """Whether the value is rows of a table, which the store already reads as they were selected."""
    named = get_named_type(definition.type)
    if not isinstance(named, GraphQLObjectType) or named.ast_node is None:
        return False
    directives: tuple[ConstDirectiveNode, ...] = named.ast_node.directives or ()
    return named.name.endswith(_AGGREGATE) or any(node.name.value == "table" for node in directives)
