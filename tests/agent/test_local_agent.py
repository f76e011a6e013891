"""The local agent: each run in a process of its own, seen through to its end."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestra_client import Client, states
from orchestra_client.clock import SystemClock
from orchestra_client.delivery.outbox import Outbox
from orchestra_client.delivery.spool import spool_folder
from orchestra_client.errors import TransportConnectionError
from tests.agent.world import TOKEN, defunct_children, exists, lives, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.world import Running, ServerProcess, World

pytestmark = pytest.mark.slow


def test_a_due_run_is_submitted_by_the_agent_and_run(world: World, start: Callable[..., Running]) -> None:
    agent = start()
    run_id = world.run("succeed")

    assert world.ends(run_id).is_successful()
    assert world.states(run_id) == ["Scheduled", "Submitted", "Running", "Success"]
    assert world.row(run_id).agent_id == agent.id


def test_a_killed_run_is_reported_within_seconds_with_the_reason(
    world: World, start: Callable[..., Running]
) -> None:
    start(pace={"look": 60, "longest_poll": 10})
    run_id = world.run("sleep")
    pid = world.pid(run_id)
    until(lambda: world.row(run_id).task_runs[0].state == "Running")

    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    state = world.ends(run_id, timeout=5)

    assert time.monotonic() - killed < 5
    assert state.is_failed()
    assert f"Process {pid} was ended by SIGKILL" in state.message
    assert "about to sleep" in state.message
    [task_run] = world.row(run_id).task_runs
    assert (task_run.state, "SIGKILL" in task_run.state_message) == ("Failed", True)


def test_a_killed_run_goes_on_when_the_task_that_died_may_be_tried_again(
    world: World, start: Callable[..., Running]
) -> None:
    world.register(max_retries=1)
    start()
    run_id = world.run("sleep")
    first = world.pid(run_id)
    until(lambda: world.row(run_id).task_runs[0].state == "Running")

    os.kill(first, signal.SIGKILL)
    until(lambda: world.pid(run_id) != first)
    second = world.pid(run_id)
    until(lambda: world.row(run_id).task_runs[0].state == "Running")
    os.kill(second, signal.SIGKILL)
    state = world.ends(run_id)

    assert f"Process {second} was ended by SIGKILL" in state.message
    tries = (
        world.client.graphql(
            "query($id: UUID!) { flow_run_by_pk(id: $id) { task_runs { states(order_by: {version: asc}) { state message } } } }",
            variables={"id": run_id},
        )
        .data.flow_run_by_pk.task_runs[0]
        .states
    )
    assert [each.state for each in tries][-4:] == ["Running", "Retrying", "Running", "Failed"]
    assert f"process {first} was ended by SIGKILL" in tries[-3].message
    assert tries[-3].message.endswith("It is tried again: retry 1 of 1.")


def test_no_token_is_in_a_message_the_log_or_a_process_list(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    start()
    run_id = world.run("sleep")
    pid = world.pid(run_id)
    until(lambda: world.row(run_id).task_runs[0].state == "Running")
    environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
    [token] = [each.split("=")[1] for each in environ if each.startswith("ORCHESTRA_API_TOKEN=")]
    shown = "".join(
        path.read_text() for path in Path("/proc").glob("[0-9]*/cmdline") if exists(int(path.parent.name))
    )
    os.kill(pid, signal.SIGKILL)
    message = world.ends(run_id).message

    assert token.startswith("orc_")
    assert token != TOKEN
    for text in (shown, message, caplog.text):
        assert token not in text
        assert TOKEN not in text
    assert "here is orc_…" in message


def test_the_token_is_good_for_its_run_and_revoked_with_it(
    world: World, start: Callable[..., Running]
) -> None:
    start()
    run_id = world.run("sleep")
    world.pid(run_id)
    [token] = [each for each in world.client.api_tokens() if each.flow_run_id == run_id]
    assert token.scope == "RUNNER"

    (world.folder / "wake").touch()
    world.ends(run_id)

    until(lambda: not [each for each in world.client.api_tokens() if each.flow_run_id == run_id])


def test_a_process_has_only_what_it_needs(
    world: World, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("ORCHESTRA_API_TOKEN", "orc_of-the-agent")
    start(env={"COLOUR": "blue", "SHAPE": "round"})
    place = tmp_path / "place"
    place.mkdir()
    config = {
        "type": "LocalRun",
        "env": {"SHAPE": "square", "ORCHESTRA_API_TOKEN": "no"},
        "working_dir": str(place),
    }
    world.ends(world.run("tell", run_config=config))
    told = json.loads(world.noted("told"))

    env = told["env"]
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert {env["COLOUR"], env["SHAPE"], env["PYTHONHASHSEED"]} == {"blue", "square", "7"}
    assert {env["PATH"], env["HOME"]} == {os.environ["PATH"], os.environ["HOME"]}
    assert env["ORCHESTRA_API_TOKEN"] not in {"no", "orc_of-the-agent", TOKEN}
    assert told["cwd"] == str(place)
    assert len(told["argv"]) == 1


@pytest.mark.parametrize("does", ["exit early", "forget"])
def test_a_process_that_ends_without_an_end_of_its_run_is_a_failure(
    world: World, start: Callable[..., Running], does: str
) -> None:
    start()
    state = world.ends(world.run(does))

    assert state.is_failed()
    assert ("status 4" if does == "exit early" else "status 0") in state.message
    assert ("there is no such flow" if does == "exit early" else "well then") in state.message


def test_an_end_that_the_run_reported_itself_stays(world: World, start: Callable[..., Running]) -> None:
    agent = start()
    run_id = world.run("fail")
    assert world.ends(run_id).message == "as told"
    until(lambda: not agent.agent.status()[1]["runs"])
    assert world.state(run_id).message == "as told"
    assert world.states(run_id).count("Failed") == 1


@pytest.mark.parametrize(
    ("run_config", "why"),
    [
        ({"type": "KubernetesRun"}, "KubernetesRun"),
        ({"type": "LocalRun", "working_dir": "/nowhere/at/all"}, "/nowhere/at/all is not there"),
    ],
)
def test_a_run_config_that_cannot_be_followed_is_a_failure_that_says_so(
    world: World, start: Callable[..., Running], run_config: dict[str, str], why: str
) -> None:
    start()
    state = world.ends(world.run("succeed", run_config=run_config))
    assert state.is_failed()
    assert why in state.message


def test_a_stubborn_run_is_cancelled_with_everything_it_started(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    start()
    run_id = world.run("be stubborn")
    world.noted("stubborn")
    pids = [world.pid(run_id), *(int(world.noted(f"grandchild-{number}")) for number in range(2))]
    assert all(map(exists, pids))

    world.client.cancel_flow_run(run_id)
    state = world.ends(run_id, timeout=10)

    assert state.type_name == "Cancelled"
    assert "SIGKILL" in state.message
    # The grandchildren are reaped by whoever inherits orphans here.
    until(lambda: not exists(pids[0]))
    until(lambda: not any(lives(pid) for pid in pids))
    assert defunct_children() == []


def test_a_run_that_ends_politely_is_not_killed(world: World, start: Callable[..., Running]) -> None:
    start(pace={"grace": 20})
    run_id = world.run("sleep")
    world.noted("asleep")
    world.client.cancel_flow_run(run_id)
    assert "SIGTERM" in world.ends(run_id).message


def test_a_run_that_is_cancelled_before_it_begins_has_its_process_ended(
    world: World, start: Callable[..., Running]
) -> None:
    agent = start(command=(sys.executable, "-c", "import time; time.sleep(600)"))
    run_id = world.run("succeed")
    until(lambda: world.states(run_id)[-1] == "Submitted" and agent.agent._shift.roster.live())
    world.client.cancel_flow_run(run_id)
    until(lambda: not agent.agent.status()[1]["runs"])
    assert world.states(run_id) == ["Scheduled", "Submitted", "Cancelled"]


def test_a_deleted_run_has_its_process_ended(world: World, start: Callable[..., Running]) -> None:
    start()
    run_id = world.run("sleep")
    pid = world.pid(run_id)
    query = "mutation($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }"
    world.client.graphql(query, variables={"id": run_id})
    until(lambda: not exists(pid))


def test_a_process_that_outlives_its_run_is_ended(world: World, start: Callable[..., Running]) -> None:
    start(pace={"linger": 0.3})
    run_id = world.run("sleep")
    pid = world.pid(run_id)
    until(lambda: world.state(run_id).is_running())
    world.client.set_flow_run_state(run_id, None, states.Success("set by hand"))
    until(lambda: not exists(pid))
    assert world.state(run_id).message == "set by hand"


def test_the_agent_beats_for_a_run_that_cannot(world: World, start: Callable[..., Running]) -> None:
    """A task that holds the interpreter's lock in compiled code stops every thread of its process."""
    start()
    run_id = world.run("hold the lock", seconds=3)
    world.noted("holding")
    first = world.row(run_id).heartbeat
    until(lambda: world.row(run_id).heartbeat > first, timeout=2)
    second = world.row(run_id).heartbeat
    until(lambda: world.row(run_id).heartbeat > second, timeout=2)
    assert world.state(run_id).is_running()
    assert world.ends(run_id).is_successful()


def test_what_a_killed_run_left_on_disk_is_delivered_before_it_is_judged(
    world: World, start: Callable[..., Running]
) -> None:
    agent = start()
    run_id = world.run("leave behind")
    assert world.ends(run_id).message == "left behind"
    until(lambda: [record.message for record in world.client.get_flow_run_logs(run_id)] == ["the last words"])
    until(lambda: not agent.agent.status()[1]["runs"])
    assert world.states(run_id)[-2:] == ["Running", "Success"]


def test_what_another_run_left_and_waits_for_a_slot_delays_no_report(
    world: World, start: Callable[..., Running], server: ServerProcess
) -> None:
    waits = world.run("nothing", labels=["elsewhere"])
    world.client.set_flow_run_state(waits, None, states.Running())
    [task_run] = world.client.get_flow_run_info(waits).task_runs
    world.client.update_task_tag_limit(world.label, 0)

    def away() -> Client:
        raise TransportConnectionError("away")

    left = Outbox(away, folder=spool_folder("states", server.url), threaded=False)
    left.set_task_run_state(task_run.id, None, states.Running())
    left.renew()
    start(pace={"linger": 60})
    runs = [world.run("sleep") for _ in range(3)]
    pids = [world.pid(run) for run in runs]
    until(lambda: all(world.state(run).is_running() for run in runs))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for run in runs:
        assert world.ends(run, timeout=5).is_failed()
    assert world.client.get_task_run_state(task_run.id).is_pending()
    world.client.cancel_flow_run(waits)


def test_runs_are_handed_back_and_taken_up_again(world: World, start: Callable[..., Running]) -> None:
    """A Running run with a task run that is due is started again at once, since its process is known to have ended."""
    start(limit=1)
    run_id = world.run("hand back")
    until(lambda: len(list(world.folder.glob("handed back *"))) >= 2)
    assert world.states(run_id)[:6] == [
        "Scheduled",
        "Submitted",
        "Running",
        "Scheduled",
        "Submitted",
        "Running",
    ]
    world.client.cancel_flow_run(run_id)


def test_a_running_run_that_beats_is_left_to_its_process(world: World, start: Callable[..., Running]) -> None:
    """It may be about to start the task run that is due."""
    run_id = world.run("succeed")
    world.client.set_flow_run_state(run_id, None, states.Running())
    info = world.client.get_flow_run_info(run_id)
    world.client.set_task_run_state(
        info.task_runs[0].id, None, states.Retrying(start_time=world.client._session.clock.now())
    )
    agent = start(pace={"abandoned": 2.0})
    until(lambda: agent.agent.status()[1]["polls"] > 3)
    assert world.states(run_id) == ["Scheduled", "Running"]

    assert world.ends(run_id).is_successful()
    assert world.states(run_id)[2:4] == ["Scheduled", "Submitted"]


def test_a_clock_that_is_ahead_takes_no_live_run_and_delays_no_retry(
    world: World, start: Callable[..., Running]
) -> None:
    class Ahead(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=5)

    live = world.run("succeed")
    world.client.set_flow_run_state(live, None, states.Running())
    info = world.client.get_flow_run_info(live)
    world.client.set_task_run_state(
        info.task_runs[0].id, None, states.Retrying(start_time=SystemClock().now())
    )
    world.register(max_retries=1)
    agent = start(clock=Ahead())
    killed = world.run("sleep")
    world.noted("asleep")
    first = world.pid(killed)
    os.kill(first, signal.SIGKILL)
    until(lambda: world.pid(killed) != first)
    (world.folder / "wake").touch()
    assert world.ends(killed).is_successful()
    assert agent.agent.status()[1]["polls"] > 3
    assert world.states(live) == ["Scheduled", "Running"]


def test_a_running_run_that_beats_is_in_nobodys_way(world: World, start: Callable[..., Running]) -> None:
    live = world.run("succeed")
    world.client.set_flow_run_state(live, None, states.Running())
    info = world.client.get_flow_run_info(live)
    now = world.client._session.clock.now() - timedelta(seconds=60)
    world.client.set_task_run_state(info.task_runs[0].id, None, states.Retrying(start_time=now))
    start(limit=1)
    assert world.ends(world.run("succeed")).is_successful()
    assert world.states(live) == ["Scheduled", "Running"]


def test_the_limit_holds(world: World, start: Callable[..., Running]) -> None:
    agent = start(limit=2)
    runs = [world.run("sleep") for _ in range(4)]
    until(lambda: len([run for run in runs if world.states(run)[-1] == "Running"]) == 2)
    polls = agent.agent.status()[1]["polls"]
    until(lambda: agent.agent.status()[1]["polls"] > polls + 2)
    assert sorted(world.states(run)[-1] for run in runs) == ["Running", "Running", "Scheduled", "Scheduled"]

    (world.folder / "wake").touch()
    assert all(world.ends(run).is_successful() for run in runs)


def test_what_runs_write_is_shown_on_request(
    world: World, start: Callable[..., Running], capfd: pytest.CaptureFixture[str]
) -> None:
    agent = start(show_flow_logs=True)
    world.ends(world.run("forget"))
    agent.stop()
    assert "well then" in capfd.readouterr().out


def test_an_agent_that_is_a_runner_itself_gives_each_run_a_token_of_its_own(
    world: World, start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    made = world.client.create_api_token("agent", "RUNNER")
    start(token=made.token)
    world.ends(world.run("tell"))
    told = json.loads(world.noted("told"))["env"]["ORCHESTRA_API_TOKEN"]
    assert told.startswith("orc_")
    assert told != made.token
    assert told not in caplog.text
