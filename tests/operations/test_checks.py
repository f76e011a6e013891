"""Arguments: what passes, in which form, and what is said of the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import BadInput
from orchestra_client.operations import checks

CANONICAL = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"


@pytest.mark.parametrize(
    "given_id",
    [CANONICAL, CANONICAL.upper(), CANONICAL.replace("-", ""), UUID(CANONICAL), f"{{{CANONICAL}}}"],
)
def test_a_uuid_is_written_in_one_form(given_id: Any) -> None:
    assert checks.uuid(given_id, "flow_id") == CANONICAL


@given(st.uuids())
def test_every_uuid_passes(value: UUID) -> None:
    assert checks.uuid(value, "x") == checks.uuid(str(value), "x") == str(value)


@pytest.mark.parametrize(
    "value", ["", "x", CANONICAL[:-1], CANONICAL + "0", "'; DROP TABLE flow; --", "é" * 36]
)
def test_text_that_is_no_uuid_is_bad_input(value: str) -> None:
    with pytest.raises(BadInput, match="flow_id must be a UUID such as"):
        checks.uuid(value, "flow_id")


@pytest.mark.parametrize("value", [None, 7, b"x", [CANONICAL]])
def test_an_id_of_another_type_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="flow_id"):
        checks.uuid(value, "flow_id")


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 1, 1, 12), "2026-01-01T12:00:00+00:00"),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), "2026-01-01T12:00:00+00:00"),
        (datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T10:00:00+00:00"),
    ],
)
def test_moments_are_written_in_utc_and_naive_ones_are_utc(moment: datetime, written: str) -> None:
    assert checks.instant(moment, "before") == written


def test_a_moment_beyond_the_calendar_is_bad_input() -> None:
    with pytest.raises(BadInput, match="before"):
        checks.instant(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "before")


def test_labels_are_sorted_and_each_stands_once() -> None:
    assert checks.labels(["b", "a", "b"]) == ["a", "b"]
    assert checks.labels(None) == []


@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None])
def test_a_count_is_a_whole_number_from_0_up(value: Any) -> None:
    with pytest.raises((BadInput, TypeError), match="limit"):
        checks.count(value, "limit")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, {2}]}, r"x\.a\[1\]"),
        ({"a": float("inf")}, r"x\.a"),
        ({"s": {1: object()}}, "key 1"),
        ({"s": "\ud800"}, r"x\.s"),
    ],
)
def test_what_is_not_json_is_named_by_its_path(value: Any, path: str) -> None:
    with pytest.raises(BadInput, match=path):
        checks.json_value(value, "x")


def test_mappings_of_other_kinds_are_copied() -> None:
    value = {"a": MappingProxyType({"b": (1, 2)})}

    assert json.loads(json.dumps(checks.json_value(value, "x"))) == {"a": {"b": [1, 2]}}


def test_what_holds_itself_is_not_json() -> None:
    circle: list[Any] = []
    circle.append(circle)

    with pytest.raises(BadInput, match="x"):
        checks.json_value(circle, "x")
