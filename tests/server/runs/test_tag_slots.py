"""Tag limits: how many task runs with a tag are Running at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Server, state

if TYPE_CHECKING:
    from .conftest import Clock


@pytest.fixture
def runs(server: Server) -> list[str]:
    """Three task runs with the tag `db`, of which one may run; the first has the tag `gpu`, too."""
    server.do("update_task_tag_limit", "id", tag="db", limit=1)
    tasks = [{"slug": "a", "tags": ["db", "gpu"]}, *({"slug": slug, "tags": ["db"]} for slug in "bc")]
    return server.running(*tasks)[1]


def test_a_task_run_takes_a_free_slot(server: Server, runs: list[str]) -> None:
    assert server.set_task_run(runs[0], "Running")["status"] == "SUCCESS"


def test_without_a_free_slot_it_is_queued_and_stays_as_it_was(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")

    answer = server.set_task_run(runs[1], "Running", version=0)

    assert answer == {
        "id": runs[1],
        "status": "QUEUED",
        "message": "Queued: the limit of tag 'db' is 1, and 1 task runs hold its slots.",
        "code": None,
        "version": 0,
    }
    assert server.task_run(runs[1], "state version states { state }") == {
        "state": "Pending",
        "version": 0,
        "states": [{"state": "Pending"}],
    }


@pytest.mark.parametrize("end", ["Success", "Failed", "Retrying", "Cancelled"])
def test_whatever_ends_a_run_frees_its_slot(server: Server, runs: list[str], end: str) -> None:
    server.set_task_run(runs[0], "Running")
    server.set_task_run(runs[0], end)
    assert server.set_task_run(runs[1], "Running")["status"] == "SUCCESS"


def test_a_deleted_runs_slot_is_free(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")
    server.do("delete_flow_run", flow_run_id=server.task_run(runs[0], "flow_run_id")["flow_run_id"])

    _, [other] = server.running({"slug": "z", "tags": ["db"]})
    assert server.set_task_run(other, "Running")["status"] == "SUCCESS"


def test_every_tag_needs_a_free_slot(server: Server, runs: list[str]) -> None:
    server.do("update_task_tag_limit", "id", tag="gpu", limit=0)

    answer = server.set_task_run(runs[0], "Running")

    assert answer["status"] == "QUEUED"
    assert answer["message"] == "Queued: the limit of tag 'gpu' is 0, which stops it."
    assert server.set_task_run(runs[1], "Running")["status"] == "SUCCESS"


def test_a_running_run_needs_no_second_slot(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")
    assert server.set_task_run(runs[0], "Running")["status"] == "SUCCESS"


def test_a_batch_takes_no_more_slots_than_there_are(server: Server, runs: list[str]) -> None:
    server.do("update_task_tag_limit", "id", tag="db", limit=2)
    answers = server.set_task_runs(*({"task_run_id": run, "state": state("Running")} for run in runs))
    assert [answer["status"] for answer in answers] == ["SUCCESS", "SUCCESS", "QUEUED"]


def test_a_slot_freed_earlier_in_a_batch_can_be_taken_later_in_it(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")
    answers = server.set_task_runs(
        {"task_run_id": runs[1], "state": state("Running")},
        {"task_run_id": runs[0], "state": state("Success")},
        {"task_run_id": runs[2], "state": state("Running")},
    )
    assert [answer["status"] for answer in answers] == ["QUEUED", "SUCCESS", "SUCCESS"]


def test_another_tenants_runs_hold_none_of_the_slots(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    other.do("update_task_tag_limit", "id", tag="db", limit=1)
    _, [foreign] = other.running({"slug": "z", "tags": ["db"]})

    assert other.set_task_run(foreign, "Running")["status"] == "SUCCESS"
    assert [
        slot["task_run_id"] for slot in other("{ task_tag_slots { task_run_id } }")["task_tag_slots"]
    ] == [foreign]


def test_one_can_see_who_holds_the_slots(server: Server, clock: Clock, runs: list[str]) -> None:
    since = clock.at()
    server.set_task_run(runs[0], "Running")
    clock.advance(seconds=30)
    server.do("update_task_run_heartbeat", task_run_id=runs[0])

    fields = "{ tag task_run_id flow_run_id flow_run_name task_name map_index since heartbeat }"
    slots = server(f"{{ task_tag_slots {fields} }}")["task_tag_slots"]

    flow_run = server.task_run(runs[0], "flow_run { id name }")["flow_run"]
    assert slots == [
        {
            "tag": "db",
            "task_run_id": runs[0],
            "flow_run_id": flow_run["id"],
            "flow_run_name": flow_run["name"],
            "task_name": "a",
            "map_index": -1,
            "since": since,
            "heartbeat": clock.at(),
        }
    ]


def test_a_tag_without_a_limit_is_shown_when_asked_for(server: Server, runs: list[str]) -> None:
    server.set_task_run(runs[0], "Running")

    slots = server('{ task_tag_slots(tag: "gpu") { tag task_run_id } }')["task_tag_slots"]

    assert slots == [{"tag": "gpu", "task_run_id": runs[0]}]
