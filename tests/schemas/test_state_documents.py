from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from orchestra_client import states
from orchestra_client.errors import StateSerializationError
from orchestra_client.schemas.states import MAX_NESTED_STATES, SCHEMAS
from orchestra_client.states import NoResult, Queued, Result, Running, Scheduled, State, Submitted, Success
from orchestra_client.states.hierarchy import STATE_TYPES

UNKNOWN = {
    "type": "Crashed",
    "message": "out of memory",
    "context": {"tags": ["a"]},
    "cached_inputs": {"x": {"type": "FancyResult", "key": None}},
    "_result": {"type": "FancyResult", "location": "a/b", "shards": [1, 2]},
    "signal": 9,
    "state": {"type": "Running", "odd": {"x": None}},
    "__version__": "7.1.0",
}


def test_there_is_one_schema_for_each_class_built_once() -> None:
    assert set(SCHEMAS) == STATE_TYPES
    assert {name: schema.state_class.__name__ for name, schema in SCHEMAS.items()} == {
        name: name for name in SCHEMAS
    }


def test_a_running_state_is_written_in_the_shape_of_the_wire() -> None:
    assert Running("going", context={"tags": ["a"]}).serialize() == {
        "type": "Running",
        "message": "going",
        "context": {"tags": ["a"]},
        "cached_inputs": {},
        "_result": {"type": "NoResultType", "__version__": "1.4.1"},
        "__version__": "1.4.1",
    }


@pytest.mark.parametrize("type_name", sorted(STATE_TYPES))
def test_null_and_nothing_mean_the_same(type_name: str) -> None:
    written = getattr(states, type_name)().serialize()
    bare = State.deserialize({"type": type_name})
    empty = State.deserialize({**dict.fromkeys(written), "type": type_name})
    assert bare == empty
    assert bare.message is None
    assert bare.context == bare.cached_inputs == {}
    assert bare.result_object == NoResult
    assert bare.serialize().keys() == written.keys()


def test_a_bare_state_cannot_be_written() -> None:
    with pytest.raises(StateSerializationError, match="use one of its subclasses"):
        State("hm").serialize()


class TestUnknown:
    def test_a_type_is_remembered_and_written_back(self) -> None:
        given = copy.deepcopy(UNKNOWN)
        state = State.deserialize(given)
        assert type(state) is State
        assert state.type_name == "Crashed"
        assert repr(state) == '<Crashed: "out of memory">'
        assert state.context == {"tags": ["a"]}
        assert state.result_object.type == "FancyResult"
        assert state.result_object.location == "a/b"
        assert state.cached_inputs["x"].type == "FancyResult"
        assert state.extra_fields["signal"] == 9
        assert state.serialize() == given == UNKNOWN

    def test_a_type_inside_a_meta_state_is_written_back(self) -> None:
        state = Submitted(state=State.deserialize(UNKNOWN))
        again = State.deserialize(json.loads(json.dumps(state.serialize())))
        assert again == state
        assert again.serialize()["state"] == UNKNOWN

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"message": 5},
            {"context": [1]},
            {"context": None},
            {"cached_inputs": "x"},
            {"_result": None},
            {"_result": [1]},
            {"result": 5},
        ],
    )
    def test_a_type_may_give_known_names_other_meanings(self, fields: dict[str, Any]) -> None:
        document = {"type": "Crashed", **fields}
        assert State.deserialize(document).serialize() == document

    @pytest.mark.parametrize(
        "result",
        [
            {"type": "FancyResult"},
            {"type": "FancyResult", "location": None, "__version__": "9"},
            {"type": "FancyResult", "location": {"bucket": "b"}},
            {"type": "FancyResult", "value": [1], "location": "x"},
        ],
    )
    def test_a_result_type_is_written_back(self, result: dict[str, Any]) -> None:
        state = State.deserialize({"type": "Success", "_result": result, "cached_inputs": {"x": result}})
        document = state.serialize()
        assert document["_result"] == result
        assert document["cached_inputs"] == {"x": result}

    @pytest.mark.parametrize(
        "name", ["speed", "type_name", "extra_fields", "result_object", "color", "serialize"]
    )
    def test_fields_of_known_types_are_written_back(self, name: str) -> None:
        extra = {name: {"x": [None, 1]}, "result": 7}
        document = {**Scheduled(start_time="2020-01-01").serialize(), **extra}
        assert State.deserialize(document).serialize() == document

    def test_fields_of_known_results_are_written_back(self) -> None:
        result = {
            "type": "LocalResult",
            "location": "x",
            "dir": "/d",
            "compressed": True,
            "__version__": "1.4.1",
        }
        state = State.deserialize({"type": "Success", "_result": result})
        assert state.result_object == Result(
            None, "x", type="LocalResult", fields={"dir": "/d", "compressed": True}
        )
        assert state.serialize()["_result"] == result

    def test_a_mapped_state_with_a_result_keeps_it(self) -> None:
        document = State.deserialize({"type": "Mapped", "_result": {"type": "NoResultType"}}).serialize()
        assert document["_result"] == {"type": "NoResultType"}


class TestRefused:
    @pytest.mark.parametrize(
        ("document", "path"),
        [
            ([], "type"),
            (None, "type"),
            ({}, "type"),
            ({"type": 5}, "type"),
            ({"type": "Running", "message": 5}, "message"),
            ({"type": "Running", "context": "x"}, "context"),
            ({"type": "Running", "context": {"x": float("nan")}}, "context.x"),
            ({"type": "Running", "cached_inputs": [1]}, "cached_inputs"),
            ({"type": "Running", "odd": {"x": ["\ud800"]}}, "odd.x[0]"),
            ({"type": "Scheduled", "start_time": "soon"}, "start_time"),
            ({"type": "Retrying", "run_count": "many"}, "run_count"),
            ({"type": "Cached", "hashed_inputs": {"x": 5}}, "hashed_inputs.x"),
            ({"type": "Cached", "cached_parameters": "{"}, "cached_parameters"),
            ({"type": "Success", "_result": {"type": "Result", "location": 5}}, "_result.location"),
            (
                {"type": "Success", "cached_inputs": {"x": {"type": "Result", "location": 5}}},
                "cached_inputs.x.location",
            ),
            ({"type": "Submitted", "state": 5}, "state.type"),
            ({"type": "Submitted", "state": {"type": "Queued", "start_time": 1}}, "state.start_time"),
            ({"type": "Crashed", "odd": object()}, "odd"),
        ],
    )
    def test_what_is_no_state_is_refused_with_its_path(self, document: Any, path: str) -> None:
        with pytest.raises(StateSerializationError) as caught:
            State.deserialize(document)
        assert caught.value.path == path
        assert str(caught.value).startswith(path)

    def test_states_inside_states_are_bounded(self) -> None:
        document: dict[str, Any] = {"type": "Running"}
        for _ in range(MAX_NESTED_STATES - 1):
            document = {"type": "Submitted", "state": document}
        assert State.deserialize(document).serialize()["state"]["type"] == "Submitted"
        for _ in range(5000):
            document = {"type": "Submitted", "state": document}
        with pytest.raises(StateSerializationError, match="inside one another"):
            State.deserialize(document)

    def test_a_document_that_contains_itself_is_refused(self) -> None:
        document: dict[str, Any] = {"type": "Submitted"}
        document["state"] = document
        with pytest.raises(StateSerializationError):
            State.deserialize(document)


def test_a_message_that_is_no_text_does_not_stop_a_state() -> None:
    state = State.deserialize({"type": "Failed", "message": "no file \udcff.txt"})
    assert state.message == "no file \\udcff.txt"


def test_nested_meta_states_of_0_12_keep_their_shape() -> None:
    inner = Queued(state=Scheduled(start_time="2020-01-01"), start_time="2020-01-01").serialize()
    document = {**Submitted().serialize(), "state": inner}
    assert State.deserialize(document).serialize() == document


@pytest.mark.parametrize("location", ["not json", "[" * 5000, '{"x": 1}', None])
def test_a_prefect_result_has_the_value_its_location_spells(location: str | None) -> None:
    state = State.deserialize({"type": "Success", "_result": {"type": "PrefectResult", "location": location}})
    assert state.result == ({"x": 1} if location == '{"x": 1}' else None)
    assert state.serialize()["_result"]["location"] == location


def test_a_result_read_back_is_the_callers_to_change() -> None:
    result = State.deserialize(Success(result=Result.safe({"x": [1]})).serialize()).result
    result["x"].append(2)
    assert result == {"x": [1, 2]}
