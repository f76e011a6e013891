"""`orchestra graphql`: a query goes in, the answer comes out as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow

HELLO = {"data": {"hello": "Hello from orchestra"}}
BY_NAME = "query by_name($name: String!) { project(where: { name: { _eq: $name } }) { name } }"


@pytest.fixture
def project(client: Client, unique: Callable[[str], str]) -> str:
    name = unique("graphql")
    client.create_project(name)
    return name


def test_a_pipe_gets_the_answer_in_one_line(orchestra: Orchestra) -> None:
    done = orchestra("graphql", "{ hello }")

    assert done.json == HELLO
    assert done.out.count("\n") == 1


def test_a_terminal_gets_it_indented(orchestra: Orchestra) -> None:
    assert '"hello": "Hello from orchestra"\n' in orchestra.at_terminal("graphql", "{ hello }").out
    assert orchestra.at_terminal("graphql", "{ hello }", "--compact").out == json.dumps(HELLO) + "\n"


def test_a_query_comes_from_a_file_or_from_stdin(orchestra: Orchestra) -> None:
    (orchestra.directory / "hello.graphql").write_text("{ hello }")

    for words, stdin in (
        (["@hello.graphql"], None),
        (["--file", "hello.graphql"], None),
        (["-"], "{ hello }"),
        ([], "{ hello }"),
        (["--file", "-"], "{ hello }"),
    ):
        assert orchestra("graphql", *words, stdin=stdin).json == HELLO


def test_a_variable_is_text_unless_it_is_json(orchestra: Orchestra, project: str) -> None:
    found = {"data": {"project": [{"name": project}]}}
    limited = "query some($limit: Int!) { project(limit: $limit) { id } }"

    assert orchestra("graphql", BY_NAME, "--var", f"name={project}").json == found
    assert len(orchestra("graphql", limited, "--var", "limit=1").json["data"]["project"]) == 1


def test_variables_come_from_a_file_and_the_option_wins(orchestra: Orchestra, project: str) -> None:
    (orchestra.directory / "variables.json").write_text('{"name": "another"}')
    words = ("graphql", BY_NAME, "--vars-file", "variables.json")

    assert orchestra(*words).json == {"data": {"project": []}}
    assert orchestra(*words, "--var", f"name={project}").json["data"]["project"]


def test_one_of_several_operations_is_executed(orchestra: Orchestra) -> None:
    done = orchestra("graphql", "query one { hello } query two { api { backend } }", "--operation", "two")

    assert done.json == {"data": {"api": {"backend": "SERVER"}}}


def test_a_mutation_is_one_too(orchestra: Orchestra, client: Client, unique: Callable[[str], str]) -> None:
    name = unique("made")

    orchestra(
        "graphql",
        "mutation m($input: create_project_input!) { create_project(input: $input) { id } }",
        "--var",
        f'input={{"name": "{name}"}}',
    )

    assert client.projects(name=name)


def test_errors_do_not_hide_the_data(orchestra: Orchestra, project: str) -> None:
    query = """mutation both {
        good: set_key_value(input: { key: "graphql-test", value: 1 }) { id }
        bad: create_project(input: { name: "%s" }) { id }
    }"""

    done = orchestra("graphql", query % project, status=1)

    assert done.json["data"]["good"]["id"]
    assert done.json["errors"][0]["path"] == ["bad"]
    assert done.err == f"Error: bad: {done.json['errors'][0]['message']}\n"


def test_a_refused_token_is_status_4(orchestra: Orchestra) -> None:
    done = orchestra("graphql", "{ hello }", environ={"ORCHESTRA_API_TOKEN": "orc_" + "u" * 43}, status=4)

    assert "orchestra auth login" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["{ hello }", "--var", "limit"],
        ["{ hello }", "--file", "hello.graphql"],
        ["@nowhere.graphql"],
        ["{ hello }", "--vars-file", "list.json"],
    ],
)
def test_wrong_usage_sends_nothing(orchestra: Orchestra, words: list[str]) -> None:
    (orchestra.directory / "hello.graphql").write_text("{ hello }")
    (orchestra.directory / "list.json").write_text("[]")

    done = orchestra("graphql", *words, status=2)

    assert done.out == ""


def test_at_a_terminal_nobody_waits_for_a_query(orchestra: Orchestra) -> None:
    assert "Give a QUERY" in orchestra.at_terminal("graphql", status=2).out


def test_the_schema_is_that_of_the_server(orchestra: Orchestra) -> None:
    schema = build_schema(orchestra("graphql", "--schema").out)

    assert schema.mutation_type is not None
    assert "set_flow_run_states" in schema.mutation_type.fields
