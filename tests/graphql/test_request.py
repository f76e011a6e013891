"""Everything a client takes as a query becomes text, variables and an operation name."""

from __future__ import annotations

import subprocess
import sys

import gql
import graphql
import pytest
from gql.dsl import DSLMutation, DSLQuery, DSLSchema, DSLVariableDefinitions, dsl_gql

from orchestra_client.errors import BadInput
from orchestra_client.graphql import GQLObject, is_mutation, to_request, with_args

SCHEMA = DSLSchema(
    graphql.build_schema(
        "type Query { flow(id: ID): Flow } type Flow { id: ID } type Mutation { archive(id: ID): Flow }"
    )
)
QUERY = "query GetFlow($id: ID) {\n  flow(id: $id) {\n    id\n  }\n}"


def test_a_string_is_sent_as_it_is() -> None:
    assert to_request(QUERY, {"id": 1}) == (QUERY, {"id": 1}, "GetFlow")


def test_a_structure_is_written_out() -> None:
    request = to_request({"query": {with_args("flow", {"id": 3}): {"id"}}})

    assert request.text == "query {\n    flow(id: 3) {\n        id\n    }\n}"
    assert request.variables == {}
    assert request.operation_name is None


def test_a_list_and_gql_objects_are_written_out() -> None:
    flow = GQLObject("flow")

    assert (
        to_request([{"query A": {flow("id: 1"): "id"}}]).text
        == "query A {\n    flow(id: 1) {\n        id\n    }\n}"
    )


def test_a_gql_request_brings_its_variables_and_operation() -> None:
    request = gql.GraphQLRequest(
        QUERY + " query Other { flow { id } }", variable_values={"id": "1", "x": 2}, operation_name="GetFlow"
    )

    text, variables, operation_name = to_request(request, {"id": "mine"})

    assert text == graphql.print_ast(request.document)
    assert variables == {"id": "mine", "x": 2}
    assert operation_name == "GetFlow"


def test_a_gql_request_is_left_unchanged() -> None:
    request = gql.GraphQLRequest(QUERY, variable_values={"id": "1"})

    to_request(request, {"id": "2"}).variables["id"] = "3"

    assert request.variable_values == {"id": "1"}


def test_a_document_is_printed() -> None:
    assert to_request(graphql.parse(QUERY)) == (QUERY, {}, "GetFlow")


def dsl_query() -> DSLQuery:
    variables = DSLVariableDefinitions()
    query = DSLQuery(SCHEMA.Query.flow(id=variables.id).select(SCHEMA.Flow.id))
    query.variable_definitions = variables
    return query


def test_a_dsl_query_is_printed_either_way_it_is_handed_over() -> None:
    assert to_request(dsl_gql(GetFlow=dsl_query())) == (QUERY, {}, "GetFlow")
    assert to_request(dsl_query()).text == QUERY.replace("GetFlow", "")


def test_a_dsl_mutation_is_a_mutation() -> None:
    archive = DSLMutation(SCHEMA.Mutation.archive(id=1).select(SCHEMA.Flow.id))

    assert is_mutation(to_request(archive).text)
    assert not is_mutation(to_request(dsl_query()).text)


def test_several_operations_leave_the_choice_to_the_server() -> None:
    assert to_request("query A { a } query B { b }").operation_name is None


@pytest.mark.parametrize("query", ["", "  \n", [], {}])
def test_an_empty_query_is_refused(query: object) -> None:
    with pytest.raises(BadInput, match="the query is empty"):
        to_request(query)


def test_a_forgotten_outermost_key_is_explained() -> None:
    with pytest.raises(BadInput, match=r"outermost key must be 'query' or 'mutation', not 'flow \{'"):
        to_request({"flow": {"id"}})


@pytest.mark.parametrize("query", [None, 3, b"{ hello }", object()])
def test_another_type_is_refused(query: object) -> None:
    with pytest.raises(TypeError, match="cannot be part of a query"):
        to_request(query)


def test_variables_that_are_no_dict_are_refused() -> None:
    with pytest.raises(TypeError, match="variables are a dict"):
        to_request("{ a }", '{"id": 1}')  # type: ignore[arg-type]


@pytest.mark.slow
def test_plain_queries_import_neither_gql_nor_graphql_core() -> None:
    code = """
import sys
from orchestra_client.graphql import compress, decompress, is_mutation, to_request, with_args
to_request("{ hello }")
to_request({"query": {with_args("flow", {"id": 3}): {"id"}}})
is_mutation("{ hello }")
decompress(compress({}))
print([m for m in ("gql", "graphql", "httpx", "uuid", "decimal", "datetime") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
