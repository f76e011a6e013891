"""The queue: which runs an agent is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.resolvers.queue import MAX_RUNS

from .conftest import Refused, Server, state

if TYPE_CHECKING:
    from .conftest import Clock


def queue(server: Server, *labels: str, **more: Any) -> list[str]:
    ids: list[str] = server.do("get_runs_in_queue", "flow_run_ids", labels=list(labels), **more)[
        "flow_run_ids"
    ]
    return ids


def test_due_runs_come_earliest_first(server: Server, clock: Clock) -> None:
    flow_id = server.flow()
    late, early, _ = (server.run(flow_id, scheduled_start_time=clock.at(seconds=s)) for s in (-1, -5, 60))
    assert queue(server) == [early, late]


def test_runs_of_the_near_future_can_be_asked_for(server: Server, clock: Clock) -> None:
    run_id = server.run(scheduled_start_time=clock.at(seconds=9))
    assert queue(server) == []
    assert queue(server, before=clock.at(seconds=10)) == [run_id]


@pytest.mark.parametrize("type_name", ["Scheduled", "Paused", "Resume", "Queued", "Retrying"])
def test_whatever_waits_for_a_time_that_passed_is_due(server: Server, clock: Clock, type_name: str) -> None:
    run_id = server.run()
    server.set_flow_run(run_id, type_name, start_time=clock.at())
    assert queue(server) == [run_id]


@pytest.mark.parametrize("type_name", ["Submitted", "Running", "Cancelling", "Success", "Pending"])
def test_nothing_else_is(server: Server, type_name: str) -> None:
    server.set_flow_run(server.run(), type_name)
    assert queue(server) == []


def test_a_running_run_is_due_once_a_task_run_of_it_is(server: Server, clock: Clock) -> None:
    run_id, runs = server.running("a", "b")
    for seconds, run in enumerate(runs, 10):
        server.set_task_run(run, "Retrying", start_time=clock.at(seconds=seconds))
    waiting = server.run(server.flow(name="other"), scheduled_start_time=clock.at(seconds=5))

    assert queue(server, before=clock.at(seconds=6)) == [waiting]
    assert queue(server, before=clock.at(seconds=20)) == [waiting, run_id]


def test_runs_whose_processes_live_starve_nobody(server: Server, clock: Clock) -> None:
    """Whoever waits for a slot is due, too, and has a process that waits for it."""
    flow_id = server.flow("a")
    live = [server.run(flow_id) for _ in range(MAX_RUNS)]
    for run_id in live:
        server.set_flow_run(run_id, "Running")
        server.set_task_run(server.task_runs(run_id)[0], "Retrying", start_time=clock.at(seconds=-5))
    waiting = server.run(flow_id, scheduled_start_time=clock.at())

    assert queue(server)[0] == waiting
    assert len(queue(server)) == MAX_RUNS
    clock.advance(seconds=76)
    assert queue(server) == sorted(live)
    for run_id in live[:-1]:
        server.do("update_flow_run_heartbeat", flow_run_id=run_id)
    assert queue(server)[:2] == [live[-1], waiting]


def test_labels_of_a_run_are_among_the_agents(server: Server) -> None:
    flow_id = server.flow()
    none, a, a_b = (server.run(flow_id, labels=labels) for labels in ([], ["a"], ["b", "a"]))

    assert queue(server) == [none]
    assert queue(server, "a") == [a]
    assert set(queue(server, "a", "b", "c")) == {a, a_b}
    assert queue(server, "b") == []
    assert queue(server, "x") == []


def test_labels_count_for_resuming_runs_too(server: Server, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")
    server.do("set_flow_run_labels", "id", flow_run_id=run_id, labels=["gpu"])
    server.set_task_run(task_run, "Retrying", start_time=clock.at())

    assert queue(server) == []
    assert queue(server, "gpu") == [run_id]


def test_runs_for_others_do_not_starve_an_agent(server: Server, clock: Clock) -> None:
    flow_id = server.flow()
    for _ in range(MAX_RUNS + 1):
        server.run(flow_id, labels=["others"], scheduled_start_time=clock.at(seconds=-60))
    mine = server.run(flow_id, labels=["mine"])

    assert queue(server, "mine") == [mine]
    assert len(queue(server, "others")) == MAX_RUNS


def test_the_agent_is_seen_to_ask(server: Server, clock: Clock) -> None:
    by_header, by_input = (server.do("register_agent", "id", type="LocalAgent")["id"] for _ in "ab")
    clock.advance(seconds=3)

    queue(server.as_agent(by_header))
    queue(server, agent_id=by_input)
    queue(server.as_agent("nobody"))

    assert server("{ agent { last_queried } }")["agent"] == [{"last_queried": clock.at()}] * 2


def test_another_tenants_queue_is_its_own(server: Server) -> None:
    server.run()
    tenant_id = server.do("create_tenant", "id", name="Other", slug="other")["id"]

    assert queue(server.in_tenant(tenant_id), tenant_id=tenant_id) == []
    with pytest.raises(Refused) as caught:
        queue(server, tenant_id=tenant_id)
    assert caught.value.code == "NOT_FOUND"


def test_a_run_in_two_ways_due_is_given_once(server: Server, clock: Clock) -> None:
    run_id, [task_run] = server.running("a")
    server.set_task_run(task_run, "Retrying", start_time=clock.at())
    server.set_flow_runs({"flow_run_id": run_id, "state": state("Queued", start_time=clock.at())})
    assert queue(server) == [run_id]
