"""Queries and mutations of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.failures import error_of
from orchestra_client.graphql import GraphQLResult, is_mutation, to_request
from orchestra_client.operation import Operation, Repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["raw"]


def raw(
    query: Any,
    variables: Mapping[str, Any] | None,
    *,
    headers: Mapping[str, str] | None,
    token: str | None,
    raise_on_error: bool,
) -> Operation[GraphQLResult]:
    """Execute any GraphQL; the result is the whole answer.

    Args:
        query: in any form that :func:`~orchestra_client.graphql.to_request` takes.
        variables: the query's variables, by name.
        headers: to send along.
        token: to authenticate with; None for the session's.
        raise_on_error: whether errors in the answer are raised.
    """
    if not isinstance(raise_on_error, bool):
        # The place of the variables, as everybody expects it, is that of another argument in this API.
        raise TypeError(
            f"raise_on_error must be True or False, not {type(raise_on_error).__name__}; give variables by name: "
            "graphql(query, variables=…)"
        )
    request = to_request(query, variables)
    name = request.operation_name or "graphql"

    def parse(body: dict[str, Any]) -> GraphQLResult:
        if raise_on_error and (errors := body.get("errors")):
            raise error_of(errors, operation=name)
        return GraphQLResult(body)

    return Operation(
        name,
        request.variables,
        parse,
        Repeat.NEVER if is_mutation(request.text, request.operation_name) else Repeat.SAFE,
        bearer=token,
        text=request.text,
        tolerant=True,
        headers=dict(headers or {}),
        operation_name=request.operation_name,
    )
