"""Real releases of Prefect register flows with our server, and their own local agents bring the runs to an end.

All runs are made at once and taken by two agents, which race for each of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.interop.peer_world import World, new_world, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.slow]

RELEASES = ["0.12.0", "1.4.1"]
TAKEN_AND_DONE = ["Scheduled", "Submitted", "Running", "Success"]


@dataclass
class Runs:
    """Runs of the flows of agent_flows.py, by what is to become of them."""

    world: World
    story: str
    first: str
    second: str
    cancelled: str


@pytest.fixture(scope="module", params=RELEASES)
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Given a server that asks for tokens, flows of a release, and two agents with tokens of their own."""
    with new_world(request.param, "token", tmp_path_factory.mktemp("peer")) as world:
        # 0.12 asks for the user to print the flow's URL, and a TENANT token has none.
        scope = "USER" if world.release == "0.12.0" else "TENANT"
        flows = world.peer.register(world.client.create_api_token("ci", scope=scope).token or "")
        world.client.update_task_tag_limit("scarce", 1)
        create = world.client.create_flow_run
        made = Runs(
            world,
            create(flows["story"]),
            create(flows["scarce"], parameters={"seconds": 2}),
            create(flows["scarce"], parameters={"seconds": 2}),
            create(flows["nap"], parameters={"seconds": 60, "alarm": str(world.peer.home / "alarm")}),
        )
        # 0.12 takes no other token for an agent than a RUNNER's.
        for name, scope in {
            "one": "RUNNER",
            "two": "RUNNER" if world.release == "0.12.0" else "TENANT",
        }.items():
            world.peer.start_agent(world.client.create_api_token(name, scope=scope).token or "", name)
        yield made


def test_heartbeats_arrive_while_a_task_works_and_a_running_run_is_cancelled(runs: Runs) -> None:
    world, run_id = runs.world, runs.cancelled

    def has_beaten() -> bool:
        story = world.story(run_id)
        if story.task("Nap") != ["Pending", "Running"]:
            return False
        # Only 0.12 beats for its task runs, too.
        beats = [story.beat, story.task_beat("Nap")] if world.release == "0.12.0" else [story.beat]
        return all(last > running for last, running in beats)

    until(has_beaten)
    world.client.cancel_flow_run(run_id)

    if world.release == "1.4.1":
        assert world.finished(run_id).type_name == "Cancelled"
        assert world.story(run_id).states == ["Scheduled", "Submitted", "Running", "Cancelling", "Cancelled"]
        until(lambda: not is_alive(pid_of(world, run_id)))
    else:
        # 0.12 knows nothing of cancelling: it goes on, and is refused in the end.
        (world.peer.home / "alarm").touch()
        until(lambda: not is_alive(pid_of(world, run_id)))
        assert world.story(run_id).states == ["Scheduled", "Submitted", "Running", "Cancelling"]


def pid_of(world: World, run_id: str) -> int:
    """The process that the agent told of in the run's log."""
    messages = [record.message for record in world.client.get_flow_run_logs(run_id)]
    return int(re.search(r"PID: (\d+)", "\n".join(messages))[1])  # type: ignore[index]  # the test fails without


def is_alive(pid: int) -> bool:
    """Whether a process still works; the agent buries those that ended only once a minute."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_mapped_flow_with_a_retry_is_picked_up_and_finished(runs: Runs) -> None:
    world = runs.world

    assert world.finished(runs.story).is_successful()
    story = world.story(runs.story)
    assert story.states == TAKEN_AND_DONE
    assert story.task("Double") == ["Pending", "Mapped"]
    for index in range(3):
        assert story.task("Double", index) == ["Pending", "Running", "Success"]
    assert story.task("Shaky") == ["Pending", "Running", "Failed", "Retrying", "Running", "Success"]
    assert story.task("Check") == ["Pending", "Running", "Success"]
    assert len(story.task_runs) == 8


def test_the_logs_tell_the_run_and_its_task_runs_in_order(runs: Runs) -> None:
    world = runs.world
    world.finished(runs.story)
    ends = "Flow run SUCCESS: all reference tasks succeeded"
    records = until(
        lambda: (
            (found := world.client.get_flow_run_logs(runs.story))
            and ends in [record.message for record in found]
            and found
        )
    )

    task_runs = world.story(runs.story).task_runs
    doubled = [record for record in records if record.message.startswith("doubling")]
    assert [record.message for record in doubled] == ["doubling 1", "doubling 2", "doubling 3"]
    assert [record.task_run_id for record in doubled] == [
        task_runs[f"Double/{index}"]["id"] for index in range(3)
    ]
    assert {record.name for record in doubled} == {"prefect.Double"}
    [error] = [record for record in records if record.level == "ERROR"]
    assert "ValueError" in error.message
    assert records[0].message.startswith("Submitted for execution")


def test_a_task_run_without_a_slot_waits_for_it(runs: Runs) -> None:
    world = runs.world
    both = [runs.first, runs.second]
    for run_id in both:
        assert world.finished(run_id).is_successful()

    naps = [world.story(run_id).task_runs["Nap/-1"]["states"] for run_id in both]
    for states in naps:
        assert [each["state"] for each in states] == ["Pending", "Running", "Success"]
    earlier, later = sorted(naps, key=lambda states: states[1]["timestamp"])
    assert earlier[2]["timestamp"] <= later[1]["timestamp"]
    assert "Queued" in world.peer.output()


def test_each_run_was_taken_by_one_agent(runs: Runs) -> None:
    world = runs.world
    for run_id in (runs.story, runs.first, runs.second):
        world.finished(run_id)
        assert world.story(run_id).states == TAKEN_AND_DONE
        records = world.client.get_flow_run_logs(run_id)
        assert sum("Submitted for execution" in record.message for record in records) == 1


@pytest.mark.parametrize("release", RELEASES)
def test_a_server_without_login_serves_agents_without_tokens(release: str, tmp_path: Path) -> None:
    with new_world(release, "none", tmp_path) as world:
        flows = world.peer.register("")
        run_id = world.client.create_flow_run(flows["story"], parameters={"items": [5, 0], "expected": 10})
        world.peer.start_agent("", "one")

        assert world.finished(run_id).is_successful()
        assert world.story(run_id).states == TAKEN_AND_DONE
