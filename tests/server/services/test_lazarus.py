"""Lazarus: flow runs that nobody runs, and nothing will wake, begin anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.services.lazarus import Lazarus
from orchestra_client.server.services.zombies import ZombieReaper

from .conftest import LIMIT

if TYPE_CHECKING:
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process

LAZARUS = Lazarus(LIMIT)


def test_a_silent_run_is_rescheduled(server: Server, process: Process, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Success")
    clock.advance(seconds=LIMIT)

    assert process.run(LAZARUS) == {"Scheduled": 1}

    fields = "state version times_resurrected state_start_time name serialized_state state_message"
    found = server.flow_run(run_id, fields)
    assert (found["state"], found["version"], found["times_resurrected"]) == ("Scheduled", 3, 1)
    assert found["state_start_time"] == found["serialized_state"]["start_time"] == clock.at()
    assert found["state_message"] == (
        f"Flow run '{found['name']}' ({run_id}) was Running, but its last heartbeat is 10 min 0 s old. "
        "It is rescheduled: 1 of at most 3 times."
    )
    assert server.do("get_runs_in_queue", "flow_run_ids", labels=[]) == {"flow_run_ids": [run_id]}
    assert server.task_run(task_run, "state")["state"] == "Success"


def test_a_run_whose_agent_died_before_it_began_is_rescheduled(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id = server.run()
    server.set_flow_run(run_id, "Submitted")
    clock.advance(seconds=LIMIT)
    assert process.run(LAZARUS) == {"Scheduled": 1}


def test_after_three_times_it_has_failed(server: Server, process: Process, clock: Clock) -> None:
    run_id = server.run()
    for expected in ("Scheduled", "Scheduled", "Scheduled", "Failed"):
        server.set_flow_run(run_id, "Running")
        clock.advance(seconds=LIMIT)
        assert process.run(LAZARUS) == {expected: 1}
    found = server.flow_run(run_id, "times_resurrected state_message end_time")
    assert found["times_resurrected"] == 3
    assert found["end_time"] == clock.at()
    assert found["state_message"].endswith("It was rescheduled 3 times before, and not once again.")
    clock.advance(seconds=LIMIT)
    assert process.run(LAZARUS) == {}


def test_who_beats_is_left_alone(server: Server, process: Process, clock: Clock) -> None:
    run_id, _ = server.running()
    for _ in range(5):
        clock.advance(seconds=LIMIT - 1)
        assert process.run(LAZARUS) == {}
        server.do("update_flow_run_heartbeat", flow_run_id=run_id)


@pytest.mark.parametrize("state", ["Scheduled", "Success", "Failed", "Cancelled", "Cancelling", "Pending"])
def test_a_run_in_another_state_is_left_alone(
    server: Server, process: Process, clock: Clock, state: str
) -> None:
    server.set_flow_run(server.run(), state)
    clock.advance(days=1)
    assert process.run(LAZARUS) == {}


@pytest.mark.parametrize("waiting", ["Running", "Retrying", "Paused", "Resume", "Scheduled", "Queued"])
def test_a_run_that_waits_for_a_task_run_is_left_alone(
    server: Server, process: Process, clock: Clock, waiting: str
) -> None:
    _, [task_run] = server.running("a")
    server.set_task_run(task_run, waiting)
    clock.advance(days=1)
    assert process.run(LAZARUS) == {}


@pytest.mark.parametrize("waiting", ["Retrying", "Paused", "Submitted"])
def test_a_submitted_run_waits_for_no_task_run(
    server: Server, process: Process, clock: Clock, waiting: str
) -> None:
    # Agents start task runs of Running flow runs alone: nobody would ever come for this one.
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, waiting)
    server.set_flow_run(run_id, "Scheduled")
    server.set_flow_run(run_id, "Submitted")
    clock.advance(seconds=LIMIT)
    assert process.run(LAZARUS) == {"Scheduled": 1}


def test_a_task_run_that_beats_shows_that_its_flow_run_lives(
    server: Server, process: Process, clock: Clock
) -> None:
    _, [task_run] = server.running("a")
    server.set_task_run(task_run, "Submitted")
    clock.advance(seconds=LIMIT - 1)
    server.do("update_task_run_heartbeat", task_run_id=task_run)
    clock.advance(seconds=LIMIT - 1)
    assert process.run(LAZARUS) == {}
    clock.advance(seconds=1)
    assert process.run(LAZARUS) == {"Scheduled": 1}


def test_the_zombies_task_run_is_waited_for_when_it_is_tried_again(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, [task_run] = server.running({"slug": "a", "max_retries": 1, "retry_delay": 60})
    server.set_task_run(task_run, "Running")
    clock.advance(seconds=LIMIT)

    assert process.run(ZombieReaper(LIMIT)) == {"Retrying": 1}
    assert process.run(LAZARUS) == {}

    clock.advance(seconds=60)
    assert server.do("get_runs_in_queue", "flow_run_ids", labels=[]) == {"flow_run_ids": [run_id]}


def test_a_run_whose_only_task_run_is_dead_goes_on(server: Server, process: Process, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")
    clock.advance(seconds=LIMIT)

    assert process.run(ZombieReaper(LIMIT)) == {"Failed": 1}
    assert process.run(LAZARUS) == {"Scheduled": 1}
    assert server.flow_run(run_id, "state")["state"] == "Scheduled"


@pytest.mark.parametrize("setting", ["lazarus_process", "heartbeat"])
def test_a_flow_group_can_be_exempt(server: Server, process: Process, clock: Clock, setting: str) -> None:
    run_id, _ = server.running()
    flow_id = server.flow_run(run_id, "flow_id")["flow_id"]
    server.do(f"disable_flow_{setting}", flow_id=flow_id)
    clock.advance(days=1)
    assert process.run(LAZARUS) == {}

    server.do(f"enable_flow_{setting}", flow_id=flow_id)
    assert process.run(LAZARUS) == {"Scheduled": 1}


def test_a_process_that_lives_on_learns_that_it_lost_its_run(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, _ = server.running()
    clock.advance(seconds=LIMIT)
    process.run(LAZARUS)

    answers = server.set_flow_runs(
        {"flow_run_id": run_id, "version": 2, "state": {"type": "Success"}},
        {"flow_run_id": run_id, "version": 2, "state": {"type": "Running"}},
    )

    assert [answer["code"] for answer in answers] == ["VERSION_LOCKING_ERROR"] * 2
    assert server.flow_run(run_id, "state")["state"] == "Scheduled"


def test_servers_that_did_not_listen_judge_nobody(server: Server, process: Process, clock: Clock) -> None:
    listener = process.background()
    listener.attend()
    server.running()
    clock.advance(hours=1)
    listener.attend()
    assert process.run(LAZARUS) == {}
