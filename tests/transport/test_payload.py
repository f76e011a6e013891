"""JSON on the wire."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput
from orchestra_client.transport import Request
from orchestra_client.transport.payload import WrittenVariables, decode, encode, excerpt, plain_variables

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.text(), st.dictionaries(st.text(), json_values, max_size=4))
def test_a_request_arrives_as_it_was_written(text, variables):
    body = decode(encode(Request(text, variables, "Op")))
    assert body == {"query": text, "operationName": "Op"} | ({"variables": variables} if variables else {})


def test_a_body_is_compact_and_ascii():
    assert encode(Request("{a}", {"é": [1, 2]})) == b'{"query":"{a}","variables":{"\\u00e9":[1,2]}}'


def test_lone_surrogates_survive():
    assert decode(encode(Request("{a}", {"x": "\ud800"})))["variables"] == {"x": "\ud800"}


def test_uuids_and_times_are_written_as_text():
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    variables = {"id": uuid.UUID(int=1), "at": moment}
    assert plain_variables(variables) == {"id": str(uuid.UUID(int=1)), "at": "2026-01-02T00:00:00+00:00"}


def nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "object"),
        ({1, 2}, "set"),
        (b"x", "bytes"),
        (float("nan"), "NaN and infinity"),
        (dt.datetime(2026, 1, 1), "no time zone"),
        ({(1, 2): 3}, "keys"),
        (nested(100_000), "too deeply"),
    ],
)
def test_what_is_not_json_is_refused_with_its_reason(value, reason):
    with pytest.raises(BadInput, match=reason):
        encode(Request("{a}", {"x": value}))


@pytest.mark.parametrize("content", [b"", b"{", b"<html>", b"\xff\xfe\xfd", b"[" * 200_000])
def test_a_body_that_is_no_json_is_none(content):
    assert decode(content) is None


def test_an_excerpt_is_one_short_line():
    assert excerpt(b"<html>\n  <b>no\xff</b>") == "<html> <b>no�</b>"
    assert len(excerpt(b"x" * 10_000)) == 200


def test_requests_show_neither_variables_nor_headers():
    request = Request("mutation { secret }", {"x": "secret"}, "Op", {"Authorization": "secret"})
    assert "secret" not in repr(request)


def test_variables_that_are_written_already_are_sent_as_they_are() -> None:
    variables = WrittenVariables(b'{"input":{"logs":[{"message":"a"}\n]}}')
    body = encode(Request("mutation { x }", variables, operation_name="X"))
    assert json.loads(body) == {
        "query": "mutation { x }",
        "operationName": "X",
        "variables": {"input": {"logs": [{"message": "a"}]}},
    }
    assert plain_variables(variables) == dict(variables) == json.loads(body)["variables"]
    assert len(variables) == 1
