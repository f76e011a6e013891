"""Whether the result of an earlier run may be used again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra_client.flows import Task
from orchestra_client.flows.cache_validators import (
    all_inputs,
    all_parameters,
    duration_only,
    hash_inputs,
    never_use,
    partial_inputs_only,
    partial_parameters_only,
)
from orchestra_client.states import Cached, use_clock

NOW = datetime(2024, 1, 1, tzinfo=UTC)
INPUTS = {"x": 1, "y": [2]}
PARAMETERS = {"p": 1, "q": None}


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize(
    ("validator", "inputs", "parameters", "is_valid"),
    [
        (never_use, INPUTS, PARAMETERS, False),
        (duration_only, {}, {}, True),
        (all_inputs, INPUTS, {}, True),
        (all_inputs, {**INPUTS, "y": [3]}, {}, False),
        (all_inputs, {"x": 1}, {}, False),
        (all_parameters, {}, PARAMETERS, True),
        (all_parameters, INPUTS, {"p": 1}, False),
        (partial_inputs_only(["x"]), {"x": 1, "y": 5}, {}, True),
        (partial_inputs_only(["x"]), {"x": 2}, {}, False),
        (partial_inputs_only(), {"x": 2}, {}, True),
        (partial_parameters_only(["p"]), {}, {"p": 1, "q": 5}, True),
        (partial_parameters_only(["p"]), {}, {"p": 2}, False),
        (partial_parameters_only(), {}, {"p": 2}, True),
    ],
)
def test_validators(
    validator: Any, inputs: dict[str, Any], parameters: dict[str, Any], is_valid: bool, hashed: bool
) -> None:
    kept = {"hashed_inputs": hash_inputs(INPUTS)} if hashed else {"cached_inputs": INPUTS}
    state = Cached(cached_parameters=PARAMETERS, cached_result_expiration=NOW + timedelta(1), **kept)
    with use_clock(lambda: NOW):
        assert validator(state, inputs, parameters) is is_valid
    with use_clock(lambda: NOW + timedelta(2)):
        assert validator(state, inputs, parameters) is False


def test_without_expiration_a_result_holds_for_ever() -> None:
    assert duration_only(Cached(), {}, {})


def test_inputs_are_hashed_by_their_content() -> None:
    hashes = hash_inputs(
        {"a": {"x": 1, "y": 2}, "b": {"y": 2, "x": 1}, "c": 1, "d": "1", "e": True, "f": {1: 2}}
    )
    assert hashes["a"] == hashes["b"]
    assert len(set(hashes.values())) == 5


def test_an_input_that_cannot_be_hashed_is_never_the_same() -> None:
    inputs = {"x": lambda: None}
    state = Cached(hashed_inputs=hash_inputs(inputs))
    assert not all_inputs(state, inputs, {})


def test_a_task_with_cache_for_goes_by_the_duration() -> None:
    assert Task(cache_for=60).cache_validator is duration_only
    assert Task().cache_validator is never_use


def test_names_to_validate_on_are_a_list() -> None:
    with pytest.raises(TypeError, match="list of names"):
        partial_inputs_only("xy")
