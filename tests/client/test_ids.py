"""Ids: what is none is refused by every method that takes one, before anything is sent, and is said of each."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import AsyncClient
from orchestra_client.errors import BadInput
from orchestra_client.states import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.testing import Faults

USUAL = {
    "agent_type": "LocalAgent",
    "cache_key": None,
    "created_after": datetime(2026, 1, 1, tzinfo=UTC),
    "data": {},
    "kind": "link",
    "map_indexes": [0],
    "name": "a name",
    "scope": "RUNNER",
    "state": Running(),
    "version": 1,
}
NOBODY = "00000000-0000-4000-8000-000000000000"

NEVER_RAISE = {"update_flow_run_heartbeat", "update_task_run_heartbeat"}


def takers() -> Iterator[tuple[str, str]]:
    """Each method with each of its arguments that is an id."""
    for name, method in inspect.getmembers(AsyncClient, inspect.isfunction):
        if name.startswith("_") or name in NEVER_RAISE:
            continue
        for parameter in inspect.signature(method).parameters.values():
            if re.fullmatch(r"Id( \| None)?", str(parameter.annotation)):
                yield name, parameter.name


@pytest.mark.parametrize(("method", "argument"), list(takers()))
def test_what_is_no_id_is_refused(client: Any, faults: Faults, method: str, argument: str) -> None:
    parameters = inspect.signature(getattr(AsyncClient, method)).parameters.values()
    given = {
        each.name: USUAL.get(each.name, NOBODY)
        for each in parameters
        if each.default is each.empty and each.name != "self"
    }
    with pytest.raises(BadInput, match="must be a UUID"):
        getattr(client, method)(**{**given, argument: "x"})
    assert not [each for each in faults.requests if "capabilities" not in each.text]


@pytest.mark.parametrize("method", sorted({method for method, _ in takers()}))
def test_that_it_is_refused_is_said(method: str) -> None:
    raises = (inspect.getdoc(getattr(AsyncClient, method)) or "").partition("Raises:")[2]
    assert re.search(r"BadInput: [^:]*(no UUID|filter makes no sense)", raises)


@pytest.mark.parametrize("method", sorted(NEVER_RAISE))
def test_heartbeats_never_raise(client: Any, method: str) -> None:
    beat = getattr(client, method)("x")
    assert not beat
    assert "UUID" in beat.message
