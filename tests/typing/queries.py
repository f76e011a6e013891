"""What type checkers make of the GraphQL helpers; checked by mypy, never run."""

from __future__ import annotations

from typing import Any, assert_type

from orchestra_client.graphql import (
    EnumValue,
    GQLObject,
    GraphQLResult,
    LiteralSetValue,
    compress,
    decompress,
    is_mutation,
    parse_graphql,
    parse_graphql_arguments,
    to_request,
    with_args,
)


class Flow(GQLObject):
    """A field with fields below it."""

    id = GQLObject("id")


flow = Flow()
query = {"query": {flow({"limit": 3}): {flow.id}, with_args("project", {"name": EnumValue("x")}): True}}

assert_type(parse_graphql(query), str)
assert_type(parse_graphql_arguments({"labels": LiteralSetValue(["a"])}), str)
assert_type(is_mutation("{ hello }", operation_name=None), bool)
assert_type(compress({"name": "etl"}), str)
assert_type(decompress("…", max_bytes=1024), Any)

text, variables, operation_name = to_request(query, {"id": 1})
assert_type(text, str)
assert_type(variables, dict[str, Any])
assert_type(operation_name, str | None)

result = GraphQLResult(data={"flow": [{"id": "1"}]})
assert_type(result.data.flow[0].id, Any)
assert_type(result["data"], Any)
assert_type(result.to_dict(), dict[str, Any])
assert_type(result.copy(), GraphQLResult)
result.extra = {"a": 1}
