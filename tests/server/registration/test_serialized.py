"""Reading serialized flows: the pure part of registering."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server.registration import serialized


def packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def test_a_compressed_flow_is_unpacked():
    flow = {"name": "f", "size": 10**30}
    assert serialized.decompress(packed(json.dumps(flow).encode())) == flow


@pytest.mark.parametrize(
    "text",
    ["", "not base64!", base64.b64encode(b"not gzip").decode(), packed(b"not json"), packed(b'{"a": NaN}')],
)
def test_rubbish_in_place_of_a_compressed_flow_is_refused(text):
    with pytest.raises(BadInput, match="serialized_flow"):
        serialized.decompress(text)


def test_a_small_request_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(serialized, "MAX_FLOW_BYTES", 1000)
    with pytest.raises(PayloadTooLarge):
        serialized.decompress(packed(b" " * 100_000))


def test_many_small_values_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(serialized, "MAX_VALUES", 1000)
    assert serialized.decompress(packed(b'{"x": [' + b"[], " * 499 + b"1]}"))
    for value in (b"[]", b"{}", b"1", b'{"a": 1}'):
        with pytest.raises(PayloadTooLarge, match="holds more than 1000 values"):
            serialized.decompress(packed(b"[" + (value + b", ") * 1000 + b"1]"))


def test_nesting_without_end_is_refused():
    with pytest.raises(BadInput):
        serialized.decompress(packed(b"[" * 100_000))


@pytest.mark.parametrize(
    ("flow", "what"),
    [
        ("text", "must be an object"),
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 3}, "name"),
        ({"name": "f" * 256}, "serialized_flow.name must have at most 255 characters; it has 256"),
        ({"name": "f", "tasks": {}}, "tasks must be a list"),
        ({"name": "f", "parameters": ["x"]}, r"parameters\[0\] must be an object"),
        ({"name": "f", "parameters": [{}]}, r"parameters\[0\]\.name"),
    ],
)
def test_what_has_not_the_shape_of_a_flow_is_refused(flow, what):
    with pytest.raises(BadInput, match=what):
        serialized.check_flow(flow)


@pytest.mark.parametrize(
    ("tasks", "what"),
    [
        ([3], r"serialized_tasks\[0\] must be an object"),
        ([{"name": "a"}], r"\[0\]\.slug"),
        ([{"name": "a", "slug": "s"}, {"name": "b", "slug": "s"}], "'s'"),
        ([{"name": "a", "slug": "s", "max_retries": "two"}], "max_retries"),
        ([{"name": "a", "slug": "s", "max_retries": -1}], "max_retries"),
        ([{"name": "a", "slug": "s", "tags": "db"}], "tags"),
    ],
)
def test_a_bad_task_is_named(tasks, what):
    with pytest.raises(BadInput, match=what):
        serialized.task_rows("f", tasks)


def test_tags_are_kept_once_and_in_order():
    [row] = serialized.task_rows("f", [{"name": "a", "slug": "a-1", "tags": ["b", "a", "b"]}])
    assert row["tags"] == ["a", "b"]


def test_an_edge_to_a_task_that_is_not_there_is_refused():
    edge = {"upstream_task": {"slug": "a"}, "downstream_task": {"slug": "ghost"}}
    with pytest.raises(BadInput, match="ghost"):
        serialized.edge_rows("f", [edge], {"a": "1"})


def test_tasks_learn_their_place_from_the_edges():
    edges = [
        {"upstream_task_id": "1", "downstream_task_id": "2", "mapped": True},
        {"upstream_task_id": "2", "downstream_task_id": "3", "mapped": False},
    ]
    places = {p.pop("id"): p for p in serialized.topology([{"id": i} for i in "123"], edges, set())}
    assert [i for i, p in places.items() if p["is_root_task"]] == ["1"]
    assert [i for i, p in places.items() if p["is_terminal_task"]] == ["3"]
    assert [i for i, p in places.items() if p["is_reference_task"]] == ["3"]
    assert [i for i, p in places.items() if p["mapped"]] == ["2"]


def test_explicit_reference_tasks_take_the_place_of_terminal_ones():
    places = serialized.topology([{"id": "1"}, {"id": "2"}], [], {"1"})
    assert [p["id"] for p in places if p["is_reference_task"]] == ["1"]


def test_a_schedule_needs_a_value_for_every_required_parameter_on_every_clock():
    parameters = [{"name": "day", "required": True}, {"name": "n", "required": False}]
    clocks = [{"parameter_defaults": {"day": 1}}, {"parameter_defaults": None}]
    assert serialized.unscheduled_parameters(parameters, {"clocks": clocks}, {}) == {"day"}
    assert serialized.unscheduled_parameters(parameters, {"clocks": clocks}, {"day": 0}) == set()
    assert serialized.unscheduled_parameters(parameters, None, {}) == set()


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ({"name": "n" * 256}, r"serialized_tasks\[0\]\.name must have at most 255"),
        ({"slug": "s" * 256}, r"serialized_tasks\[0\]\.slug must have at most 255"),
        ({"tags": ["ok", "t" * 256]}, r"A tag in serialized_tasks\[0\]\.tags must have at most 255"),
    ],
)
def test_texts_that_no_index_holds_are_refused(part, what):
    with pytest.raises(BadInput, match=what):
        serialized.task_rows("id", [{"name": "a", "slug": "a-1", **part}])


def test_the_longest_texts_are_taken():
    [row] = serialized.task_rows("id", [{"name": "名" * 255, "slug": "名" * 255, "tags": ["名" * 255]}])
    assert len(row["slug"]) == 255
