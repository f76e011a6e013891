"""Heartbeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Refused, Server

if TYPE_CHECKING:
    from .conftest import Clock

UNKNOWN = "aaaaaaaa-0000-4000-8000-000000000000"


def test_a_beat_is_noted_and_changes_nothing_else(server: Server, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")
    clock.advance(seconds=30)

    assert server.do("update_flow_run_heartbeat", flow_run_id=run_id) == {"success": True}
    assert server.do("update_task_run_heartbeat", task_run_id=task_run) == {"success": True}

    fields = "heartbeat state version"
    assert server.flow_run(run_id, fields) == {"heartbeat": clock.at(), "state": "Running", "version": 2}
    assert server.task_run(task_run, fields) == {"heartbeat": clock.at(), "state": "Pending", "version": 0}


def test_a_late_beat_does_not_reopen_a_finished_run(server: Server, clock: Clock) -> None:
    run_id, _ = server.running()
    server.set_flow_run(run_id, "Failed")
    before = server.flow_run(run_id, "heartbeat state version")
    clock.advance(seconds=30)

    answer = server.do("update_flow_run_heartbeat", "success error", flow_run_id=run_id)

    assert answer == {"success": False, "error": "The flow run is finished: it is Failed."}
    assert server.flow_run(run_id, "heartbeat state version") == before


def test_an_unknown_run_is_not_found(server: Server) -> None:
    with pytest.raises(Refused, match="No task run has the ID") as caught:
        server.do("update_task_run_heartbeat", task_run_id=UNKNOWN)
    assert caught.value.code == "NOT_FOUND"


def test_many_are_answered_one_by_one_with_state_and_version(server: Server, clock: Clock) -> None:
    run_id, [a, b] = server.running("a", "b")
    server.set_task_run(a, "Success")
    server.do("cancel_flow_run", "state", flow_run_id=run_id)
    clock.advance(seconds=30)

    beats = server.do(
        "update_heartbeats",
        "heartbeats { id success state version message }",
        flow_run_ids=[run_id, UNKNOWN],
        task_run_ids=[a, b, b],
    )["heartbeats"]

    alive = {"id": b, "success": True, "state": "Pending", "version": 0, "message": None}
    assert beats == [
        {"id": run_id, "success": True, "state": "Cancelling", "version": 3, "message": None},
        {
            "id": UNKNOWN,
            "success": False,
            "state": None,
            "version": None,
            "message": f"No flow run has the ID {UNKNOWN}.",
        },
        {
            "id": a,
            "success": False,
            "state": "Success",
            "version": 1,
            "message": "The task run is finished: it is Success.",
        },
        alive,
        alive,
    ]
    assert server.task_run(b, "heartbeat")["heartbeat"] == clock.at()


def test_another_tenants_run_does_not_beat(server: Server) -> None:
    run_id, _ = server.running()
    before = server.flow_run(run_id, "heartbeat")
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])

    with pytest.raises(Refused, match="No flow run has the ID"):
        other.do("update_flow_run_heartbeat", flow_run_id=run_id)
    [beat] = other.do("update_heartbeats", "heartbeats { success }", flow_run_ids=[run_id])["heartbeats"]
    assert (beat, server.flow_run(run_id, "heartbeat")) == ({"success": False}, before)
