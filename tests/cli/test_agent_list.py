"""`orchestra agent list`: which agents there are, and which still ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


def test_agents_are_listed_by_what_they_do(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    busy, silent, label = unique("busy"), unique("silent"), unique("gpu")
    busy_id = client.register_agent("LocalAgent", name=busy, labels=[label, "eu"])
    client.register_agent("LocalAgent", name=silent, labels=[label])
    asking = {"input": {"agent_id": busy_id, "labels": [label, "eu"]}}
    client.graphql(
        "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }",
        variables=asking,
    )

    lines = orchestra("agent", "list", "--label", label).out.splitlines()
    cells = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
    assert set(cells) == {busy, silent}
    assert (cells[busy][0], cells[busy][4]) == ("LocalAgent", busy_id)
    assert set(cells[busy][1].split(",")) == {label, "eu"}
    assert (cells[busy][3], cells[silent][2:4]) == ("active", ["", "silent"])

    [only] = orchestra("agent", "list", "--label", label, "--active", "--json").json
    assert (only["name"], only["is_active"]) == (busy, True)
    [only] = orchestra("agent", "list", "--label", label, "--silent", "--json").json
    assert only["name"] == silent


def test_where_there_are_none_it_says_so(orchestra: Orchestra, unique: Callable[[str], str]) -> None:
    done = orchestra("agent", "list", "--name", unique("nobody"))

    assert (done.out, done.err) == ("", "There are no such agents.\n")
