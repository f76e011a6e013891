"""Python values become GraphQL literals that mean the same."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import graphql
import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput, OrchestraError
from orchestra_client.graphql import EnumValue, GQLObject, LiteralSetValue, parse_graphql_arguments, with_args

NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,12}", fullmatch=True)
# Lone surrogates are no characters, and refused by a test of their own.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def read_back(written: str) -> Any:
    """The Python value that a GraphQL server reads from a literal."""
    return graphql.value_from_ast_untyped(graphql.parse_value(written))


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_json_value_survives_the_way_through_graphql(arguments: dict[str, Any]) -> None:
    assert read_back("{" + parse_graphql_arguments(arguments) + "}") == arguments


@given(TEXTS)
def test_a_string_never_breaks_out_of_its_quotes(text: str) -> None:
    document = graphql.parse("{ " + with_args("f", {"x": text}) + " }")

    (field,) = document.definitions[0].selection_set.selections  # type: ignore[attr-defined]
    (argument,) = field.arguments
    assert argument.value.value == text


@pytest.mark.parametrize(
    "text",
    [
        'say "hello"',
        "back\\slash and \\n no newline",
        "line one\nline two\r\n\tindented",
        "nul \x00, bell \x07, escape \x1b, delete \x7f, c1 \x85",
        "Grüße, 東京, \u2028, 😀",
        '") { id } } mutation { delete_flow(input: {flow_id: "1"}) { success } }',
        "",
    ],
)
def test_awkward_strings_arrive_as_they_are(text: str) -> None:
    written = parse_graphql_arguments({"x": text})

    assert read_back(f"{{{written}}}") == {"x": text}
    assert written.isprintable() or "\u2028" in written


def test_a_lone_surrogate_is_refused_with_its_path() -> None:
    with pytest.raises(BadInput, match=r"where\.name\[1\].*lone surrogate.*position 2"):
        parse_graphql_arguments({"where": {"name": ["ok", "ab\ud800"]}})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_not_finite_is_refused_with_its_path(value: object) -> None:
    with pytest.raises(BadInput, match=r"input\.rows\[2\].*finite"):
        parse_graphql_arguments({"input": {"rows": [1, 2, value]}})


class Order(StrEnum):
    NEWEST = "desc"


class Level(Enum):
    INFO = 20


class Limit(IntEnum):
    NONE = 0


class Half(float):
    def __repr__(self) -> str:
        return "Half()"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (-(10**20), "-100000000000000000000"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (Half(0.5), "0.5"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1E+3"),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        (datetime(2020, 6, 1, 12, 30, tzinfo=UTC), '"2020-06-01T12:30:00+00:00"'),
        (datetime(2020, 6, 1, tzinfo=timezone(timedelta(hours=2))), '"2020-06-01T00:00:00+02:00"'),
        (pendulum.datetime(2020, 6, 1), '"2020-06-01T00:00:00+00:00"'),
        (date(2020, 6, 1), '"2020-06-01"'),
        (EnumValue("desc"), "desc"),
        (EnumValue("$input"), "$input"),
        (Order.NEWEST, "desc"),
        (Level.INFO, "INFO"),
        (Limit.NONE, "0"),
        (GQLObject("flow"), "flow"),
        ([], "[]"),
        ({}, "{}"),
        ((1, "a"), '[1, "a"]'),
        ({"b": 1}.values(), "[1]"),
        ({"b": 1, "a": 2}.keys(), '["b", "a"]'),
        ({"_and": [{"name": {"_eq": "x"}}, {}]}, '{ _and: [{ name: { _eq: "x" } }, {}] }'),
        (LiteralSetValue(["a", "b"]), '"{a, b}"'),
    ],
)
def test_each_type_has_its_literal(value: object, written: str) -> None:
    assert parse_graphql_arguments({"x": value}) == f"x: {written}"
    graphql.parse_value(written)


def test_an_integer_of_another_library_is_a_number() -> None:
    class Int64:
        def __index__(self) -> int:
            return 42

    assert parse_graphql_arguments({"x": Int64()}) == "x: 42"


def test_sets_are_written_in_one_order() -> None:
    assert parse_graphql_arguments({"ids": {"c", "a", "b"}}) == 'ids: ["a", "b", "c"]'


def test_arguments_already_written_pass_unchanged() -> None:
    assert parse_graphql_arguments('where: {id: {_eq: "3"}}') == 'where: {id: {_eq: "3"}}'
    assert with_args("flow", 'name: "x"') == 'flow(name: "x")'


def test_a_key_may_be_an_enum_value() -> None:
    order = {EnumValue("timestamp"): EnumValue("asc")}

    assert parse_graphql_arguments({"order_by": order}) == "order_by: { timestamp: asc }"


@pytest.mark.parametrize("key", ["my-key", "1st", "", "a b", "a: 1, b", "naïve", 3, None])
def test_a_key_that_is_no_name_is_refused_with_its_path(key: object) -> None:
    with pytest.raises(BadInput, match=r"input\.parameters has the key .* variable"):
        parse_graphql_arguments({"input": {"parameters": {key: 1}}})


def test_a_datetime_without_a_timezone_is_refused() -> None:
    with pytest.raises(BadInput, match=r"before .*timezone"):
        parse_graphql_arguments({"before": datetime(2020, 6, 1)})


@pytest.mark.parametrize("value", [b"bytes", object(), timedelta(1), 1j])
def test_a_type_without_a_literal_is_refused_with_its_path(value: object) -> None:
    with pytest.raises(TypeError, match=rf"where\.x is of type {type(value).__name__}"):
        parse_graphql_arguments({"where": {"x": value}})


def test_arguments_that_hold_themselves_are_refused() -> None:
    where: dict[str, Any] = {}
    where["_not"] = where

    with pytest.raises(BadInput, match="holds itself"):
        parse_graphql_arguments({"where": where})


@pytest.mark.parametrize("text", ["", "a b", "desc}", "1", "$", "$$a", "a\n"])
def test_an_enum_value_takes_names_only(text: str) -> None:
    with pytest.raises(BadInput, match="EnumValue"):
        EnumValue(text)


def test_an_enum_value_is_a_value() -> None:
    assert EnumValue("a") == EnumValue("a")
    assert EnumValue("a") != "a"
    assert len({EnumValue("a"), EnumValue("a"), EnumValue("b")}) == 2
    assert repr(EnumValue("a")) == "EnumValue('a')"
    with pytest.raises(AttributeError, match="immutable"):
        EnumValue("a").value = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match="not int"):
        EnumValue(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("elements", "literal"),
    [
        ([], "{}"),
        (["a", "b c", "d.e"], "{a, b c, d.e}"),
        (["a,b", "{}", ""], '{"a,b", "{}", ""}'),
        (['say "x"', "back\\slash"], '{"say \\"x\\"", "back\\\\slash"}'),
        (["null", " a"], '{"null", " a"}'),
        ([1, UUID(int=0)], "{1, 00000000-0000-0000-0000-000000000000}"),
    ],
)
def test_a_literal_set_is_written_as_postgresql_reads_it(elements: list[object], literal: str) -> None:
    assert LiteralSetValue(elements) == literal


def test_a_literal_set_of_one_string_is_refused() -> None:
    with pytest.raises(TypeError, match="several elements"):
        LiteralSetValue("abc")


def test_refusals_belong_to_the_error_tree_and_are_value_errors() -> None:
    with pytest.raises(OrchestraError):
        parse_graphql_arguments({"x": math.nan})
    with pytest.raises(ValueError, match="finite"):
        parse_graphql_arguments({"x": math.nan})
