"""Task runs: those of mapped tasks, their names, what a runner reads of them."""

from __future__ import annotations

import pytest

from .conftest import Refused, Server

INFO = "id version state serialized_state"


@pytest.fixture
def task_id(server: Server) -> str:
    server.flow({"slug": "a", "cache_key": "k"})
    task_id: str = server("{ task { id } }")["task"][0]["id"]
    return task_id


@pytest.fixture
def run_id(server: Server, task_id: str) -> str:
    return server.run(server("{ flow { id } }")["flow"][0]["id"])


def get_or_create(server: Server, run_id: str, task_id: str, map_index: int | None = None) -> str:
    wanted = {"flow_run_id": run_id, "task_id": task_id, "map_index": map_index}
    created: str = server.do("get_or_create_task_run", "id", **wanted)["id"]
    return created


def test_a_task_run_that_is_there_is_found(server: Server, run_id: str, task_id: str) -> None:
    [existing] = server.task_runs(run_id)
    assert get_or_create(server, run_id, task_id) == existing
    assert get_or_create(server, run_id, task_id, -1) == existing


def test_a_mapped_child_is_made_once(server: Server, run_id: str, task_id: str) -> None:
    child = get_or_create(server, run_id, task_id, 0)

    assert get_or_create(server, run_id, task_id, 0) == child
    assert server.task_run(child, "version state map_index cache_key states { state version }") == {
        "version": 0,
        "state": "Pending",
        "map_index": 0,
        "cache_key": "k",
        "states": [{"state": "Pending", "version": 0}],
    }


def test_its_info_is_what_a_runner_starts_from(server: Server, run_id: str, task_id: str) -> None:
    wanted = {"flow_run_id": run_id, "task_id": task_id, "map_index": 3}
    made = server.do("get_or_create_task_run_info", INFO, **wanted)

    assert (made["version"], made["state"]) == (0, "Pending")
    assert made["serialized_state"]["type"] == "Pending"
    assert server.do("get_or_create_task_run_info", INFO, **wanted) == made


def test_an_index_below_minus_one_is_bad_input(server: Server, run_id: str, task_id: str) -> None:
    with pytest.raises(Refused, match="map_index counts from 0") as caught:
        get_or_create(server, run_id, task_id, -2)
    assert caught.value.code == "BAD_USER_INPUT"


def test_a_task_of_another_flow_is_not_found(server: Server, run_id: str, task_id: str) -> None:
    other = server.run(server.flow("z", name="g"))
    with pytest.raises(Refused, match="has no task with the ID") as caught:
        get_or_create(server, other, task_id, 0)
    assert caught.value.code == "NOT_FOUND"


def test_another_tenants_run_is_not_found(server: Server, run_id: str, task_id: str) -> None:
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    for map_index in (-1, 0):
        with pytest.raises(Refused, match="No flow run has the ID") as caught:
            get_or_create(other, run_id, task_id, map_index)
        assert caught.value.code == "NOT_FOUND"


def test_the_children_of_a_mapped_run_come_in_order(server: Server, run_id: str, task_id: str) -> None:
    [parent] = server.task_runs(run_id)
    children = {index: get_or_create(server, run_id, task_id, index) for index in (2, 0, 1)}

    query = "query($id: UUID!) { mapped_children(task_run_id: $id) { id map_index task { slug } } }"
    found = server(query, id=parent)["mapped_children"]

    assert found == [{"id": children[i], "map_index": i, "task": {"slug": "a"}} for i in range(3)]


def test_a_runs_info_names_its_task(server: Server, run_id: str, task_id: str) -> None:
    [run] = server.task_runs(run_id)
    query = "query($id: UUID!) { get_task_run_info(task_run_id: $id) { id task_id task_slug version state } }"

    info = server(query, id=run)["get_task_run_info"]

    assert info == {"id": run, "task_id": task_id, "task_slug": "a", "version": 0, "state": "Pending"}


def test_a_task_run_can_be_renamed(server: Server, run_id: str) -> None:
    [run] = server.task_runs(run_id)
    server.do("set_task_run_name", task_run_id=run, name="first of all")
    assert server.task_run(run, "name")["name"] == "first of all"
