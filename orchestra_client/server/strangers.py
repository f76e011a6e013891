"""What somebody without a credential may ask: one field that is open to all, in a document of a line or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType, parse

if TYPE_CHECKING:
    from graphql import DocumentNode

    from orchestra_client.server.schema import Api

MAX_LENGTH = 2000
"""Characters of a stranger's document. What it asks with stands in its variables."""

MAX_TOKENS = 200
"""Lexical tokens of it."""


def may_ask(text: str, api: Api) -> bool:
    """Whether a document may be read on although nobody sent a credential with it.

    Args:
        text: the document.
        api: whose fields are open or not.
    """
    if len(text) > MAX_LENGTH:
        return False
    try:
        return _asks_openly(parse(text, no_location=True, max_lexical_tokens=MAX_TOKENS), api)
    except GraphQLError:
        return False


def _asks_openly(document: DocumentNode, api: Api) -> bool:
    if len(document.definitions) != 1:
        return False
    [operation] = document.definitions
    if not isinstance(operation, OperationDefinitionNode) or len(operation.selection_set.selections) != 1:
        return False
    [node] = operation.selection_set.selections
    parent = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}.get(operation.operation, "")
    field = api.fields.get((parent, node.name.value)) if isinstance(node, FieldNode) else None
    return field is not None and field.is_open
