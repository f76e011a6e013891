"""What releases of Prefect wrote, as recorded by tools/record_golden_states.py, means the same to us."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states import Result, State
from orchestra_client.states.hierarchy import canonical_name

GOLDEN = Path(__file__).parent / "golden"
FIELDS = (
    "message",
    "run_count",
    "loop_count",
    "n_map_states",
    "cached_parameters",
    "hashed_inputs",
)


def entries(*releases: str) -> list[Any]:
    files = sorted(GOLDEN.glob("prefect-*.json"))
    recorded = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [
        pytest.param(entry, id=f"{release['prefect']}: {entry['name']}")
        for release in recorded
        if not releases or release["prefect"] in releases
        for entry in release["states"]
    ]


def check(state: State, means: dict[str, Any]) -> None:
    assert state.type_name == canonical_name(means["type"])
    assert type(state).__name__ == state.type_name
    assert state.context == (means.get("context") or {})
    assert sorted(state.cached_inputs) == means.get("cached_inputs", [])
    assert state.result_object.location == means.get("location")
    for name in set(FIELDS) & set(means):
        assert getattr(state, name) == means[name]
    for name in {"start_time", "cached_result_expiration"} & set(means):
        # The peer puts its own time of loading where there was none, and only there.
        kept = getattr(state, name)
        assert kept is None or kept.isoformat() == means[name]
    if means.get("safe_value") is not None:
        assert state.result == means["safe_value"]
    if "state" in means:
        check(state.state, means["state"])  # type: ignore[attr-defined]


def without_versions(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: without_versions(value) for name, value in document.items() if name != "__version__"}
    return document


@pytest.mark.parametrize("entry", entries())
def test_it_loads_and_means_the_same(entry: dict[str, Any]) -> None:
    given = copy.deepcopy(entry["json"])
    state = State.deserialize(given)
    check(state, entry["means"])
    assert given == entry["json"]


@pytest.mark.parametrize("entry", entries())
def test_times_survive(entry: dict[str, Any]) -> None:
    state = State.deserialize(entry["json"])
    for name in {"start_time", "cached_result_expiration"} & set(entry["json"]):
        given, kept = entry["json"][name], getattr(state, name)
        assert (kept and kept.isoformat()) == given


@pytest.mark.parametrize("entry", entries())
def test_it_survives_a_round_trip(entry: dict[str, Any]) -> None:
    state = State.deserialize(entry["json"])
    document = json.loads(json.dumps(state.serialize()))
    assert State.deserialize(document) == state
    assert State.deserialize(document).serialize() == document


@pytest.mark.parametrize("entry", entries("0.9.0", "0.10.0", "0.11.0", "0.12.0", "1.4.1"))
def test_what_has_todays_shape_loses_nothing(entry: dict[str, Any]) -> None:
    given = without_versions(entry["json"])
    document = State.deserialize(entry["json"]).serialize()
    assert document["__version__"] == WIRE_VERSION
    assert {name: without_versions(document[name]) for name in given} == given


@pytest.mark.parametrize("entry", entries("1.4.1"))
def test_what_1_4_1_wrote_is_written_back_to_the_letter(entry: dict[str, Any]) -> None:
    assert State.deserialize(entry["json"]).serialize() == entry["json"]


def test_a_bare_value_of_0_3_becomes_a_result_that_still_travels() -> None:
    state = State.deserialize({"type": "Success", "result": {"rows": [1]}})
    assert state.result_object == Result.safe({"rows": [1]})
    assert State.deserialize(state.serialize()) == state
