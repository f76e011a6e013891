"""`orchestra limit`: how many may run at once, and who does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.states import Running

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow


def hold(client: Client, tag: str, run_name: str) -> str:
    """Let a task run with the tag run; gives the id of its flow run."""
    flow = {
        "name": tag,
        "tasks": [{"name": "load", "slug": "load-1", "tags": [tag]}],
        "parameters": [],
        "edges": [],
    }
    client.create_project(tag)
    flow_id = client.register(flow, project_name=tag, no_url=True)
    flow_run_id = client.create_flow_run(flow_id=flow_id, run_name=run_name)
    client.set_flow_run_state(flow_run_id, version=1, state=Running())
    [task_run] = client.get_flow_run_info(flow_run_id).task_runs
    client.set_task_run_state(task_run.id, version=task_run.version, state=Running())
    return flow_run_id


def test_a_limit_is_set_and_changed(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    tag = unique("db")

    assert orchestra("limit", "set", tag, "1").err.startswith("At most 1 task run with the tag")
    orchestra("limit", "set", tag, "2")
    assert client.get_task_tag_limit(tag) == 2
    orchestra("limit", "set", tag, "0")
    assert client.get_task_tag_limit(tag) == 0
    orchestra("limit", "set", tag, "-1", status=2)
    assert client.get_task_tag_limit(tag) == 0


def test_the_list_tells_who_holds_the_slots(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    tag, free = unique("db"), unique("idle")
    client.update_task_tag_limit(tag, 1)
    client.update_task_tag_limit(free, 3)
    flow_run_id = hold(client, tag, "hog")

    lines = orchestra("limit", "list", "--tag", tag, "--tag", free).out.splitlines()

    [held, idle] = [line.split("\t") for line in lines]
    assert held[:4] == [tag, "1/1", "load", "hog"]
    assert "T" in held[4]
    assert held[5] == flow_run_id
    assert idle == [free, "0/3", "", "", "", ""]


def test_json_has_the_holders_of_the_limits_that_are_full(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    tag, free = unique("db"), unique("idle")
    client.update_task_tag_limit(tag, 1)
    client.update_task_tag_limit(free, 3)
    flow_run_id = hold(client, tag, "hog")

    listed = orchestra("limit", "list", "--full", "--json", "--limit", "1000").json

    [limit] = [each for each in listed if each["tag"] == tag]
    assert limit["holders"][0]["flow_run_name"] == "hog"
    assert limit["holders"][0]["flow_run_id"] == flow_run_id
    assert free not in [each["tag"] for each in listed]


def test_a_limit_is_deleted_by_its_tag(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    tag = unique("db")
    client.update_task_tag_limit(tag, 1)

    assert "--yes" in orchestra("limit", "delete", tag, status=2).err
    orchestra("limit", "delete", tag, "--yes")
    assert client.get_task_tag_limit(tag) is None
    assert f"'{tag}' has no limit" in orchestra("limit", "delete", tag, "--yes", status=1).err
