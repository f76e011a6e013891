"""Turn everything that a client takes as a query into what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from orchestra_client.errors import BadInput

from .loaded import is_instance
from .selection import parse_graphql
from .syntax import read_operations

__all__ = ["GraphQLDocument", "to_request"]


class GraphQLDocument(NamedTuple):
    """A request as it is sent.

    Attributes:
        text: the GraphQL document.
        variables: its variables; empty when there are none.
        operation_name: which of its operations to execute; None when there is only an anonymous one, or when
            several leave the choice to the server, which then refuses.
    """

    text: str
    variables: dict[str, Any]
    operation_name: str | None


def to_request(query: Any, variables: Mapping[str, Any] | None = None) -> GraphQLDocument:
    """Turn a query in any of the accepted forms into text, variables and operation name.

    Neither gql nor graphql-core is imported unless `query` is one of their objects.

    Args:
        query: a string; a structure of dicts, lists, sets, strings and `GQLObject`s (see
            :func:`~orchestra_client.graphql.parse_graphql`); a `gql.GraphQLRequest`, which is what `gql.gql` and
            `gql.dsl.dsl_gql` return; a `DSLQuery`, `DSLMutation` or `DSLSubscription`; or a
            `graphql.DocumentNode`.
        variables: the query's variables by name. They win over those that a `gql.GraphQLRequest` carries.

    Returns:
        The request's parts.

    Raises:
        BadInput: the query is empty, or is no operation.
        TypeError: `query` or `variables` is of another type.
    """
    text, own_variables, operation_name = _parts(query)
    if not text:
        raise BadInput("the query is empty")
    operations = read_operations(text)
    if not operations and not isinstance(query, str):
        raise BadInput(
            f"the query holds no operation: its outermost key must be 'query' or 'mutation', not {_first_line(text)}"
        )
    if operation_name is None and len(operations) == 1:
        operation_name = operations[0].name
    return GraphQLDocument(text, {**own_variables, **_checked_variables(variables)}, operation_name)


def _parts(query: Any) -> tuple[str, Mapping[str, Any], str | None]:
    if isinstance(query, str):
        return query.strip(), {}, None
    if is_instance(query, "gql.dsl", "DSLExecutable"):
        query = _request_of_dsl(query)
    if is_instance(query, "gql", "GraphQLRequest"):
        return _printed(query.document), query.variable_values or {}, query.operation_name
    if is_instance(query, "graphql", "DocumentNode"):
        return _printed(query), {}, None
    return parse_graphql(query), {}, None


def _printed(document: Any) -> str:
    from graphql import print_ast  # noqa: PLC0415  # whoever has a document has imported it already

    return print_ast(document)


def _request_of_dsl(executable: Any) -> Any:
    from gql.dsl import dsl_gql  # noqa: PLC0415  # whoever has a DSL query has imported it already

    return dsl_gql(executable)


def _checked_variables(variables: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):
        raise TypeError(f"variables are a dict of names and values, not {type(variables).__name__}")
    return variables


def _first_line(text: str) -> str:
    return repr(text.split("\n", 1)[0][:60])
