"""`orchestra flow-run`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from orchestra_client.cli.flow_run import flow_run
from orchestra_client.states import Failed, Paused, Success, TimedOut

if TYPE_CHECKING:
    from tests.cli.conftest import Orchestra
    from tests.cli.runs.conftest import Shop

pytestmark = pytest.mark.slow

NOBODY = "00000000-0000-4000-8000-000000000000"


def ids(done: Any) -> list[str]:
    return [run["id"] for run in done.json]


# -------------------------------------------------------------------------------------------------------- list


def test_runs_are_listed_by_state_with_those_below_it(orchestra: Orchestra, shop: Shop) -> None:
    late, well = shop.begin(run_name="late"), shop.begin(run_name="well")
    shop.move(late, TimedOut("too slow"))
    shop.move(well, Success())

    assert ids(orchestra("flow-run", "list", "--flow", shop.flow, "--state", "failed", "--json")) == [late]

    piped = orchestra("flow-run", "list", "--flow", shop.flow, "--state", "Success", "--state", "Failed").out
    assert sorted(line.split("\t")[0] for line in piped.splitlines()) == ["late", "well"]


def test_runs_are_listed_by_time_labels_and_name(orchestra: Orchestra, shop: Shop) -> None:
    now = datetime.now(UTC)
    old = shop.run(run_name="old", scheduled_start_time=now - timedelta(days=2), labels=["eu"])
    new = shop.run(run_name="new", scheduled_start_time=now - timedelta(hours=1))
    future = shop.run(run_name="future", scheduled_start_time=now + timedelta(hours=1))
    words = ("flow-run", "list", "--project", shop.project, "--json")

    assert ids(orchestra(*words)) == [future, new, old]
    assert ids(orchestra(*words, "--since", "1 day", "--until", "now")) == [new]
    assert ids(orchestra(*words, "--label", "eu")) == [old]
    assert ids(orchestra(*words, "--name", "new")) == [new]
    assert ids(orchestra(*words, "--limit", "1")) == [future]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--state", "Sucess"], "Success"),
        (["list", "--since", "sometime"], "2 hours"),
        (["list", "--since", "1 hour", "--until", "2 hours"], "before"),
        (["list", "--limit", "0"], "'0' is not a whole number from 1 to 10000."),
        (["logs", "x", "--level", "LOUD"], "LOUD"),
        (["logs", "x", "--tail", "abc"], "'abc' is not a whole number from 0 on."),
        (["cancel"], "RUN"),
        (["rename", "x"], "NAME"),
        (["rename", "x", ""], "empty"),
        (["show", " "], "empty"),
    ],
)
def test_what_makes_no_sense_is_an_error_of_usage_before_anything_is_asked(
    words: list[str], said: str
) -> None:
    result = CliRunner().invoke(flow_run, [*words, "--api-server", "http://127.0.0.1:9"])

    assert result.exit_code == 2, result.output
    assert said in result.output


# -------------------------------------------------------------------------------------------------------- show


def test_a_run_is_shown_with_its_states_and_task_runs(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.begin(run_name="monday", labels=["eu"])
    shop.move(run_id, Failed("no orders"))

    shown = orchestra("flow-run", "show", run_id, "--json").json

    assert (shown["id"], shown["name"], shown["state_message"]) == (run_id, "monday", "no orders")
    assert [state["state"] for state in shown["states"]] == ["Scheduled", "Submitted", "Running", "Failed"]
    assert sorted(run["task_name"] for run in shown["task_runs"]) == ["load", "save"]
    assert shown["reasons"] == []


def test_a_person_reads_why_a_run_waits(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run(labels=[shop.project])

    shown = orchestra.at_terminal("flow-run", "show", run_id).out

    for said in (
        "State:",
        "Scheduled",
        "States:",
        "Task runs:",
        "load",
        f" {shop.flow} (project ",
    ):
        assert said in shown
    waits = shown.partition("Task runs:")[2]
    assert shop.project in waits
    assert "agent" in waits


def test_names_cannot_paint_over_what_is_on_the_terminal(orchestra: Orchestra, shop: Shop) -> None:
    evil = f"{shop.project}\x1b[2J\x1b]0;title\x07"
    run_id, _ = shop.run(run_name=evil, labels=[evil]), shop.run(run_name=evil)

    shown = [
        orchestra("flow-run", "show", run_id).out,
        orchestra("flow-run", "list", "--project", shop.project).out,
        orchestra("flow-run", "cancel", evil, status=1).err,
        orchestra("flow-run", "rename", run_id, "harmless").err,
    ]

    assert all(shop.project in text and "\x1b" not in text and "\x07" not in text for text in shown[:3])
    assert "\x1b" not in shown[3]


def test_of_several_runs_of_a_name_the_latest_is_shown(orchestra: Orchestra, shop: Shop) -> None:
    shop.run(run_name=shop.project, scheduled_start_time=datetime.now(UTC) - timedelta(hours=1))
    latest = shop.run(run_name=shop.project)

    done = orchestra("flow-run", "show", shop.project, "--json")

    assert done.json["id"] == latest
    assert "latest" in done.err


@pytest.mark.parametrize(("command", "wanted"), [("show", NOBODY), ("logs", "no run has this name")])
def test_a_run_that_does_not_exist_is_said_to(orchestra: Orchestra, command: str, wanted: str) -> None:
    done = orchestra("flow-run", command, wanted, status=1)

    assert "orchestra flow-run list" in done.err


# -------------------------------------------------------------------------------------------------------- logs


def test_a_log_is_written_as_lines(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run()
    for level, message in (("DEBUG", "one"), ("INFO", "two\n[bold]lines"), ("ERROR", "\x1b[2Jthree")):
        shop.log(run_id, message, level)

    out = orchestra("flow-run", "logs", run_id).out
    assert "DEBUG    shop: one\n" in out
    assert "shop: two\n    [bold]lines\n" in out, "no line of a message stands at the margin"
    assert "\x1b" not in out

    assert "one" not in orchestra("flow-run", "logs", run_id, "--level", "info").out
    [line] = orchestra("flow-run", "logs", run_id, "--tail", "1", "--json").out.splitlines()
    assert json.loads(line)["message"] == "\x1b[2Jthree"
    assert orchestra("flow-run", "logs", run_id, "--tail", "0").out == ""


def test_a_person_sees_levels_in_colour_and_brackets_as_they_are(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run()
    shop.log(run_id, "[bold]no orders", "ERROR")

    done = orchestra.at_terminal("flow-run", "logs", run_id)

    assert "ERROR    shop: [bold]no orders" in done.out
    assert "\x1b[31m" in done.painted


def test_a_log_is_followed_until_the_run_is_finished(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.begin()
    shop.log(run_id, "before")
    process = orchestra.start("flow-run", "logs", run_id, "--follow", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["message"] == "before"

    shop.log(run_id, "meanwhile")
    assert json.loads(process.stdout.readline())["message"] == "meanwhile"
    shop.log(run_id, "at last")
    shop.move(run_id, Failed())

    assert [json.loads(line)["message"] for line in process.stdout] == ["at last"]
    assert process.wait(20) == 0


def test_following_may_begin_with_the_last_records(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.begin()
    for number in range(5):
        shop.log(run_id, f"record {number}")
    shop.move(run_id, Success())

    done = orchestra("flow-run", "logs", run_id, "--follow", "--tail", "2")

    assert [line[-1] for line in done.out.splitlines()] == ["3", "4"]


def test_whoever_has_read_enough_of_a_log_is_told_nothing(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run()
    shop.client.write_run_logs([{"flow_run_id": run_id, "message": "x" * 1000} for _ in range(500)])
    process = orchestra.start("flow-run", "logs", run_id)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.readline()
    process.stdout.close()

    assert process.wait(20) == 0
    assert process.stderr.read() == ""


# ------------------------------------------------------------------------------------------------------- watch


def test_a_run_is_watched_and_its_end_is_the_exit_status(orchestra: Orchestra, shop: Shop) -> None:
    well, badly = shop.begin(), shop.begin()
    shop.move(well, Success("all is well"))
    shop.move(badly, Failed("no orders"))

    assert "Success: all is well" in orchestra("flow-run", "watch", well).out
    done = orchestra("flow-run", "watch", badly, "--json", "--no-logs", status=1)
    assert done.json["state"] == "Failed"
    assert "Failed: no orders" in done.err


# ------------------------------------------------------------------------------------------------------- start


def test_a_run_that_waits_begins_now(orchestra: Orchestra, shop: Shop) -> None:
    later = shop.run(run_name="later", scheduled_start_time=datetime.now(UTC) + timedelta(hours=1))
    paused = shop.run(run_name="paused")
    shop.move(paused, Paused("look at the numbers"))

    assert orchestra("flow-run", "start", later).err == "The flow run later is due now.\n"
    orchestra("flow-run", "start", paused)

    states = [shop.client.get_flow_run_state(run_id) for run_id in (later, paused)]
    assert [state.type_name for state in states] == ["Scheduled", "Resume"]
    assert all(state.start_time <= datetime.now(UTC) for state in states)


def test_a_run_that_does_not_wait_is_left_as_it_is(orchestra: Orchestra, shop: Shop) -> None:
    done = shop.begin(run_name="done")
    shop.move(done, Success())

    refused = orchestra("flow-run", "start", done, status=1)

    assert "done is Success" in refused.err
    assert shop.client.get_flow_run_state(done).is_successful()


def test_a_log_without_such_records_says_so(orchestra: Orchestra, shop: Shop) -> None:
    done = orchestra("flow-run", "logs", shop.run(), "--level", "ERROR")

    assert (done.out, done.err) == ("", "There are no such log records.\n")


# -------------------------------------------------------------------------------------------- cancel and rename


def test_several_runs_are_cancelled_and_again_nothing_happens(orchestra: Orchestra, shop: Shop) -> None:
    waiting, done, running = shop.run(), shop.begin(), shop.begin()
    shop.move(done, Success())

    cancelled = orchestra("flow-run", "cancel", waiting, done, running, waiting, "--json")
    again = orchestra("flow-run", "cancel", waiting, done, running)

    assert [run["state"] for run in cancelled.json] == ["Cancelled", "Success", "Cancelling"]
    assert again.out == ""
    assert [line.rpartition(" is ")[2] for line in again.err.splitlines()] == [
        "Cancelled as before.",
        "Success as before.",
        "Cancelling as before.",
    ]


def test_waiting_for_a_cancellation_can_be_bounded(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.begin(run_name=shop.project)

    done = orchestra("flow-run", "cancel", run_id, "--wait", "--timeout", "1 s", status=1)

    assert f"Waiting until {shop.project} is finished." in done.err
    assert (
        f"The flow run {shop.project} is still Cancelling after 0:00:01. The cancellation stands" in done.err
    )
    orchestra("flow-run", "cancel", run_id, "--timeout", "1 s", status=2)


@pytest.mark.slow
def test_ctrl_c_ends_the_waiting_and_not_the_cancellation(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.begin(run_name=shop.project)

    done = orchestra.at_terminal(
        "flow-run", "cancel", run_id, "--wait", answers={f"{shop.project} is Cancelling": "\x03"}, status=130
    )

    assert "The cancellation stands" in done.out
    assert shop.client.get_flow_run_state(run_id).type_name == "Cancelling"


def test_nothing_is_cancelled_when_a_run_is_not_found_or_not_clear(orchestra: Orchestra, shop: Shop) -> None:
    first = shop.run(run_name=shop.project)
    second = shop.run(run_name=shop.project)

    orchestra("flow-run", "cancel", first, NOBODY, status=1)
    unclear = orchestra("flow-run", "cancel", first, shop.project, status=1)

    assert first in unclear.err
    assert second in unclear.err
    assert shop.client.get_flow_run_state(first).type_name == "Scheduled"


def test_a_run_gets_another_name(orchestra: Orchestra, shop: Shop) -> None:
    run_id = shop.run(run_name=shop.project)

    done = orchestra("flow-run", "rename", shop.project, "monday")

    assert done.err == f"The flow run {shop.project} is monday now.\n"
    assert [run.name for run in shop.runs()] == ["monday"]
    assert shop.runs()[0].id == run_id
