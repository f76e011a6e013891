from __future__ import annotations

import copy
import datetime
import enum
import json
import pickle
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import StateSerializationError
from orchestra_client.states import Running
from orchestra_client.states.frozen import MAX_DEPTH, FrozenDict, FrozenList, freeze, thaw

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Level(enum.IntEnum):
    HIGH = 3


class Color(enum.StrEnum):
    RED = "red"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(JSON)
def test_json_is_kept_and_given_back(value: Any) -> None:
    frozen = freeze(value, "context")
    assert frozen == value
    assert thaw(frozen) == value
    assert json.dumps(frozen) == json.dumps(value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"rows": [1, 2, object()]}, "context.rows[2]"),
        ({"a": {"b": {1, 2}}}, "context.a.b"),
        ({"a b": [b"raw"]}, "context['a b'][0]"),
        ({"at": datetime.datetime(2020, 1, 1)}, "context.at"),
        ({"x": float("nan")}, "context.x"),
        ({"x": [float("-inf")]}, "context.x[0]"),
        ({"x": {1: 2}}, "context.x"),
        ({1: 2}, "context"),
        ({"x": "\ud800"}, "context.x"),
        ({"x": ["fine", "\udcff"]}, "context.x[1]"),
        ({"\ud800": 1}, "context['\\ud800']"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(StateSerializationError) as caught:
        Running(context=value)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")


def test_the_error_is_a_type_error_as_json_raises_one() -> None:
    with pytest.raises(TypeError):
        Running(context={"x": object()})


def test_a_context_that_is_no_object_is_refused() -> None:
    with pytest.raises(StateSerializationError, match=r"^context: a value of type list is not an object"):
        Running(context=[1])  # type: ignore[arg-type]


def test_a_container_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = [loop]
    with pytest.raises(StateSerializationError, match="contains itself") as caught:
        Running(context=loop)
    assert len(caught.value.path) < 200


def test_depth_is_bounded() -> None:
    assert freeze(nested(MAX_DEPTH), "x") == nested(MAX_DEPTH)
    with pytest.raises(StateSerializationError, match=f"more than {MAX_DEPTH} levels"):
        freeze(nested(MAX_DEPTH + 1), "x")


def test_what_json_would_write_as_plain_values_is_kept_as_plain_values() -> None:
    value = {
        "level": Level.HIGH,
        "color": Color.RED,
        "pair": (1, 2),
        "proxy": types.MappingProxyType({"a": 1}),
    }
    frozen = freeze(value, "context")
    assert frozen == {"level": 3, "color": "red", "pair": [1, 2], "proxy": {"a": 1}}
    assert type(frozen["level"]) is int
    assert type(frozen["color"]) is str


@pytest.mark.parametrize(
    "write",
    [
        lambda context: context.__setitem__("tags", []),
        lambda context: context.__delitem__("tags"),
        lambda context: context.update(tags=[]),
        lambda context: context.pop("tags"),
        lambda context: context.clear(),
        lambda context: context.setdefault("x", 1),
        lambda context: context.__ior__({"x": 1}),
        lambda context: context["tags"].append("b"),
        lambda context: context["tags"].extend("b"),
        lambda context: context["tags"].sort(),
        lambda context: context["tags"].__setitem__(0, "b"),
        lambda context: context["tags"].__iadd__(["b"]),
        lambda context: context["tags"].__delitem__(0),
    ],
)
def test_every_write_is_refused(write: Any) -> None:
    context = Running(context={"tags": ["a"]}).context
    with pytest.raises(TypeError, match="cannot be changed"):
        write(context)
    assert context == {"tags": ["a"]}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_frozen_too(again: Any) -> None:
    value = again(freeze({"a": [1, {"b": 2}]}, "x"))
    assert value == {"a": [1, {"b": 2}]}
    assert type(value) is FrozenDict
    assert type(value["a"]) is FrozenList
    assert type(value["a"][1]) is FrozenDict
