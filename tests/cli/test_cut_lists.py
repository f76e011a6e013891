"""A list that is cut says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client
    from tests.cli.conftest import Orchestra

CUT = "Showing 1; there are more: --limit N\n"


@pytest.mark.parametrize("layout", [(), ("--json",)])
@pytest.mark.parametrize(
    "words",
    [
        ("project", "list"),
        ("token", "list"),
        ("limit", "list"),
        ("kv", "list"),
        ("secret", "list"),
    ],
)
def test_rows_that_are_left_out_are_told(
    orchestra: Orchestra,
    client: Client,
    unique: Callable[[str], str],
    words: tuple[str, ...],
    layout: tuple[str, ...],
) -> None:
    for name in (unique("one"), unique("other")):
        client.create_project(name)
        client.create_api_token(name)
        client.update_task_tag_limit(name, 1)
        client.set_key_value(name, 1)
        client.set_secret(name, "x")

    done = orchestra(*words, "--limit", "1", *layout)
    everything = orchestra(*words, "--limit", "10000", *layout)

    assert len(done.json if layout else done.out.splitlines()) == 1
    assert done.err == CUT
    assert everything.err == ""


def test_runs_flows_and_agents_too(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("cut")
    client.create_project(name)
    for number in range(2):
        flow = {"name": f"{name}-{number}", "tasks": [], "edges": [], "parameters": []}
        client.create_flow_run(flow_id=client.register(flow, name, no_url=True))
        client.register_agent("LocalAgent", name)

    for words in (
        ("flow", "list", "--project"),
        ("flow-run", "list", "--project"),
        ("agent", "list", "--name"),
    ):
        assert orchestra(*words, name, "--limit", "1").err == CUT
        assert orchestra(*words, name, "--limit", "2").err == ""
