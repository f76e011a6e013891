"""Whatever a state carries comes back equal, for every class."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import StateSerializationError
from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states import NoResult, Result, State
from orchestra_client.states.hierarchy import STATE_TYPES

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
objects = st.dictionaries(st.text(max_size=8), values, max_size=4)
counts = st.integers(0, 2**40)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.timezones() | st.just(UTC))

results = (
    st.just(NoResult)
    | st.builds(lambda location: Result(None, location), st.none() | st.text())
    | st.builds(
        lambda location, path: Result(None, location, type="LocalResult", fields={"dir": path}),
        st.text(),
        st.text(),
    )
    | st.builds(Result.json, values)
    | st.builds(Result.safe, values)
)

OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Scheduled": {"start_time": moments},
    "Paused": {"start_time": st.none() | moments},
    "Resume": {"start_time": moments},
    "Retrying": {"start_time": moments, "run_count": counts},
    "Queued": {"start_time": moments},
    "Looped": {"loop_count": counts},
    "Mapped": {"n_map_states": counts},
    "Cached": {
        "cached_parameters": st.none() | objects,
        "cached_result_expiration": st.none() | moments,
        "hashed_inputs": st.none() | st.dictionaries(st.text(), st.text(), max_size=3),
    },
}
CLASSES = sorted((cls for cls in State.children() if cls.__module__.startswith("orchestra_client")), key=repr)
META = [cls for cls in CLASSES if cls().is_meta_state()]


def states_of(cls: type[State], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[State]:
    return st.builds(
        cls,
        message=st.none() | st.text(),
        # A mapped state's result does not travel.
        result=st.just(NoResult) if cls.__name__ == "Mapped" else results,
        context=objects,
        cached_inputs=st.dictionaries(st.text(max_size=8), results, max_size=2),
        **OWN.get(cls.__name__, {}),
        **more,
    )


plain = st.sampled_from([cls for cls in CLASSES if cls not in META]).flatmap(states_of)
meta = st.sampled_from(META).flatmap(lambda cls: states_of(cls, state=st.none() | plain))

unknown = st.builds(
    lambda name, fields: {**fields, "type": name},
    st.text(min_size=1).filter(lambda name: name not in {*STATE_TYPES, "CachedState", "Aborted"}),
    st.dictionaries(
        st.sampled_from(["message", "context", "_result", "cached_inputs", "state", "x"]), values
    ),
)


@given(plain | meta)
def test_a_state_comes_back_equal(state: State) -> None:
    again = State.deserialize(json.loads(json.dumps(state.serialize())))
    assert again == state
    assert hash(again) == hash(state)
    assert (again.message, again.context) == (state.message, state.context)
    assert again.serialize() == state.serialize()


@given(plain | meta)
def test_a_state_pickles(state: State) -> None:
    again = pickle.loads(pickle.dumps(state))
    assert again == state
    assert (again.message, again.context) == (state.message, state.context)


@given(unknown)
def test_a_state_of_an_unknown_type_is_written_back_as_it_was(document: dict[str, Any]) -> None:
    assert State.deserialize(document).serialize() == document


@given(plain | meta, st.dictionaries(st.from_regex(r"[a-z]{9,12}", fullmatch=True), values, max_size=3))
def test_unknown_fields_are_written_back_as_they_were(state: State, fields: dict[str, Any]) -> None:
    document = {**state.serialize(), **{f"new_{name}": value for name, value in fields.items()}}
    assert State.deserialize(document).serialize() == document
    assert document["__version__"] == WIRE_VERSION


field_names = ["message", "context", "cached_inputs", "_result", "result", "state", "start_time", "run_count"]
field_names += [
    "loop_count",
    "n_map_states",
    "cached_parameters",
    "cached_result_expiration",
    "hashed_inputs",
]
odd = values | st.fixed_dictionaries(
    {"type": st.sampled_from(["Running", "Result", "SafeResult", "PrefectResult", "NoResultType", "Odd"])},
    optional={"location": values, "value": values, "state": values},
)


@given(st.sampled_from(sorted(STATE_TYPES)), st.dictionaries(st.sampled_from(field_names), odd))
def test_any_json_is_read_or_refused_with_a_path(type_name: str, fields: dict[str, Any]) -> None:
    path = None
    try:
        state = State.deserialize({"type": type_name, **fields})
    except StateSerializationError as error:
        path = error.path
    if path is None:
        assert State.deserialize(json.loads(json.dumps(state.serialize()))) == state
    else:
        assert path.split(".")[0] in field_names
