from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from orchestra_client.errors import StateSerializationError
from orchestra_client.states import NoResult, Result, Success


def test_none_means_that_there_is_no_result() -> None:
    assert Success(result=None).result_object is NoResult
    assert Success(result=Result(None)).result_object != NoResult


def test_any_value_can_be_a_result() -> None:
    value = object()
    assert Success(result=value).result is value


def test_a_value_stays_in_the_process() -> None:
    document = Success(result=Result("secret", "a/b.txt")).serialize()
    assert "secret" not in str(document)
    assert document["_result"]["location"] == "a/b.txt"


@pytest.mark.parametrize("make", [Result.json, Result.safe])
def test_a_value_that_was_meant_to_travel_arrives(make: Any) -> None:
    state = Success(result=make({"x": [1, None]}))
    assert Success.deserialize(state.serialize()) == state
    assert Success.deserialize(state.serialize()).result == {"x": [1, None]}


@pytest.mark.parametrize("make", [Result.json, Result.safe])
def test_a_value_that_cannot_travel_is_refused_at_once(make: Any) -> None:
    with pytest.raises(StateSerializationError, match=r"^_result.*\[0\]"):
        make([object()])


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))]
)
@pytest.mark.parametrize("result", [NoResult, Result([1], "x", type="LocalResult", fields={"dir": "/d"})])
def test_results_copy_and_pickle(result: Result, again: Any) -> None:
    assert again(result) == result
    assert hash(again(result)) == hash(result)


def test_results_cannot_be_changed() -> None:
    result = Result(1, fields={"dir": "/d"})
    with pytest.raises(AttributeError):
        result.location = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        result.fields["dir"] = "x"  # type: ignore[index]


def test_type_location_fields_and_value_make_a_result() -> None:
    result = Result(1, "a", type="S3Result", fields={"bucket": "b"})
    assert result == Result(1, "a", type="S3Result", fields={"bucket": "b"})
    assert result not in (
        Result(2, "a", type="S3Result", fields={"bucket": "b"}),
        Result(1, "b", type="S3Result", fields={"bucket": "b"}),
        Result(1, "a", type="GCSResult", fields={"bucket": "b"}),
        Result(1, "a", type="S3Result", fields={"bucket": "c"}),
        "a",
    )


def test_repr_shows_where_it_is_or_what() -> None:
    assert repr(Result(1, "a/b", type="LocalResult")) == "<LocalResult at 'a/b'>"
    assert repr(Result(1)) == "<Result: 1>"


@pytest.mark.parametrize("name", [1, "\ud800"])
def test_names_of_inputs_are_strings(name: Any) -> None:
    with pytest.raises(StateSerializationError, match="cached_inputs"):
        Success(cached_inputs={name: 2})


@pytest.mark.parametrize("location", [5, b"a.txt", "\ud800.txt"])
def test_a_location_is_a_string(location: Any) -> None:
    with pytest.raises(StateSerializationError) as caught:
        Result(1, location)
    assert caught.value.path == "_result.location"
