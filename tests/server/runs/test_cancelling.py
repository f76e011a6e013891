"""Cancelling flow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Server


def cancel(server: Server, run_id: str) -> str:
    state: str = server.do("cancel_flow_run", "state", flow_run_id=run_id)["state"]
    return state


def test_a_running_run_is_told_to_stop(server: Server) -> None:
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")

    assert cancel(server, run_id) == "Cancelling"

    assert server.flow_run(run_id, "state version end_time") == {
        "state": "Cancelling",
        "version": 3,
        "end_time": None,
    }
    assert server.task_run(task_run, "state")["state"] == "Running"


def test_cancelling_twice_is_cancelling_once(server: Server) -> None:
    run_id, _ = server.running("a")
    cancel(server, run_id)
    assert cancel(server, run_id) == "Cancelling"
    assert server.flow_run(run_id, "version")["version"] == 3


@pytest.mark.parametrize("type_name", ["Submitted", "Paused", "Queued"])
def test_another_unfinished_run_is_cancelled_with_its_task_runs(server: Server, type_name: str) -> None:
    run_id = server.run(server.flow("a", "b"))
    [done, waiting] = server.task_runs(run_id)
    server.set_task_run(done, "Success")
    server.set_flow_run(run_id, type_name)

    assert cancel(server, run_id) == "Cancelled"

    assert server.task_run(done, "state")["state"] == "Success"
    assert server.task_run(waiting, "state version states { state version }") == {
        "state": "Cancelled",
        "version": 1,
        "states": [{"state": "Pending", "version": 0}, {"state": "Cancelled", "version": 1}],
    }


@pytest.mark.parametrize("end", ["Success", "Failed", "Cancelled"])
def test_a_finished_run_is_left_alone(server: Server, end: str) -> None:
    run_id, _ = server.running("a")
    server.set_flow_run(run_id, end)

    assert cancel(server, run_id) == end
    assert server.flow_run(run_id, "version")["version"] == 3


def test_a_runner_that_reports_cancelled_takes_its_task_runs_along(server: Server) -> None:
    # They would keep their tag slots, and look alive, for ever.
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")
    cancel(server, run_id)

    server.set_flow_run(run_id, "Cancelled")

    assert server.task_run(task_run, "state")["state"] == "Cancelled"


def test_archiving_a_flow_cancels_its_waiting_runs(server: Server) -> None:
    flow_id = server.flow("a")
    run_id = server.run(flow_id)

    server.do("archive_flow", flow_id=flow_id)

    assert server.flow_run(run_id, "state task_runs { state }") == {
        "state": "Cancelled",
        "task_runs": [{"state": "Cancelled"}],
    }
