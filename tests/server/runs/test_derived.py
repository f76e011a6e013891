"""The columns that states decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import Server, state

if TYPE_CHECKING:
    from .conftest import Clock


@pytest.fixture
def task_run(server: Server) -> str:
    return server.running("a")[1][0]


def test_the_state_stands_in_the_run_and_in_its_history(server: Server, clock: Clock, task_run: str) -> None:
    clock.advance(seconds=5)
    sent = state("Retrying", "once more", start_time="2026-03-01T14:00:00+00:00", run_count=1)

    server.set_task_runs({"task_run_id": task_run, "state": sent})

    run = server.task_run(
        task_run,
        "version state state_timestamp state_message state_start_time serialized_state "
        "states { version state timestamp message start_time serialized_state }",
    )
    assert run.pop("states")[-1] == {
        "version": 1,
        "state": "Retrying",
        "timestamp": clock.at(),
        "message": "once more",
        "start_time": "2026-03-01T14:00:00.000000+00:00",
        "serialized_state": sent,
    }
    assert run == {
        "version": 1,
        "state": "Retrying",
        "state_timestamp": clock.at(),
        "state_message": "once more",
        "state_start_time": "2026-03-01T14:00:00.000000+00:00",
        "serialized_state": sent,
    }


def test_the_start_is_the_earliest_running_and_the_end_the_latest_finished(
    server: Server, clock: Clock, task_run: str
) -> None:
    start = clock.at()
    server.set_task_run(task_run, "Running")
    clock.advance(seconds=10)
    server.set_task_run(task_run, "Failed")
    assert server.task_run(task_run, "start_time end_time duration") == {
        "start_time": start,
        "end_time": clock.at(),
        "duration": 10.0,
    }

    for type_name in ("Retrying", "Running", "Success"):
        clock.advance(seconds=10)
        server.set_task_run(task_run, type_name)

    assert server.task_run(task_run, "start_time end_time duration run_count") == {
        "start_time": start,
        "end_time": clock.at(),
        "duration": 40.0,
        "run_count": 2,
    }


def test_a_run_that_ends_without_having_run_has_no_duration(
    server: Server, clock: Clock, task_run: str
) -> None:
    server.set_task_run(task_run, "TriggerFailed")
    assert server.task_run(task_run, "start_time end_time duration") == {
        "start_time": None,
        "end_time": clock.at(),
        "duration": None,
    }


@pytest.mark.parametrize(
    ("type_name", "is_beat"), [("Submitted", True), ("Running", True), ("Paused", False), ("Success", False)]
)
def test_submitted_and_running_count_as_heartbeats(
    server: Server, clock: Clock, task_run: str, type_name: str, is_beat: bool
) -> None:
    server.set_task_run(task_run, type_name)
    assert server.task_run(task_run, "heartbeat")["heartbeat"] == (clock.at() if is_beat else None)


def test_running_reported_again_is_no_other_try(server: Server, task_run: str) -> None:
    server.set_task_run(task_run, "Running")
    server.set_task_run(task_run, "Running")
    assert server.task_run(task_run, "run_count version") == {"run_count": 1, "version": 2}


@pytest.mark.parametrize("type_name", ["Scheduled", "Resume", "Retrying", "Queued"])
def test_a_waiting_state_without_a_time_waits_for_now(
    server: Server, clock: Clock, task_run: str, type_name: str
) -> None:
    server.set_task_run(task_run, type_name)
    assert server.task_run(task_run, "state_start_time")["state_start_time"] == clock.at()


def test_a_pause_without_a_time_has_no_end(server: Server, task_run: str) -> None:
    server.set_task_run(task_run, "Paused", start_time=None)
    assert server.task_run(task_run, "state_start_time")["state_start_time"] is None


def test_submitting_a_waiting_run_clears_its_time(server: Server, task_run: str) -> None:
    # Agents of 0.12 to 1.4.1 submit every task run again whose state_start_time has passed.
    waiting = state("Retrying", start_time="2026-03-01T11:00:00+00:00")
    server.set_task_runs({"task_run_id": task_run, "state": waiting})

    server.set_task_run(task_run, "Submitted", state=waiting)

    assert server.task_run(task_run, "state state_start_time") == {
        "state": "Submitted",
        "state_start_time": None,
    }


@pytest.mark.parametrize(("old", "today"), [("Aborted", "Cancelled"), ("CachedState", "Cached")])
def test_a_type_of_old_is_listed_under_its_name_of_today(
    server: Server, task_run: str, old: str, today: str
) -> None:
    server.set_task_run(task_run, old)
    run = server.task_run(task_run, "state serialized_state")
    assert (run["state"], run["serialized_state"]["type"]) == (today, old)
