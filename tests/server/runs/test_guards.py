"""Which state may follow which."""

from __future__ import annotations

import pytest

from orchestra_client.states.hierarchy import FAILED, SCHEDULED, STATE_TYPES, SUCCESSFUL

from .conftest import Refused, Server

FINAL = sorted(SUCCESSFUL | FAILED | {"Cancelled", "Finished"})


@pytest.mark.parametrize("end", FINAL)
def test_an_end_is_final_save_for_a_new_schedule(server: Server, end: str) -> None:
    flow_id = server.flow()
    follows = SCHEDULED | ({"Cached"} if end in SUCCESSFUL else set())
    for new in sorted(STATE_TYPES):
        run_id = server.run(flow_id)
        server.set_flow_run(run_id, end, message="first")
        if new in follows:
            server.set_flow_run(run_id, new)
        else:
            with pytest.raises(
                Refused, match=f"State update failed .* it is {end}, which is final"
            ) as caught:
                server.set_flow_run(run_id, new)
            assert caught.value.code == "STATE_CONFLICT"
        assert server.flow_run(run_id, "state")["state"] == (new if new in follows else end)


def test_a_turn_of_a_loop_is_no_end(server: Server) -> None:
    _, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")
    server.set_task_run(task_run, "Looped", loop_count=1)

    server.set_task_run(task_run, "Running")

    assert server.task_run(task_run, "state run_count") == {"state": "Running", "run_count": 1}


def test_a_cancelling_run_does_not_go_back_to_running(server: Server) -> None:
    run_id, _ = server.running()
    server.set_flow_run(run_id, "Cancelling")

    with pytest.raises(Refused, match="being cancelled"):
        server.set_flow_run(run_id, "Running")
    server.set_flow_run(run_id, "Cancelled")


@pytest.mark.parametrize("flow_state", ["Scheduled", "Submitted", "Cancelling", "Success", "Failed"])
def test_a_task_run_runs_only_while_its_flow_run_does(server: Server, flow_state: str) -> None:
    run_id = server.run(server.flow("a"))
    [task_run] = server.task_runs(run_id)
    if flow_state != "Scheduled":
        server.set_flow_run(run_id, flow_state)

    with pytest.raises(Refused) as caught:
        server.set_task_run(task_run, "Running", version=0)

    assert caught.value.code == "STATE_CONFLICT"
    assert caught.value.message == (
        f"State update failed for task run ID {task_run}: it cannot be Running while flow run {run_id} is "
        f"{flow_state}, which is not Running."
    )
    assert server.task_run(task_run, "version state") == {"version": 0, "state": "Pending"}


def test_a_task_run_that_runs_may_still_end_after_its_flow_run(server: Server) -> None:
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")
    server.set_flow_run(run_id, "Failed")

    server.set_task_run(task_run, "Success")

    assert server.task_run(task_run, "state")["state"] == "Success"


def test_a_type_from_a_newer_peer_is_a_plain_state(server: Server) -> None:
    run_id, _ = server.running()

    server.set_flow_run(run_id, "Hibernating", depth=3)

    run = server.flow_run(run_id, "state end_time serialized_state")
    assert (run["state"], run["end_time"], run["serialized_state"]["depth"]) == ("Hibernating", None, 3)
    server.set_flow_run(run_id, "Running")


def test_an_unknown_run_is_not_found(server: Server) -> None:
    with pytest.raises(Refused, match=r"State update failed .* no such run") as caught:
        server.set_flow_run("aaaaaaaa-0000-4000-8000-000000000000", "Running")
    assert caught.value.code == "NOT_FOUND"


def test_another_tenants_run_is_not_found(server: Server) -> None:
    run_id, [task_run] = server.running("a")
    tenant_id = server.do("create_tenant", "id", name="Other", slug="other")["id"]
    stranger = server.in_tenant(tenant_id)

    with pytest.raises(Refused) as caught:
        stranger.set_flow_run(run_id, "Failed")
    assert caught.value.code == "NOT_FOUND"
    answers = stranger.set_task_runs(
        *({"task_run_id": task_run, "state": {"type": type_name}} for type_name in ("Running", "Failed"))
    )
    assert [answer["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]
    assert server.flow_run(run_id, "state task_runs { state }") == {
        "state": "Running",
        "task_runs": [{"state": "Pending"}],
    }
