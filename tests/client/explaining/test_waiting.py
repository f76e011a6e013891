"""Why a flow run has not begun: its time, agents, its state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.services.lazarus import Lazarus
from orchestra_client.states import (
    ClientFailed,
    Paused,
    Pending,
    Queued,
    Resume,
    Retrying,
    Running,
    Scheduled,
    Submitted,
)
from tests.client.explaining.conftest import FLOW

if TYPE_CHECKING:
    from tests.client.explaining.conftest import World


# ------------------------------------------------------------------------------------------- before its time


def test_a_run_whose_time_has_not_come(world: World) -> None:
    run_id = world.run(scheduled_start_time=world.clock.now() + timedelta(hours=2, minutes=5))

    reason = world.one(run_id)

    assert reason.code == "not_due"
    assert "in 2 h 5 min (2026-01-01 02:05:00 UTC)" in reason.message
    assert f"orchestra flow-run start {run_id}" in reason.advice


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
    assert f"orchestra flow-run start {run_id}" in reason.advice
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
    assert f"version_group_id='{current.version_group_id}'" in str(archived.python_advice)
    assert f"orchestra run {current.version_group_id}" in archived.advice


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
    world.serve(Lazarus())
    assert world.client.get_flow_run_state(submitted).is_scheduled()


def test_a_run_that_somebody_unknown_took(world: World) -> None:
    run_id = world.run()
    world.client.set_flow_run_state(run_id, 1, Submitted())

    assert "An agent took it 0 s ago" in world.one(run_id).message
