"""The variables of an operation, read into the values that resolvers see.

graphql-core reads variables by walking their types anew for each value, which a batch of fifty states pays for with a
sixth of its time. Here each type becomes a function once. What does not fit is left to graphql-core, which knows how
to say what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_variable_values,
    is_leaf_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

from orchestra_client.server.failures import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLInputType, GraphQLSchema, OperationDefinitionNode, VariableDefinitionNode

    from orchestra_client.server.documents import Operation

    Read = Callable[[Any], Any]

MAX_ERRORS = 10
"""Errors that are reported of one request's variables."""


class _MisfitError(Exception):
    """A value does not fit its type, or only in a way that is left to graphql-core."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that an operation declares.

    Attributes:
        name: without the dollar sign.
        read: makes the value of what was sent.
        may_be_missing: it is nullable and has no default.
    """

    name: str
    read: Read
    may_be_missing: bool


def declared(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[Variable, ...]:
    """The variables of a valid operation."""
    return tuple(_variable(schema, definition) for definition in operation.variable_definitions or ())


def _variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Variable:
    type_: Any = type_from_ast(schema, definition.type)
    may_be_missing = definition.default_value is None and not isinstance(type_, GraphQLNonNull)
    return Variable(definition.variable.name.value, _reader(type_), may_be_missing)


def read_variables(schema: GraphQLSchema, operation: Operation, sent: dict[str, Any]) -> VariableValues:
    """The values of an operation's variables.

    Args:
        schema: of the types.
        operation: declares them.
        sent: JSON values by name; others than those declared are ignored.

    Raises:
        RequestRefused: a value is missing, or does not fit its type.
    """
    try:
        return VariableValues({}, _values(operation.variables, sent))
    except (_MisfitError, GraphQLError):
        definitions = operation.node.variable_definitions or ()
        values = get_variable_values(schema, definitions, sent, max_errors=MAX_ERRORS)
    if isinstance(values, list):
        raise RequestRefused("BAD_USER_INPUT", values)
    return values


def _values(variables: Sequence[Variable], sent: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for variable in variables:
        if variable.name in sent:
            values[variable.name] = variable.read(sent[variable.name])
        elif not variable.may_be_missing:
            raise _MisfitError
    return values


@cache
def _reader(type_: GraphQLInputType) -> Read:
    if isinstance(type_, GraphQLNonNull):
        return _required(_reader(type_.of_type))
    if isinstance(type_, GraphQLList):
        return _list(_reader(type_.of_type))
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_)
    assert is_leaf_type(type_)
    return _leaf(type_.coerce_input_value)


def _required(read: Read) -> Read:
    def read_required(value: Any) -> Any:
        if value is None:
            raise _MisfitError
        return read(value)

    return read_required


def _leaf(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _list(read: Read) -> Read:
    def read_list(value: Any) -> Any:
        if value is None:
            return None
        return [read(item) for item in value] if isinstance(value, list) else [read(value)]

    return read_list


def _object(type_: GraphQLInputObjectType) -> Read:
    fields: dict[str, Read] = {}
    defaults: dict[str, Any] = {}
    required: set[str] = set()

    def prepare() -> None:
        # Only when a value comes: filters contain themselves.
        for name, field in type_.fields.items():
            if is_required_input_field(field):
                required.add(name)
            elif (default := coerce_default_value(field)) is not Undefined:
                defaults[name] = default
        fields.update({name: _reader(field.type) for name, field in type_.fields.items()})

    def read_object(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _MisfitError
        if not fields:
            prepare()
        if not (fields.keys() >= value.keys() >= required):
            raise _MisfitError
        return {**defaults, **{name: fields[name](item) for name, item in value.items()}}

    return read_object
