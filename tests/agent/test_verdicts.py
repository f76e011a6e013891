"""What an agent makes of runs: the pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestra_client.agent.deployment import Ending
from orchestra_client.agent.runs import RunningTask, Standing
from orchestra_client.agent.unmatched import mismatch
from orchestra_client.agent.verdicts import concern, end_of, ends_of_tasks
from orchestra_client.states import Retrying

ME, OTHER = "me", "other"
KILLED, CLEAN = (
    Ending("was ended by SIGKILL", False, "the last line"),
    Ending("ended with exit status 0", True),
)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ONCE = RunningTask("once", 4, run_count=1, max_retries=0)
AGAIN = RunningTask("again", 7, run_count=2, max_retries=2, retry_delay=90)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (None, "lost"),
        (Standing("Running", 3, ME), "ours"),
        (Standing("Running", 3, None), "ours"),
        (Standing("Submitted", 2, ME), "ours"),
        (Standing("Submitted", 5, OTHER), "lost"),
        (Standing("Running", 6, OTHER), "lost"),
        (Standing("Cancelling", 4, ME), "cancelled"),
        (Standing("Cancelled", 4, ME), "cancelled"),
        (Standing("Success", 4, ME), "over"),
        (Standing("Scheduled", 4, ME), "over"),
    ],
)
def test_whose_a_run_is(standing: Standing | None, expected: str) -> None:
    assert concern(standing, ME) == expected


@pytest.mark.parametrize(
    ("standing", "ending", "expected"),
    [
        (None, KILLED, None),
        (Standing("Running", 3, ME), KILLED, "Failed"),
        (Standing("Submitted", 2, ME), KILLED, "Failed"),
        (Standing("Running", 3, ME, waits=True), KILLED, "Failed"),
        (Standing("Running", 3, ME, waits=True), CLEAN, None),
        (Standing("Running", 3, ME, waits=False), CLEAN, "Failed"),
        (Standing("Submitted", 2, ME, waits=True), CLEAN, "Failed"),
        (Standing("Cancelling", 4, ME), KILLED, "Cancelled"),
        (Standing("Cancelling", 4, ME), CLEAN, "Cancelled"),
        (Standing("Success", 4, ME), KILLED, None),
        (Standing("Failed", 4, ME), KILLED, None),
        (Standing("Scheduled", 4, ME), KILLED, None),
        (Standing("Queued", 4, ME), KILLED, None),
        (Standing("Running", 6, OTHER), KILLED, None),
        (Standing("Cancelling", 6, OTHER), KILLED, None),
        (Standing("Running", 3, ME), Ending("ended with exit status 3", False, is_disowned=True), None),
        (Standing("Running", 3, ME, running=(ONCE,)), KILLED, "Failed"),
        (Standing("Running", 3, ME, running=(ONCE, AGAIN)), KILLED, None),
        (Standing("Cancelling", 3, ME, running=(AGAIN,)), KILLED, "Cancelled"),
    ],
)
def test_what_is_reported(standing: Standing | None, ending: Ending, expected: str | None) -> None:
    state = end_of(standing, ME, ending, "process 7")
    assert (state.type_name if state else None) == expected


def test_task_runs_that_died_are_tried_again_while_they_have_retries() -> None:
    standing = Standing("Running", 3, ME, running=(ONCE, AGAIN))

    [(_, version, once), (_, _, again)] = ends_of_tasks(standing, ME, KILLED, "process 7", NOW)

    assert (version, once.type_name, once.message) == (
        4,
        "Failed",
        "The flow run's process 7 was ended by SIGKILL.",
    )
    assert isinstance(again, Retrying)
    assert (again.start_time, again.run_count) == (NOW + timedelta(seconds=90), 2)


@pytest.mark.parametrize(
    "standing",
    [
        None,
        Standing("Cancelling", 3, ME, running=(AGAIN,)),
        Standing("Running", 3, OTHER, running=(AGAIN,)),
        Standing("Success", 3, ME, running=(AGAIN,)),
    ],
)
def test_task_runs_of_other_runs_are_left_alone(standing: Standing | None) -> None:
    assert ends_of_tasks(standing, ME, KILLED, "process 7", NOW) == []


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(None, 0), (2.5, 2.5), ("00:01:30", 90), ("1 day 00:00:05", 86405), ("00:00:00.5", 0.5), ("soon", 0)],
)
def test_a_delay_is_read_as_every_server_tells_it(told: object, seconds: float) -> None:
    row = {"id": "1", "version": 2, "run_count": 1, "task": {"max_retries": 1, "retry_delay": told}}
    assert RunningTask.of_row(row).retry_delay == seconds


def test_a_failure_tells_what_happened_and_the_last_lines() -> None:
    state = end_of(Standing("Running", 3, ME), ME, KILLED, "process 7")
    assert state is not None
    assert state.message == (
        "Process 7 was ended by SIGKILL, and the run had not come to an end. Its last lines:\nthe last line"
    )


@pytest.mark.parametrize(
    ("run", "agent", "expected"),
    [
        ([], [], None),
        (["a"], ["a", "b"], None),
        (["a", "c"], ["a", "b"], "does not have its label 'c'"),
        (["c", "d"], [], "does not have its labels 'c', 'd'"),
        ([], ["a", "b"], "takes only runs with labels ('a', 'b'), and it has none"),
    ],
)
def test_why_an_agent_does_not_take_a_run(run: list[str], agent: list[str], expected: str | None) -> None:
    assert mismatch(run, agent) == expected
