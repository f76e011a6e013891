"""JSON in filters means on SQLite what PostgreSQL's operators mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from orchestra_client.server.store import sqlite


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('{labels: {_contains: "b"}}', ["run-1", "run-2"]),
        ('{labels: {_contains: ["b", "a"]}}', ["run-1"]),
        ("{labels: {_contains: []}}", ["run-1", "run-2", "run-3", "run-4", "run-5"]),
        ('{labels: {_contained_in: ["b", "c"]}}', ["run-2", "run-3", "run-4", "run-5"]),
        ('{labels: {_has_key: "a"}}', ["run-1"]),
        ('{labels: {_has_keys_any: ["a", "b"]}}', ["run-1", "run-2"]),
        ('{labels: {_has_keys_all: ["a", "b"]}}', ["run-1"]),
        ("{labels: {_has_keys_any: []}}", []),
        ("{labels: {_eq: []}}", ["run-3", "run-4", "run-5"]),
        ('{labels: {_eq: ["b", "a"]}}', []),
        ('{labels: {_in: [["b"], ["a", "b"]]}}', ["run-1", "run-2"]),
        ("{labels: {_in: []}}", []),
        ("{labels: {_nin: [[]]}}", ["run-1", "run-2"]),
        ("{parameters: {_contains: {x: 1}}}", ["run-1"]),
        ("{parameters: {_contains: {deep: {y: [2]}}}}", ["run-1"]),
        ("{parameters: {_contains: {deep: {y: 2}}}}", []),
        ("{parameters: {_contains: {x: 2.5}}}", ["run-2"]),
        ("{parameters: {_contains: {y: null}}}", ["run-3"]),
        ("{parameters: {_contains: {}}}", ["run-1", "run-2", "run-3", "run-4"]),
        ("{parameters: {_contained_in: {x: 2.5, y: null}}}", ["run-2", "run-3", "run-4"]),
        ('{parameters: {_has_key: "x"}}', ["run-1", "run-2"]),
        ("{parameters: {_eq: {deep: {y: [1, 2]}, x: 1.0}}}", ["run-1"]),
        ("{parameters: {_neq: {}}}", ["run-1", "run-2", "run-3"]),
        ("{parameters: {_nin: [{x: 2.5}, {}]}}", ["run-1", "run-3"]),
    ],
)
def test_json_operators(library, where, names):
    assert library.names("flow_run", where) == names


def test_json_in_a_variable(library):
    query = "query ($json: JSON) { flow_run(where: {parameters: {_contains: $json}}) { name } }"
    assert library.ask(query, json={"deep": {"y": [1]}}) == [{"name": "run-1"}]
    assert library.ask(query, json={"x'; --": "'"}) == []


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.0])
    | st.sampled_from(["", "a", "b", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _operators(whole, part, keys):
    left, right, names = json.dumps(whole), json.dumps(part), json.dumps(keys)
    return (
        sqlite.identity(left) == sqlite.identity(right),
        sqlite.contains(left, right),
        sqlite.has_any(left, names),
        sqlite.has_all(left, names),
    )


def test_every_operator_means_what_postgresql_means(backend, database):
    if backend != "postgresql":
        pytest.skip("compares with PostgreSQL")
    statement = text(
        "SELECT CAST(:l AS jsonb) = CAST(:r AS jsonb), CAST(:l AS jsonb) @> CAST(:r AS jsonb),"
        " CAST(:l AS jsonb) ?| CAST(:keys AS text[]), CAST(:l AS jsonb) ?& CAST(:keys AS text[])"
    )
    with database.connect(write=False) as connection:

        @settings(max_examples=500)
        @given(_JSON, _JSON, st.lists(st.sampled_from(["a", "b", "", "1"]), max_size=3))
        def compare(whole, part, keys):
            given_ = {"l": json.dumps(whole), "r": json.dumps(part), "keys": keys}
            assert tuple(connection.execute(statement, given_).one()) == _operators(whole, part, keys)

        compare()


@given(_JSON, st.lists(_JSON, max_size=2))
def test_json_contains_itself_and_what_it_is_made_of(whole, more):
    assert sqlite.contains(json.dumps([whole, *more]), json.dumps([whole]))
    assert sqlite.contains(json.dumps(whole), json.dumps(whole))
    assert sqlite.identity(json.dumps(whole, indent=1)) == sqlite.identity(json.dumps(whole))


def test_a_boolean_is_no_number():
    assert not sqlite.contains("[true]", "[1]")
    assert not sqlite.contains("0", "false")


def test_json_nested_without_end_matches_nothing_and_fails_nothing(database):
    if not database.is_sqlite:
        pytest.skip("about SQLite")
    deep = "[" * 5000 + "]" * 5000
    with database.connect(write=False) as connection:
        for function in ("json_contains(:deep, :deep)", "json_identity(:deep)"):
            assert connection.scalar(text(f"SELECT {function}"), {"deep": deep}) is None
