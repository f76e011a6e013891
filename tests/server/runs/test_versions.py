"""Versions, repeats, and who may set a state: the compare-and-swap that decides who owns a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Refused, Server

if TYPE_CHECKING:
    from typing import Any


@pytest.fixture
def run_id(server: Server) -> str:
    return server.run()


def test_a_state_with_the_runs_version_raises_it_by_one(server: Server, run_id: str) -> None:
    answer = server.set_flow_run(run_id, "Submitted", version=1)

    assert answer == {"id": run_id, "status": "SUCCESS", "message": None, "code": None, "version": 2}
    assert server.flow_run(run_id, "version state") == {"version": 2, "state": "Submitted"}


def test_a_state_with_another_version_is_refused(server: Server, run_id: str) -> None:
    server.set_flow_run(run_id, "Submitted", version=1)

    with pytest.raises(Refused) as caught:
        server.set_flow_run(run_id, "Running", version=1)

    assert caught.value.code == "VERSION_LOCKING_ERROR"
    assert caught.value.message == (
        f"State update failed for flow run ID {run_id}: provided version 1 but current version is 2."
    )
    assert server.flow_run(run_id, "version state states { state }") == {
        "version": 2,
        "state": "Submitted",
        "states": [{"state": "Scheduled"}, {"state": "Submitted"}],
    }


def test_the_message_for_a_task_run_names_it_as_one(server: Server) -> None:
    _, [task_run] = server.running("a")

    with pytest.raises(Refused) as caught:
        server.set_task_run(task_run, "Running", version=7)
    assert caught.value.message == (
        f"State update failed for task run ID {task_run}: provided version 7 but current version is 0."
    )


def test_a_state_without_a_version_is_appended(server: Server, run_id: str) -> None:
    server.set_flow_run(run_id, "Submitted")
    assert server.set_flow_run(run_id, "Running")["version"] == 3


def test_a_second_submission_is_refused_whatever_version_it_names(server: Server, run_id: str) -> None:
    server.set_flow_run(run_id, "Submitted", version=1)

    for version in ({"version": 2}, {}):
        with pytest.raises(Refused) as caught:
            server.set_flow_run(run_id, "Submitted", **version)
        assert caught.value.message == "State update failed: this run has already been submitted."
        assert caught.value.code == "STATE_CONFLICT"


def test_a_submission_of_a_running_run_is_refused(server: Server, run_id: str) -> None:
    server.set_flow_run(run_id, "Running")

    with pytest.raises(Refused, match=r"State update failed .* cannot be submitted") as caught:
        server.set_flow_run(run_id, "Submitted")
    assert caught.value.code == "STATE_CONFLICT"


# ------------------------------------------------------------------------------------------ repeats


@pytest.mark.parametrize("version", [{"version": 1}, {}], ids=["with a version", "appended"])
def test_a_repeat_is_answered_as_the_first_was(server: Server, run_id: str, version: dict[str, Any]) -> None:
    first = server.set_flow_run(run_id, "Running", transition_id="t1", **version)
    server.set_flow_run(run_id, "Success")

    assert server.set_flow_run(run_id, "Running", transition_id="t1", **version) == first
    assert server.flow_run(run_id, "version state") == {"version": 3, "state": "Success"}


def test_a_repeat_within_one_batch_is_one_transition(server: Server, run_id: str) -> None:
    item = {"flow_run_id": run_id, "state": {"type": "Running"}, "transition_id": "t1"}

    first, second = server.set_flow_runs(item, item)

    assert first == second
    assert server.flow_run(run_id, "version")["version"] == 2


def test_a_transition_id_belongs_to_its_run(server: Server) -> None:
    flow_id = server.flow()
    one, other = server.run(flow_id), server.run(flow_id)
    server.set_flow_run(one, "Running", transition_id="t1")

    assert server.set_flow_run(other, "Running", transition_id="t1")["version"] == 2


def test_another_transition_is_no_repeat(server: Server, run_id: str) -> None:
    server.set_flow_run(run_id, "Success", transition_id="t1")

    with pytest.raises(Refused, match="Success, which is final"):
        server.set_flow_run(run_id, "Success", transition_id="t2")


def test_an_end_that_a_peer_without_transition_ids_repeats_is_one_end(server: Server, run_id: str) -> None:
    first = server.set_flow_run(run_id, "Success", message="done")

    assert server.set_flow_run(run_id, "Success", message="done") == first
    with pytest.raises(Refused, match="Success, which is final"):
        server.set_flow_run(run_id, "Success", message="another end")


# ------------------------------------------------------------------------------------------- agents


def test_the_agent_that_submits_a_run_is_noted(server: Server, run_id: str) -> None:
    agent_id = server.do("register_agent", "id", type="LocalAgent")["id"]

    server.as_agent(agent_id.upper()).set_flow_run(run_id, "Submitted", version=1)
    assert server.flow_run(run_id, "agent { id }")["agent"] == {"id": agent_id}


def test_an_unknown_agent_submits_without_being_noted(server: Server, run_id: str) -> None:
    server.as_agent("nobody").set_flow_run(run_id, "Submitted", version=1)
    assert server.flow_run(run_id, "agent_id") == {"agent_id": None}


def test_an_agent_fails_its_own_submission_with_the_version_it_knows(server: Server, run_id: str) -> None:
    agent = server.as_agent(server.do("register_agent", "id", type="LocalAgent")["id"])
    agent.set_flow_run(run_id, "Submitted", version=1)

    agent.set_flow_run(run_id, "Failed", version=1)

    assert server.flow_run(run_id, "state")["state"] == "Failed"


def test_the_agent_that_lost_the_race_cannot_fail_the_winners_run(server: Server, run_id: str) -> None:
    winner, loser = (
        server.as_agent(server.do("register_agent", "id", type="LocalAgent")["id"]) for _ in "ab"
    )
    winner.set_flow_run(run_id, "Submitted", version=1)

    for type_name in ("Submitted", "Failed"):
        with pytest.raises(Refused) as caught:
            loser.set_flow_run(run_id, type_name, version=1)
        assert caught.value.code == "VERSION_LOCKING_ERROR"
    assert server.flow_run(run_id, "state")["state"] == "Submitted"


def test_an_agent_cannot_fail_a_run_that_began(server: Server, run_id: str) -> None:
    agent = server.as_agent(server.do("register_agent", "id", type="LocalAgent")["id"])
    agent.set_flow_run(run_id, "Submitted", version=1)
    server.set_flow_run(run_id, "Running", version=2)

    with pytest.raises(Refused, match="current version is 3"):
        agent.set_flow_run(run_id, "Failed", version=2)
