"""Helpers to write GraphQL queries in Python and to read what comes back.

Importing this package imports neither gql nor graphql-core.
"""

from __future__ import annotations

from .arguments import parse_graphql_arguments
from .compression import compress, decompress
from .request import GraphQLDocument, to_request
from .result import GraphQLResult, as_nested_graphql_result
from .selection import GQLObject, parse_graphql, with_args
from .syntax import is_mutation
from .values import EnumValue, LiteralSetValue

__all__ = [
    "EnumValue",
    "GQLObject",
    "GraphQLDocument",
    "GraphQLResult",
    "LiteralSetValue",
    "as_nested_graphql_result",
    "compress",
    "decompress",
    "is_mutation",
    "parse_graphql",
    "parse_graphql_arguments",
    "to_request",
    "with_args",
]
