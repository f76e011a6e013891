"""Python structures become queries that graphql-core parses."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from typing import Any

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput
from orchestra_client.graphql import EnumValue, GQLObject, parse_graphql, with_args

NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,8}", fullmatch=True)
LEAVES = st.sampled_from([True, ...]) | NAMES | st.sets(NAMES, min_size=1, max_size=3)
SELECTIONS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3),
    lambda inner: (
        st.dictionaries(NAMES, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=10,
)


def text(block: str) -> str:
    return dedent(block).strip()


def test_dicts_lists_and_strings_keep_their_form() -> None:
    query = {
        "query": {"books(published: {gt: 1990})": {"title": True}, "authors": ["name", {"books": "title"}]}
    }

    assert parse_graphql(query) == text(
        """
        query {
            books(published: {gt: 1990}) {
                title
            }
            authors {
                name
                books {
                    title
                }
            }
        }
        """
    )


@given(SELECTIONS)
def test_every_structure_of_names_is_graphql(selection: Any) -> None:
    graphql.parse(parse_graphql({"query": selection}))


@pytest.mark.parametrize("marker", [True, ...])
def test_true_and_ellipsis_mark_a_field_without_a_selection(marker: object) -> None:
    assert parse_graphql({"query": {"id": marker, "name": marker}}) == "query {\n    id\n    name\n}"


@pytest.mark.parametrize(
    "key",
    [
        "field(arg: 1)",
        'field(name: "a } \\" b", where: {x: [1, 2]})',
        "alias: field",
        "alias: field(arg: $x) @include(if: $y)",
        "... on flow_run",
        "... @include(if: $x)",
        "first second",
    ],
)
def test_keys_may_be_all_that_graphql_writes_before_a_selection(key: str) -> None:
    query = {"query($x: Int = 3, $y: Boolean!)": {"flow_run": {key: {"id"}}}}

    graphql.parse(parse_graphql(query))


def test_fragments_and_several_operations_may_stand_side_by_side() -> None:
    query = {
        "query A": {"flow": {"...names"}},
        "mutation B($input: delete_flow_input!)": {"delete_flow(input: $input)": "success"},
        "fragment names on flow": ["id", "name"],
    }

    assert len(graphql.parse(parse_graphql(query)).definitions) == 3


def test_arguments_are_put_into_parentheses() -> None:
    field = with_args("flow", {"where": {"id": {"_eq": 3}}, "order_by": {"name": EnumValue("desc")}})

    assert field == "flow(where: { id: { _eq: 3 } }, order_by: { name: desc })"


def test_no_arguments_mean_no_parentheses() -> None:
    assert with_args("flow", {}) == "flow"
    assert with_args("flow", "") == "flow"


def test_enum_values_serve_as_fields() -> None:
    query = {"query": {EnumValue("aggregate"): EnumValue("count")}}

    assert parse_graphql(query) == "query {\n    aggregate {\n        count\n    }\n}"


def test_gql_objects_serve_as_fields_with_and_without_arguments() -> None:
    class FlowRun(GQLObject):
        id = GQLObject("id")

    flow_run = FlowRun()
    query = {"query": {flow_run({"limit": 1}): [flow_run.id]}}

    assert parse_graphql(query) == "query {\n    flowRun(limit: 1) {\n        id\n    }\n}"
    assert str(flow_run) == "flowRun"
    assert repr(GQLObject("flow")("limit: 1")) == "<GQL: 'flow(limit: 1)'>"


def test_a_gql_object_class_is_refused_by_name() -> None:
    class Flow(GQLObject):
        pass

    with pytest.raises(TypeError, match=r"below query: the class Flow .* Flow\(\)"):
        parse_graphql({"query": Flow})


def test_text_inside_strings_is_never_reindented() -> None:
    argument = '    }\n    {"x"}'

    document = graphql.parse(parse_graphql({"query": {"a": {with_args("b", {"x": argument}): {"id"}}}}))

    assert f"x: {graphql.print_ast(graphql.StringValueNode(value=argument))}" in graphql.print_ast(document)


def test_a_block_string_keeps_its_lines() -> None:
    field = 'note(text: """\n  one\n    two\n \n  """)'

    def value_in(query: str) -> str | None:
        lexer = graphql.Lexer(graphql.Source(query))
        while lexer.advance().kind != graphql.TokenKind.BLOCK_STRING:
            pass
        return lexer.token.value

    assert value_in(parse_graphql({"query": {"a": {field: True}}})) == value_in(f"{{ a {{ {field} }} }}")


def test_a_query_as_a_string_passes_with_its_indentation_tidied() -> None:
    assert parse_graphql("\n        query {\n            hello\n        }\n    ") == "query {\n    hello\n}"
    assert parse_graphql("{ hello }") == "{ hello }"


@pytest.mark.slow
def test_equal_sets_give_equal_text_in_every_process() -> None:
    code = "from orchestra_client.graphql import *; print(parse_graphql({'query': {'flow': {'id', 'name', 'version'}}}))"

    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "12345"
    }

    assert len(outputs) == 1


@pytest.mark.parametrize(
    "key", ["", " ", "a {", "a }", "a(b: 1", 'a(b: "x)', "flow-run", "a'b", "a;b", "5", '"a"', "[a]", "a!"]
)
def test_a_key_that_would_break_the_query_is_refused(key: str) -> None:
    with pytest.raises(BadInput, match=r"field|part of a GraphQL query"):
        parse_graphql({"query": {key: {"id"}}})


@pytest.mark.parametrize("selection", [{}, [], set(), ()])
def test_an_empty_selection_is_refused_by_its_field(selection: object) -> None:
    with pytest.raises(BadInput, match="below query > flow: nothing is selected"):
        parse_graphql({"query": {"flow": selection}})


@pytest.mark.parametrize("leaf", [None, False, 3, 1, b"id", [None]])
def test_what_is_neither_field_nor_marker_is_refused_by_its_field(leaf: object) -> None:
    with pytest.raises(TypeError, match=r"below query > flow: .* cannot be part of a query"):
        parse_graphql({"query": {"flow": leaf}})


@pytest.mark.parametrize("kind", [dict, list])
def test_a_query_that_holds_itself_is_refused(kind: type) -> None:
    loop: Any = kind()
    if kind is dict:
        loop["flow"] = loop
    else:
        loop.append(loop)

    with pytest.raises(BadInput, match="holds itself"):
        parse_graphql({"query": loop})
