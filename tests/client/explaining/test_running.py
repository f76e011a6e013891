"""What a flow run waits for that has begun, and whether it lives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.services.lazarus import Lazarus
from orchestra_client.server.services.zombies import ZombieReaper
from orchestra_client.states import Paused, Queued, Retrying, Running, Success

if TYPE_CHECKING:
    from tests.client.explaining.conftest import World


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
    assert "orchestra limit set db 2" in reason.advice
    assert reason.python_advice == "client.update_task_tag_limit('db', 2)"


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
    assert reason.python_advice == "client.update_task_tag_limit('web', 1)"


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

    assert (queued.code, running.code) == ("in_turn", "running")
    assert "2 task runs (extract[1], extract[2]) wait for others of this run" in queued.message
    assert "they run one after another (the limit of tag 'web' is 1)" in queued.message
    assert "orchestra limit set web 2" in queued.advice
    assert "cancel" not in queued.advice
    assert "nothing to do" not in running.advice


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
    assert f"set_task_run_state('{world.task_run(run_id, 'extract')}', 1, Resume())" in str(
        reason.python_advice
    )


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
    world.serve(ZombieReaper())
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
        world.serve(Lazarus())
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
    world.serve(ZombieReaper())
    assert world.client.get_flow_run_state(run_id).is_cancelled()
