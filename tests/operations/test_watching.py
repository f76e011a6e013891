"""Looking at a flow run: what is asked, and how odd answers are read."""

from __future__ import annotations

import re
from typing import Any

from orchestra_client.graphql.documents import document
from orchestra_client.operations.watching import Look, watch_flow_run
from orchestra_client.states.hierarchy import STATE_TYPES

RUN = "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e"


def row(total: int = 0, **parts: Any) -> dict[str, Any]:
    counts = {name: {"aggregate": {"count": 0}} for name in STATE_TYPES}
    return {
        "id": RUN,
        "name": "brave-otter",
        "version": 3,
        "serialized_state": {"type": "Running"},
        "state_timestamp": "2026-01-01T12:00:00+00:00",
        "created": "2026-01-01T11:00:00+00:00",
        "flow": None,
        "states": [],
        **counts,
        "task_runs_aggregate": {"aggregate": {"count": total}},
        **parts,
    }


def look(after_version: int = -1, **parts: Any) -> Look:
    return watch_flow_run(RUN, after_version=after_version, mark=None).parse([row(**parts)])


def test_task_runs_are_counted_in_every_state_that_there_is() -> None:
    counted = re.findall(
        r"(\w+): task_runs_aggregate\(where: { state: { _eq: \"(\w+)\" } }\)", document("WatchFlowRun")
    )
    assert {alias for alias, _ in counted} == STATE_TYPES
    assert all(alias == type_name for alias, type_name in counted)


def test_task_runs_in_states_of_newer_servers_are_counted_as_such() -> None:
    found = look(total=5, Success={"aggregate": {"count": 3}})
    assert (dict(found.counts), found.total) == ({"Success": 3, "State": 2}, 5)


def test_a_run_whose_history_is_gone_is_in_the_state_it_is_in() -> None:
    [entered] = look(after_version=1).states
    assert (entered.version, entered.state.type_name) == (3, "Running")
    assert look(after_version=3).states == ()


def test_a_run_that_never_had_a_state_is_pending() -> None:
    [entered] = look(version=0, serialized_state=None, state_timestamp=None).states
    assert entered.state.is_pending()
