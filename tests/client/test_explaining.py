"""Why a flow run is not running: each reason as it comes about on a real server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import NotFound
from orchestra_client.server.services.background import LeasedService
from orchestra_client.server.services.lazarus import Lazarus
from orchestra_client.server.services.zombies import ZombieReaper
from orchestra_client.states import (
    Cancelled,
    ClientFailed,
    Failed,
    Paused,
    Pending,
    Queued,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Submitted,
    Success,
)

if TYPE_CHECKING:
    from orchestra_client.results import Explanation, Reason
    from orchestra_client.testing import Faults, MemoryServer, VirtualClock

NOBODY = "00000000-0000-4000-8000-000000000000"
FLOW = {
    "name": "etl",
    "tasks": [
        {"name": "extract", "slug": "extract-1", "tags": ["web"]},
        {"name": "load", "slug": "load-1", "tags": ["db"]},
        {"name": "tell", "slug": "tell-1"},
    ],
    "edges": [
        {"upstream_task": {"slug": "extract-1"}, "downstream_task": {"slug": "load-1"}},
        {"upstream_task": {"slug": "load-1"}, "downstream_task": {"slug": "tell-1"}},
    ],
}


class World:
    """One flow, its runs, and agents, as a test needs them."""

    def __init__(self, client: Any, clock: VirtualClock, server: MemoryServer) -> None:
        self.client = client
        self.clock = clock
        self.server = server
        client.create_project("sales")
        self.flow_id = client.register(FLOW, "sales", no_url=True)

    def run(self, *, name: str = "owl", labels: tuple[str, ...] = (), **arguments: Any) -> str:
        made: str = self.client.create_flow_run(self.flow_id, run_name=name, labels=list(labels), **arguments)
        return made

    def running(self, name: str = "owl") -> str:
        run_id = self.run(name=name)
        self.client.set_flow_run_state(run_id, None, Running())
        return run_id

    def agent(self, name: str, *labels: str, asks: bool = True) -> str:
        agent_id: str = self.client.register_agent("LocalAgent", name, labels)
        if asks:
            self.ask(agent_id, *labels)
        return agent_id

    def ask(self, agent_id: str, *labels: str) -> None:
        self.client.get_runs_in_queue(labels, agent_id=agent_id)

    def task_run(self, run_id: str, task: str) -> str:
        [found] = (each for each in self.client.task_runs(run_id, name=task) if each.map_index < 0)
        return str(found.id)

    def set(self, run_id: str, task: str, *states: Any) -> Any:
        task_run_id = self.task_run(run_id, task)
        return [self.client.set_task_run_state(task_run_id, None, state) for state in states][-1]

    def beat(self, run_id: str) -> None:
        assert self.client.update_flow_run_heartbeat(run_id)

    def why(self, run_id: str) -> Explanation:
        explanation: Explanation = self.client.explain_flow_run(run_id)
        return explanation

    def one(self, run_id: str) -> Reason:
        [reason] = self.why(run_id).reasons
        return reason

    def codes(self, run_id: str) -> list[str]:
        return [reason.code for reason in self.why(run_id).reasons]


@pytest.fixture
def world(client: Any, clock: VirtualClock, server: MemoryServer) -> World:
    return World(client, clock, server)


# ------------------------------------------------------------------------------------------- before its time


def test_a_run_whose_time_has_not_come(world: World) -> None:
    run_id = world.run(scheduled_start_time=world.clock.now() + timedelta(hours=2, minutes=5))

    reason = world.one(run_id)

    assert reason.code == "not_due"
    assert "in 2 h 5 min (2026-01-01 02:05:00 UTC)" in reason.message
    assert f"set_flow_run_state('{run_id}', 1, Scheduled())" in reason.advice


def test_what_is_advised_lets_a_run_begin_at_once(world: World) -> None:
    run_id = world.run(scheduled_start_time=world.clock.now() + timedelta(hours=2))

    world.client.set_flow_run_state(run_id, 1, Scheduled(start_time=world.clock.now()))

    assert world.codes(run_id) == ["no_agents"]


def test_a_run_that_is_to_be_tried_again(world: World) -> None:
    run_id = world.running()
    world.client.set_flow_run_state(
        run_id, None, Retrying(start_time=world.clock.now() + timedelta(minutes=3), run_count=1)
    )

    reason = world.one(run_id)

    assert reason.code == "retrying_until"
    assert "in 3 min" in reason.message


def test_a_paused_run_says_how_to_let_it_go_on(world: World) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(run_id, 1, Paused("look at the numbers"))
    world.clock.advance(60)

    reason = world.one(run_id)

    assert reason.code == "paused"
    assert "1 min ago: look at the numbers" in reason.message
    assert f"client.set_flow_run_state('{run_id}', 2, Resume())" in reason.advice
    world.client.set_flow_run_state(run_id, 2, Resume(start_time=world.clock.now()))
    assert world.codes(run_id) == ["no_agents"]


def test_a_run_that_is_paused_for_a_while_says_until_when(world: World) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(run_id, 1, Paused(start_time=world.clock.now() + timedelta(days=1)))

    assert "goes on by itself in 1 d" in world.one(run_id).message
    world.clock.advance(86_401)
    assert world.codes(run_id) == ["no_agents"]


@pytest.mark.parametrize("state", [Pending(), ClientFailed("no disk")])
def test_a_run_in_a_state_that_agents_do_not_take(world: World, state: Any) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(run_id, 1, state)

    reason = world.one(run_id)

    assert reason.code == "not_scheduled"
    assert f"It is {state.type_name}" in reason.message


# ------------------------------------------------------------------------------------------- agents


def test_nobody_there_to_take_it(world: World) -> None:
    run_id = world.run(labels=("gpu", "two words"))

    reason = world.one(run_id)

    assert reason.code == "no_agents"
    assert "labels 'gpu', 'two words'" in reason.message
    assert reason.advice.endswith("orchestra agent start --label gpu --label 'two words'")


def test_agents_of_other_labels_and_what_each_lacks(world: World) -> None:
    world.agent("box", "eu")
    world.clock.advance(5)
    world.agent("rack", "cpu", "us")
    world.agent("plain")
    run_id = world.run(labels=("eu", "gpu"))

    reason = world.one(run_id)

    assert reason.code == "no_agent_with_labels"
    assert "No agent has its labels 'eu', 'gpu'" in reason.message
    assert "agent 'box' lacks 'gpu', asked 5 s ago" in reason.message
    assert "agent 'rack' lacks 'eu', 'gpu', asked 0 s ago" in reason.message
    assert reason.message.index("'box'") < reason.message.index("'rack'")
    assert "--label eu --label gpu" in reason.advice


def test_a_run_without_labels_among_agents_that_want_some(world: World) -> None:
    world.agent("box", "eu", "gpu")
    run_id = world.run()

    reason = world.one(run_id)

    assert reason.code == "no_agent_with_labels"
    assert "It has no labels, and all agents want some: agent 'box' wants 'eu', 'gpu'" in reason.message


def test_an_agent_that_started_again_is_named_once(world: World) -> None:
    for _ in range(3):
        world.agent("box", "eu")
        world.clock.advance(100)
    run_id = world.run(labels=("gpu",))

    assert world.one(run_id).message.count("'box'") == 1


def test_many_agents_are_counted_not_listed(world: World) -> None:
    for number in range(8):
        world.agent(f"box-{number}", "eu")
    run_id = world.run(labels=("gpu",))

    message = world.one(run_id).message

    assert message.count("lacks") == 5
    assert message.endswith("3 more.")


def test_agents_that_have_fallen_silent(world: World) -> None:
    world.agent("box", "eu", "gpu")
    world.agent("never", "eu", asks=False)
    world.clock.advance(3 * 3600)
    world.agent("awake", "us")
    run_id = world.run(labels=("eu",))

    reason = world.one(run_id)

    assert reason.code == "agents_silent"
    assert "agent 'box' asked 3 h ago; agent 'never' has never asked for runs" in reason.message
    assert "awake" not in reason.message


def test_a_run_that_an_agent_is_about_to_take(world: World) -> None:
    world.agent("box", "eu")
    run_id = world.run(labels=("eu",))
    world.clock.advance(3)

    reason = world.one(run_id)

    assert reason.code == "about_to_start"
    assert "due 3 s ago, and agent 'box' may take it" in reason.message


def test_an_agent_that_asks_and_does_not_take_it(world: World) -> None:
    busy = world.agent("box", "eu")
    in_hand = [world.run(name=f"other-{number}", labels=("eu",)) for number in range(2)]
    world.client.attach_headers({"X-Orchestra-Agent-Id": busy})
    for run_id in in_hand:
        world.client.set_flow_run_state(run_id, 1, Submitted())
    world.client.set_flow_run_state(in_hand[0], 2, Running())
    run_id = world.run(labels=("eu",))
    world.clock.advance(300)
    world.ask(busy, "eu")

    reason = world.one(run_id)

    assert reason.code == "agent_busy"
    assert "became due 5 min ago" in reason.message
    assert "agent 'box' asked 0 s ago and has 2 runs in hand" in reason.message
    assert "--limit" in reason.advice


def test_the_labels_of_a_flow_count_for_a_run_that_was_given_none(world: World) -> None:
    flow = {**FLOW, "name": "other", "run_config": {"type": "LocalRun", "labels": ["tpu"]}}
    flow_id = world.client.register(flow, "sales", no_url=True)
    world.agent("box")

    assert "its label 'tpu'" in world.one(world.client.create_flow_run(flow_id)).message


def test_a_queued_flow_run_is_taken_when_its_time_comes(world: World) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(
        run_id, 1, Queued("full", start_time=world.clock.now() + timedelta(seconds=30))
    )

    assert world.codes(run_id) == ["not_due"]
    world.clock.advance(31)
    assert world.codes(run_id) == ["no_agents"]


# ------------------------------------------------------------------------------------------- archived flows


def test_a_run_that_ended_with_its_archived_version(world: World) -> None:
    run_id = world.run()
    world.client.register(FLOW, "sales", no_url=True, force=True)

    ended, archived = world.why(run_id).reasons

    assert (ended.code, archived.code) == ("finished", "flow_archived")
    assert "version 1 of flow 'etl', which is archived; version 2 is in use" in archived.message
    [current] = world.client.flows()
    assert f"version_group_id='{current.version_group_id}'" in archived.advice


def test_a_run_of_a_flow_that_is_out_of_use_waits_all_the_same(world: World) -> None:
    """Given a run that had begun when its flow was archived, it is no run that archiving cancels."""
    run_id = world.running()
    world.client.archive_flow(world.flow_id)
    world.client.set_flow_run_state(run_id, None, Scheduled(start_time=world.clock.now()))

    reasons = world.why(run_id).reasons

    assert [reason.code for reason in reasons] == ["no_agents", "flow_archived"]
    assert "no newer one" in reasons[1].message


# ------------------------------------------------------------------------------------------- taken, not begun


@pytest.fixture
def submitted(world: World) -> str:
    """A run that agent 'box' took 20 s ago."""
    agent_id = world.agent("box")
    run_id = world.run()
    world.client.attach_headers({"X-Orchestra-Agent-Id": agent_id})
    world.client.set_flow_run_state(run_id, 1, Submitted())
    world.clock.advance(20)
    return run_id


def test_a_run_that_was_taken_and_has_not_begun(world: World, submitted: str) -> None:
    reason = world.one(submitted)

    assert reason.code == "submitted_not_started"
    assert "Agent 'box' took it 20 s ago" in reason.message
    assert "asked for runs 20 s ago" in reason.message
    assert "takes some seconds" in reason.advice


def test_a_run_that_was_taken_and_lost(world: World, submitted: str) -> None:
    """Given an agent that is not heard of any more, the time is told at which Lazarus acts, and he does."""
    world.clock.advance(280)

    reason = world.one(submitted)

    assert "Agent 'box' took it 5 min ago" in reason.message
    assert "schedules the run again: in 5 min (2026-01-01 00:10:00 UTC)" in reason.advice
    world.clock.advance(301)
    assert "overdue" in world.one(submitted).advice
    serve(world, Lazarus())
    assert world.client.get_flow_run_state(submitted).is_scheduled()


def test_a_run_that_somebody_unknown_took(world: World) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(run_id, 1, Submitted())

    assert "An agent took it 0 s ago" in world.one(run_id).message


def serve(world: World, service: Any) -> None:
    """Let one of the server's services do its round."""
    assert LeasedService(service, world.server._service.database, "here").run()


# ------------------------------------------------------------------------------------------- running


def test_a_run_that_runs(world: World) -> None:
    run_id = world.running()
    world.set(run_id, "extract", Running())
    world.clock.advance(9)

    reason = world.one(run_id)

    assert reason.code == "running"
    assert "last heard of 9 s ago; 1 task run of it is Running: extract" in reason.message


def test_a_run_between_two_tasks_runs(world: World) -> None:
    assert world.codes(world.running()) == ["running"]


def test_a_run_whose_task_waits_for_a_slot_that_another_run_holds(world: World) -> None:
    world.client.update_task_tag_limit("db", 1)
    other, run_id = world.running("bear"), world.running("owl")
    world.set(other, "load", Running())
    world.clock.advance(65)
    world.beat(run_id)
    world.set(run_id, "extract", Running(), Success())
    assert isinstance(world.set(run_id, "load", Running()), Queued)

    reason = world.one(run_id)

    assert reason.code == "queued_by_tag_limit"
    assert "1 task run (load) cannot begin: the limit of tag 'db' is 1" in reason.message
    assert f"task run 'load' of flow run 'bear' ({other}), for 1 min 5 s" in reason.message
    assert "client.update_task_tag_limit('db', 2)" in reason.advice


def test_raising_the_limit_as_advised_helps(world: World) -> None:
    world.client.update_task_tag_limit("web", 1)
    other, run_id = world.running("bear"), world.running("owl")
    world.set(other, "extract", Running())
    assert world.codes(run_id) == ["queued_by_tag_limit"]

    world.client.update_task_tag_limit("web", 2)

    assert world.codes(run_id) == ["running"]
    assert world.set(run_id, "extract", Running()).is_running()


def test_a_limit_of_nought_stops_a_tag(world: World) -> None:
    world.client.update_task_tag_limit("web", 0)

    reason = world.one(world.running())

    assert reason.code == "queued_by_tag_limit"
    assert "the limit of tag 'web' is 0, which stops it" in reason.message
    assert "update_task_tag_limit('web', 1)" in reason.advice


def test_a_task_that_waits_for_others_does_not_wait_for_a_slot(world: World) -> None:
    """Given that `load` would find no slot, while `extract` before it runs, then only `extract` is told of."""
    world.client.update_task_tag_limit("db", 0)
    run_id = world.running()
    world.set(run_id, "extract", Running())

    assert world.codes(run_id) == ["running"]
    world.set(run_id, "extract", Success())
    assert world.codes(run_id) == ["queued_by_tag_limit"]


def test_a_run_that_waits_for_itself_says_so(world: World) -> None:
    world.client.update_task_tag_limit("web", 1)
    run_id = world.running()
    extract = world.client.task_runs(run_id, name="extract")[0]
    children = [
        world.client.get_task_run_info(run_id, extract.task_id, map_index=index).id for index in range(3)
    ]
    world.client.set_task_run_state(extract.id, None, Success())
    world.client.set_task_run_state(children[0], None, Running())

    queued, running = world.why(run_id).reasons

    assert (queued.code, running.code) == ("queued_by_tag_limit", "running")
    assert "2 task runs (extract[1], extract[2]) cannot begin" in queued.message
    assert "held by task run 'extract[0]' of this run" in queued.message


def test_a_child_waits_for_the_child_beside_it_alone(world: World) -> None:
    world.client.update_task_tag_limit("db", 0)
    run_id = world.running()
    for task in ("extract", "load"):
        parent = world.client.task_runs(run_id, name=task)[0]
        children = [
            world.client.get_task_run_info(run_id, parent.task_id, map_index=index).id for index in range(2)
        ]
        world.client.set_task_run_state(parent.id, None, Success())
        if task == "extract":
            for child, states in zip(children, ([Running()], [Running(), Success()]), strict=True):
                for state in states:
                    world.client.set_task_run_state(child, None, state)

    queued, _ = world.why(run_id).reasons

    assert "1 task run (load[1]) cannot begin" in queued.message


def test_all_holders_are_told_of(world: World) -> None:
    world.client.update_task_tag_limit("web", 2)
    others = [world.running(name) for name in ("bear", "wolf")]
    for other in others:
        world.set(other, "extract", Running())

    message = world.one(world.running()).message

    assert "2 slots are held" in message
    assert "flow run 'bear'" in message
    assert "flow run 'wolf'" in message


def test_a_run_whose_task_is_tried_again_later(world: World) -> None:
    run_id = world.running()
    later = world.clock.now() + timedelta(seconds=40)
    world.set(run_id, "extract", Running(), Retrying(start_time=later, run_count=1))

    reason = world.one(run_id)

    assert reason.code == "retrying_until"
    assert "1 task run of it (extract) is to be tried again, the first in 40 s" in reason.message


def test_a_run_with_a_paused_task(world: World) -> None:
    run_id = world.running()
    world.set(run_id, "extract", Paused())

    reason = world.one(run_id)

    assert reason.code == "paused"
    assert f"set_task_run_state('{world.task_run(run_id, 'extract')}', 1, Resume())" in reason.advice


def test_a_run_that_left_its_task_to_the_queue(world: World) -> None:
    """Given a process that ended because its only task waits for an hour, the run is not lost."""
    run_id = world.running()
    later = world.clock.now() + timedelta(hours=1)
    world.set(run_id, "extract", Running(), Retrying(start_time=later, run_count=1))
    world.clock.advance(700)

    assert world.codes(run_id) == ["retrying_until"]
    world.clock.advance(3000)
    assert world.codes(run_id) == ["no_agents"]


# ------------------------------------------------------------------------------------------- silence


def test_a_run_whose_process_is_gone(world: World) -> None:
    """Given a task run that ran in it, the time is told at which the reaper acts, and it does."""
    run_id = world.running()
    world.set(run_id, "extract", Running())
    world.clock.advance(120)

    reason = world.one(run_id)

    assert reason.code == "stopped_beating"
    assert "the last heartbeat was 2 min ago" in reason.message
    assert "1 Running task run in 8 min (2026-01-01 00:10:00 UTC)" in reason.advice
    world.clock.advance(481)
    serve(world, ZombieReaper())
    [extract] = world.client.task_runs(run_id, name="extract")
    assert extract.state == "Failed"


def test_a_run_whose_process_is_gone_between_tasks(world: World) -> None:
    run_id = world.running()
    world.clock.advance(120)

    advice = world.one(run_id).advice

    assert "schedules it again in 8 min (2026-01-01 00:10:00 UTC)" in advice
    assert "3 times at most" in advice


def test_a_run_that_was_lost_too_often(world: World) -> None:
    run_id = world.running()
    for _ in range(3):
        world.clock.advance(601)
        serve(world, Lazarus())
        world.client.set_flow_run_state(run_id, None, Running())
    world.clock.advance(120)

    assert "sets it to Failed in 8 min" in world.one(run_id).advice


@pytest.mark.parametrize("beats", ["update_flow_run_heartbeat", "update_task_run_heartbeat"])
def test_a_beat_of_the_run_or_of_its_task_is_a_sign_of_life(world: World, beats: str) -> None:
    run_id = world.running()
    world.set(run_id, "extract", Running())
    world.clock.advance(300)

    getattr(world.client, beats)(run_id if "flow" in beats else world.task_run(run_id, "extract"))

    assert world.codes(run_id) == ["running"]


def test_a_flow_that_need_not_beat_is_not_silent(world: World) -> None:
    world.client.graphql(
        f'mutation {{ disable_flow_heartbeat(input: {{flow_id: "{world.flow_id}"}}) {{ success }} }}'
    )
    run_id = world.running()
    world.clock.advance(3600)

    assert world.codes(run_id) == ["running"]


def test_without_lazarus_nobody_schedules_it_again(world: World) -> None:
    world.client.graphql(
        f'mutation {{ disable_flow_lazarus_process(input: {{flow_id: "{world.flow_id}"}}) {{ success }} }}'
    )
    run_id = world.running()
    world.clock.advance(3600)

    assert "switched off for its flow" in world.one(run_id).advice


def test_a_run_that_is_being_cancelled(world: World) -> None:
    run_id = world.running()
    world.client.cancel_flow_run(run_id)
    world.clock.advance(10)

    reason = world.one(run_id)

    assert reason.code == "cancelling"
    assert "told to stop 10 s ago; its process was last heard of 10 s ago" in reason.message


def test_a_run_that_nobody_is_left_to_cancel(world: World) -> None:
    run_id = world.running()
    world.client.cancel_flow_run(run_id)
    world.clock.advance(300)

    reason = world.one(run_id)

    assert "nobody is left to stop" in reason.message
    assert "Cancelled in 5 min" in reason.advice
    world.clock.advance(301)
    serve(world, ZombieReaper())
    assert world.client.get_flow_run_state(run_id).is_cancelled()


# ------------------------------------------------------------------------------------------- finished


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (Success(), "There is nothing to do."),
        (Failed("disk full"), "orchestra flow-run logs"),
        (Cancelled("enough"), "Create another run"),
    ],
)
def test_a_finished_run(world: World, state: Any, advice: str) -> None:
    run_id = world.running()
    world.client.set_flow_run_state(run_id, None, state)
    world.clock.advance(125)

    reason = world.one(run_id)

    assert reason.code == "finished"
    assert f"It ended as {state.type_name} 2 min 5 s ago" in reason.message
    assert (state.message or "") in reason.message
    assert advice in reason.advice


# ------------------------------------------------------------------------------------------- the explanation


def test_an_explanation_reads_well(world: World) -> None:
    run_id = world.run(name="wise-owl", scheduled_start_time=world.clock.now() + timedelta(seconds=90))

    why = world.why(run_id)

    assert (why.flow_run_id, why.name, why.state) == (run_id, "wise-owl", "Scheduled")
    assert why.summary == (
        "Flow run 'wise-owl' is Scheduled. It is to begin in 1 min 30 s (2026-01-01 00:01:30 UTC)."
    )
    assert str(why).splitlines() == [
        "Flow run 'wise-owl' is Scheduled.",
        f"- {why.reasons[0].message}",
        f"  {why.reasons[0].advice}",
    ]


def test_a_run_that_does_not_exist(world: World) -> None:
    with pytest.raises(NotFound, match=NOBODY):
        world.why(NOBODY)


def test_few_questions_are_asked(world: World, faults: Faults) -> None:
    world.client.update_task_tag_limit("web", 0)
    finished, waiting, queued = world.running(), world.run(), world.running()
    world.client.set_flow_run_state(finished, None, Success())
    world.agent("box")

    asked = []
    for run_id in (finished, waiting, queued):
        before = len(faults.requests)
        world.why(run_id)
        asked.append(len(faults.requests) - before)

    assert asked == [1, 3, 4]
