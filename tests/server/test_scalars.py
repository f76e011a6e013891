"""Scalars: what they accept, and the form that resolvers see."""

from __future__ import annotations

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.server.scalars import read_time, read_uuid

CANONICAL = "f2504e04-4f89-41d3-9a0c-0305e82c3301"


@pytest.mark.parametrize("given", [CANONICAL, CANONICAL.upper(), CANONICAL.replace("-", "")])
def test_a_uuid_is_read_in_any_case_and_written_in_canonical_form(given: str) -> None:
    assert read_uuid(given) == CANONICAL


@given(st.uuids())
def test_every_uuid_is_kept(value: object) -> None:
    assert read_uuid(str(value)) == str(value)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "rubbish",
        CANONICAL[:-1],
        CANONICAL + "0",
        f" {CANONICAL}",
        CANONICAL.replace("f", "g"),
        "1_" * 16,
        7,
        None,
        [],
    ],
)
def test_what_is_no_uuid_is_refused_with_a_code(given: object) -> None:
    with pytest.raises(GraphQLError, match="is not a UUID") as caught:
        read_uuid(given)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2020-02-29T12:30:15.123456+00:00", "2020-02-29T12:30:15.123456+00:00"),
        ("2020-02-29T12:30:15Z", "2020-02-29T12:30:15.000000+00:00"),
        ("2020-02-29T12:30:15", "2020-02-29T12:30:15.000000+00:00"),
        ("2020-02-29 14:30:15+02:00", "2020-02-29T12:30:15.000000+00:00"),
        ("2020-02-29", "2020-02-29T00:00:00.000000+00:00"),
    ],
)
def test_a_time_is_read_with_or_without_an_offset(given: str, read: str) -> None:
    assert read_time(given) == read


@pytest.mark.parametrize(
    "given", ["", "soon", "2020-02-30", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", 1.5, None]
)
def test_what_is_no_time_is_refused_with_a_code(given: object) -> None:
    with pytest.raises(GraphQLError, match="is not an instant") as caught:
        read_time(given)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT"}


def test_an_error_quotes_only_the_start_of_a_long_value() -> None:
    with pytest.raises(GraphQLError) as caught:
        read_uuid("x" * 10_000)
    assert len(caught.value.message) < 200
