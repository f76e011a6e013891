"""What a query does is told from its text, and in doubt it is a mutation."""

from __future__ import annotations

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.graphql import is_mutation
from orchestra_client.graphql.syntax import read_operations

NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,8}", fullmatch=True).filter(lambda name: name != "on")
STRINGS = st.text(st.characters(exclude_categories=["Cs"])).map(
    lambda text: graphql.print_ast(graphql.StringValueNode(value=text))
)
ARGUMENTS = st.one_of(st.just(""), STRINGS.map(lambda text: f"(a: {text}, b: {{c: [1, -2.5e3]}})"))
COMMENTS = st.sampled_from(["", "# mutation { x }\n", "#}\n", '# "\n', "\ufeff", ",,"])
OPERATIONS = st.builds(
    "{}{} {}{}{} {{ f{} }}\n".format,
    COMMENTS,
    st.sampled_from(["query", "mutation", "subscription"]),
    NAMES,
    st.sampled_from(["", "($a: [Int!]! = [1], $b: I = {c: 1})"]),
    st.sampled_from(["", " @live(if: true)"]),
    ARGUMENTS,
)
FRAGMENTS = st.builds("{}fragment {} on T {{ g{} }}\n".format, COMMENTS, NAMES, ARGUMENTS)
DOCUMENTS = st.lists(OPERATIONS | FRAGMENTS | st.just("{ a }\n"), min_size=1, max_size=4).map("".join)


@given(DOCUMENTS)
def test_operations_are_those_that_a_real_parser_sees(document: str) -> None:
    seen = [
        (definition.operation.value, definition.name and definition.name.value)
        for definition in graphql.parse(document).definitions
        if isinstance(definition, graphql.OperationDefinitionNode)
    ]

    assert read_operations(document) == seen


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    if not is_mutation(text):
        assert read_operations(text)


@pytest.mark.parametrize(
    "query",
    [
        "{ hello }",
        "query { hello }",
        "query Q($x: I = {mutation: 1}) @d(a: 1) { hello }",
        "# mutation\nquery { hello }",
        'query { f(a: "}} mutation { x }") }',
        'query { f(a: """ " mutation \\""" { """) }',
        "fragment mutation on T { a }\nquery { ...mutation }",
        "query mutation { mutation }",
        "subscription { runs { id } }",
        "query A { a } query B { b }",
    ],
)
def test_a_query_is_safe_to_repeat(query: str) -> None:
    graphql.parse(query)
    assert not is_mutation(query)


@pytest.mark.parametrize(
    "mutation",
    [
        "mutation { a }",
        "\ufeff,, mutation M { a }",
        "# query\nmutation{a}",
        "fragment query on T { a } mutation { ...query }",
        'query A { a(b: "}") } mutation B { b }',
    ],
)
def test_a_mutation_is_recognised(mutation: str) -> None:
    graphql.parse(mutation)
    assert is_mutation(mutation)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hello",
        "query",
        "query {",
        "{ a }}",
        "fragment F on T { a }",
        "type T { a: Int }",
        '{ a(b: "',
        "{ ' }",
    ],
)
def test_what_cannot_be_told_counts_as_a_mutation(text: str) -> None:
    assert is_mutation(text)


def test_the_operation_to_execute_decides() -> None:
    document = "query A { a } mutation B { b }"

    assert not is_mutation(document, "A")
    assert is_mutation(document, "B")
    assert is_mutation(document, "C")


@pytest.mark.parametrize(
    "filler", ['"' + "x" * 5_000_000 + '"', '"' + '\\"' * 2_000_000 + '"', '"""' + '\\"""' * 500_000 + '"""']
)
def test_a_huge_string_is_read_at_once(filler: str) -> None:
    assert not is_mutation(f"query {{ f(a: {filler}) }}")
