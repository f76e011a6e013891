"""Records for the log: what is written of them, and which are refused, whoever writes the JSON."""

from __future__ import annotations

import enum
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput
from orchestra_client.operations import log_entries
from orchestra_client.operations.log_entries import written

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"
NOON = datetime(2026, 1, 1, 12)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.StrEnum):
    INFO = "INFO"


@pytest.fixture(params=["with orjson", "without orjson"])
def encoder(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "without orjson":
            patched.setitem(sys.modules, "orjson", None)
        log_entries._orjson.cache_clear()
        yield
    log_entries._orjson.cache_clear()


def read(*logs: Any) -> Any:
    return json.loads(written(logs))


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"flow_run_id": RUN, "task_run_id": RUN, "name": "etl", "level": "INFO", "message": "läuft ✓ 🚀"},
        {
            "flow_run_id": None,
            "task_run_id": None,
            "name": None,
            "level": None,
            "message": None,
            "info": None,
        },
        {"timestamp": "2026-01-01T12:00:00Z", "info": {"a": [1, 2.5, None, {"b": True, "c": 10**30}]}},
        {"message": "with NUL \0, and a \x1b[31mcolour\n", "info": "no object"},
    ],
)
def test_what_the_api_takes_is_written_as_it_is(entry: dict[str, Any]) -> None:
    assert read(entry, {"message": "another"}, entry) == [entry, {"message": "another"}, entry]


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    ("name", "value", "as_sent"),
    [
        ("flow_run_id", UUID(RUN), RUN),
        ("task_run_id", RUN.upper().replace("-", ""), RUN),
        ("timestamp", NOON, "2026-01-01T12:00:00+00:00"),
        ("timestamp", NOON.replace(tzinfo=UTC, microsecond=7), "2026-01-01T12:00:00.000007+00:00"),
        ("timestamp", NOON.replace(tzinfo=timezone(timedelta(hours=2))), "2026-01-01T10:00:00+00:00"),
        ("timestamp", datetime.min, "0001-01-01T00:00:00+00:00"),
        ("level", Level.INFO, "INFO"),
        ("message", "half \ud800", "half \\ud800"),
        ("info", MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        ("info", {1: 2}, {"1": 2}),
    ],
)
def test_what_can_be_converted_is(name: str, value: Any, as_sent: Any) -> None:
    assert read({"message": "before"}, {name: value}) == [{"message": "before"}, {name: as_sent}]


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        ("text", TypeError, r"logs\[1\] must be a dict, not str"),
        ({"msg": "x", "lvl": 1}, BadInput, r"logs\[1\] has parts that the API does not know: lvl, msg"),
        ({"flow_run_id": "x"}, BadInput, r"logs\[1\]\.flow_run_id must be a UUID"),
        ({"flow_run_id": RUN + "\n"}, BadInput, r"logs\[1\]\.flow_run_id must be a UUID"),
        ({"task_run_id": [RUN]}, TypeError, r"logs\[1\]\.task_run_id must be a UUID"),
        ({"task_run_id": RUN.encode()}, TypeError, r"logs\[1\]\.task_run_id must be a UUID"),
        ({"level": "info"}, BadInput, r"logs\[1\]\.level must be one of DEBUG, INFO.*not 'info'"),
        ({"level": []}, BadInput, r"logs\[1\]\.level must be one of"),
        ({"timestamp": NOON.date()}, BadInput, r"logs\[1\]\.timestamp: a value of type date is not JSON"),
        (
            {"timestamp": datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))},
            BadInput,
            r"logs\[1\]\.timestamp is beyond the dates",
        ),
        ({"name": UUID(RUN)}, BadInput, r"logs\[1\]\.name: a value of type UUID is not JSON"),
        ({"name": "half \ud800"}, BadInput, r"logs\[1\]\.name: half of a surrogate pair"),
        ({"message": Colour.RED}, BadInput, r"logs\[1\]\.message: a value of type Colour is not JSON"),
        ({"message": float("nan")}, BadInput, r"logs\[1\]\.message: nan is not JSON"),
        ({"info": {"a": [1, float("inf")]}}, BadInput, r"logs\[1\]\.info\.a\[1\]: inf is not JSON"),
        ({"info": {"a": float("nan")}}, BadInput, r"logs\[1\]\.info\.a: nan is not JSON"),
        ({"info": {"a": Colour.RED}}, BadInput, r"logs\[1\]\.info\.a: a value of type Colour is not JSON"),
        ({"info": {"a": UUID(RUN)}}, BadInput, r"logs\[1\]\.info\.a: a value of type UUID is not JSON"),
        ({"info": {"a": NOON}}, BadInput, r"logs\[1\]\.info\.a: a value of type datetime is not JSON"),
        ({"info": {"a": "\udfff"}}, BadInput, r"logs\[1\]\.info\.a: half of a surrogate pair"),
        ({"info": {"a": {1, 2}}}, BadInput, r"logs\[1\]\.info\.a: a value of type set is not JSON"),
    ],
)
def test_what_cannot_be_sent_is_named(entry: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        written([{"flow_run_id": RUN, "message": "good", "timestamp": NOON, "info": {"a": 1}}, entry])


@pytest.mark.usefixtures("encoder")
def test_info_that_contains_itself_is_refused() -> None:
    info: dict[str, Any] = {}
    info["self"] = info
    with pytest.raises(BadInput, match=r"logs\[0\]\.info\.self"):
        written([{"info": info}])


@pytest.mark.usefixtures("encoder")
def test_records_come_from_any_iterable() -> None:
    assert written([]) == b"[]"
    assert read(*({"message": str(number)} for number in range(3))) == [{"message": text} for text in "012"]


_texts = st.text(st.characters(codec=None), max_size=4)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts | st.integers(), inner, max_size=2),
    max_leaves=4,
)
_odd = st.sampled_from([Colour.RED, UUID(RUN), NOON, (1, 2), b"x", MappingProxyType({"a": 1}), object])
_zones = st.none() | st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])
_entries = st.fixed_dictionaries(
    {},
    optional={
        "flow_run_id": st.none() | st.uuids().map(str) | st.uuids() | _texts,
        "task_run_id": st.none() | st.just(RUN),
        "timestamp": st.datetimes(timezones=_zones) | _texts | _odd,
        "name": st.none() | _texts | _json,
        "level": st.sampled_from([None, "DEBUG", "INFO", Level.INFO, "NOTICE"]),
        "message": _texts | _odd | st.floats(),
        "info": _json | _odd | st.dictionaries(_texts, _odd, max_size=2),
    },
)


def outcome(logs: Any) -> Any:
    try:
        return json.loads(written(logs))
    except (TypeError, ValueError) as error:
        return type(error), str(error)


@given(st.lists(_entries, max_size=3))
def test_quick_ways_do_what_the_careful_way_does(logs: list[dict[str, Any]]) -> None:
    # Read-only mappings are unusual, so these are gone through one by one.
    careful = outcome([MappingProxyType(entry) for entry in logs])
    assert outcome(logs) == careful
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log_entries, "_orjson", lambda: None)
        assert outcome(logs) == careful
