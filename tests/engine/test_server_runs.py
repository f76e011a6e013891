"""Flow runs of the server: what is reported, who owns a run, what a later process continues with."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import context
from orchestra_client.delivery.heartbeats import ABANDONED
from orchestra_client.engine import ThreadExecutor
from orchestra_client.engine.reporting import RunDisowned
from orchestra_client.engine.signals import LOOP
from orchestra_client.errors import FlowStorageError
from orchestra_client.flows import Flow, Parameter, task, triggers
from orchestra_client.flows.cache_validators import all_inputs
from orchestra_client.states import Cancelled, Failed, Mapped, Paused, Resume, Retrying, Running, Success

if TYPE_CHECKING:
    from .conftest import Bench

Ran = list[Any]


@task
def double(x: int) -> int:
    return 2 * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


def test_each_state_is_reported_in_order(bench: Bench) -> None:
    with Flow("reported") as flow:
        summed = total(double.map([1, 2]))
    flow_run_id = bench.create(flow)
    state = bench.run(flow, flow_run_id)
    assert state.result[summed].result == 6
    history = bench.history(flow_run_id)
    assert history["flow"] == ["Scheduled", "Running", "Success"]
    assert history["double-1"] == ["Pending", "Mapped"]
    assert history["double-1[1]"] == history["total-1"] == ["Pending", "Running", "Success"]


def test_parameters_context_and_secrets_come_from_the_server(bench: Bench) -> None:
    @task
    def look() -> Any:
        return context.parameters["p"], context.colour, context.secrets["key"], context.flow_run_name

    with Flow("context") as flow:
        Parameter("p", default=1)()
        seen = look()
    bench.client.set_secret("key", "s3cret-value")
    flow_run_id = bench.create(flow, parameters={"p": 5}, context={"colour": "red"}, run_name="one")
    assert bench.run(flow, flow_run_id).result[seen].result == (5, "red", "s3cret-value", "one")


def test_a_mapped_task_is_reported_in_few_requests(bench: Bench) -> None:
    with Flow("many") as flow:
        total(double.map(list(range(100))))
    flow_run_id = bench.create(flow)
    before = len(bench.server.faults.requests)
    bench.run(flow, flow_run_id, executor=ThreadExecutor(50))
    assert len(bench.server.faults.requests) - before < 60


def test_a_second_process_does_not_run_a_run_that_is_owned(bench: Bench) -> None:
    ran: Ran = []
    bodies = threading.Event()

    @task
    def work() -> None:
        ran.append(1)
        bodies.wait(5)

    with Flow("owned") as flow:
        work()
    flow_run_id = bench.create(flow)
    info = bench.client.get_flow_run_info(flow_run_id)
    late = bench.prepare(flow, flow_run_id)
    # Both have read the run at the same version; the other one is faster.
    late._wait_for_start = lambda state: bench.client.set_flow_run_state(flow_run_id, info.version, Running())
    with pytest.raises(RunDisowned, match="provided version 1 but current version is 2"):
        late.run()
    assert ran == []
    assert bench.history(flow_run_id)["flow"] == ["Scheduled", "Running"]


def test_a_process_that_comes_later_leaves_a_live_run_to_the_first(bench: Bench) -> None:
    ran: Ran = []

    @task
    def work() -> None:
        ran.append("work")
        if len(ran) == 1:
            with pytest.raises(RunDisowned, match=r"sign of life 0 s ago; .* 75 s"):
                bench.run(flow, flow_run_id)

    with Flow("live") as flow:
        work()
    flow_run_id = bench.create(flow)
    assert isinstance(bench.run(flow, flow_run_id), Success)
    assert ran == ["work"]
    assert bench.history(flow_run_id)["flow"] == ["Scheduled", "Running", "Success"]


def test_a_run_that_has_been_silent_for_long_is_taken_over(bench: Bench) -> None:
    with Flow("silent") as flow:
        double(2)
    flow_run_id = bench.create(flow)
    bench.client.set_flow_run_state(flow_run_id, None, Running("by a process that is gone"))
    bench.clock.advance(ABANDONED - 1)
    with pytest.raises(RunDisowned):
        bench.run(flow, flow_run_id)
    bench.clock.advance(1)
    assert isinstance(bench.run(flow, flow_run_id), Success)


def test_whoever_loses_a_task_run_stops_and_touches_nothing_more(bench: Bench) -> None:
    task_run_ids: list[str] = []

    @task
    def stolen() -> int:
        bench.client.set_task_run_state(task_run_ids[0], None, Retrying("resurrected"))
        return 1

    with Flow("lost") as flow:
        double(stolen())
    flow_run_id = bench.create(flow)
    task_run_ids.append(_task_run(bench, flow_run_id, "stolen-1").id)
    with pytest.raises(RunDisowned):
        bench.run(flow, flow_run_id)
    history = bench.history(flow_run_id)
    assert history["stolen-1"] == ["Pending", "Running", "Retrying"]
    assert history["double-1"] == ["Pending"]
    assert history["flow"] == ["Scheduled", "Running"]


def _task_run(bench: Bench, flow_run_id: str, slug: str) -> Any:
    runs = bench.client.get_flow_run_info(flow_run_id).task_runs
    return next(run for run in runs if run.task_slug == slug)


def test_a_run_that_is_started_again_does_not_run_again_what_had_ended(bench: Bench) -> None:
    ran: Ran = []

    @task
    def rows() -> list[int]:
        ran.append("rows")
        return [1, 2, 3]

    @task
    def fragile(x: int) -> int:
        ran.append(x)
        if x == 2 and ran.count(2) == 1:
            raise KeyboardInterrupt  # the process dies
        return x

    with Flow("again") as flow:
        summed = total(fragile.map(rows()))
    flow_run_id = bench.create(flow)
    with pytest.raises(KeyboardInterrupt):
        bench.run(flow, flow_run_id)
    bench.client.set_flow_run_state(flow_run_id, None, Running("started again"))
    state = bench.run_again(flow, flow_run_id)
    assert state.result[summed].result == 6
    assert ran == ["rows", 1, 2, 2, 3]


def test_a_result_that_was_not_stored_fails_what_needs_it_again(bench: Bench) -> None:
    with Flow("unstored") as flow:
        first = task(name="first", checkpoint=False)(lambda: [1])()
        second = task(name="second", trigger=triggers.manual_only)(lambda x: x)(first)
    flow_run_id = bench.create(flow)
    bench.run(flow, flow_run_id)
    _resume(bench, flow_run_id, "second-1")
    state = bench.run_again(flow, flow_run_id)
    assert "was not stored" in state.result[second].message


def test_a_long_retry_is_left_to_the_queue_and_a_short_one_is_not(bench: Bench) -> None:
    @task(max_retries=2, retry_delay=60, retry_backoff=60)
    def flaky() -> int:
        if context.task_run_count < 3:
            raise ValueError
        return context.task_run_count

    with Flow("retries") as flow:
        result = flaky()
    flow_run_id = bench.create(flow)
    state = bench.run(flow, flow_run_id)
    assert isinstance(state, Paused)
    assert state.start_time == bench.clock.now() + timedelta(hours=1)
    assert bench.client.get_flow_run_state(flow_run_id).is_running()
    assert bench.client.get_runs_in_queue() == []
    bench.clock.advance(3600)
    assert bench.client.get_runs_in_queue() == [flow_run_id]
    assert bench.run(flow, flow_run_id).result[result].result == 3
    assert bench.history(flow_run_id)["flaky-1"] == [
        "Pending", "Running", "Retrying", "Running", "Retrying", "Running", "Success",
    ]  # fmt: skip


def test_a_paused_run_goes_on_when_somebody_resumes_it(bench: Bench) -> None:
    with Flow("approval") as flow:
        approved = task(name="approve", trigger=triggers.manual_only)(lambda x: x + 1)(double(4))
    flow_run_id = bench.create(flow)
    assert isinstance(bench.run(flow, flow_run_id), Paused)
    _resume(bench, flow_run_id, "approve-1")
    assert bench.client.get_runs_in_queue() == [flow_run_id]
    assert bench.run_again(flow, flow_run_id).result[approved].result == 9


def _resume(bench: Bench, flow_run_id: str, slug: str) -> None:
    run = _task_run(bench, flow_run_id, slug)
    bench.client.set_task_run_state(run.id, run.version, Resume(start_time=bench.clock.now()))


def test_a_loop_that_is_left_to_the_queue_goes_on_in_its_round(bench: Bench) -> None:
    seen: Ran = []

    @task(max_retries=1, retry_delay=3600)
    def rounds() -> Any:
        seen.append((context.task_loop_count, context.task_loop_result, context.task_run_count))
        if len(seen) == 2:
            raise ValueError
        if context.task_loop_count < 3:
            raise LOOP(result=context.task_loop_count * 10)
        return context.task_loop_result

    with Flow("loop") as flow:
        result = rounds()
    flow_run_id = bench.create(flow)
    bench.run(flow, flow_run_id)
    bench.clock.advance(3600)
    assert bench.run(flow, flow_run_id).result[result].result == 20
    assert seen == [(1, None, 1), (2, 10, 1), (2, 10, 2), (3, 20, 2)]


def test_a_task_without_a_slot_waits_without_a_thread_and_runs_when_one_is_free(bench: Bench) -> None:
    bench.client.update_task_tag_limit("db", 1)
    at_once: Ran = []
    most: Ran = []

    @task(tags=["db"])
    def query(x: int) -> int:
        at_once.append(x)
        most.append(len(at_once))
        time.sleep(0.01)
        at_once.remove(x)
        return x

    with Flow("limited") as flow:
        result = query.map([1, 2, 3])
        other = double(1)
    flow_run_id = bench.create(flow)
    state = bench.run(flow, flow_run_id, executor=ThreadExecutor(2))
    assert state.result[result].result == [1, 2, 3]
    assert state.result[other].result == 2
    assert max(most) == 1


def test_a_slot_that_another_run_holds_is_waited_for(bench: Bench) -> None:
    limit = bench.client.update_task_tag_limit("db", 0)
    with Flow("stopped") as flow:
        result = double.copy(tags=["db"])(1)
    slept = bench.clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        bench.client.update_task_tag_limit("db", 1)

    bench.clock.sleep = sleep  # type: ignore[method-assign]  # somebody frees the slot while the run waits
    assert limit
    assert bench.run(flow).result[result].result == 2
    assert 0 < sum(bench.clock.pauses) < 10


def test_earlier_results_are_found_on_the_server(bench: Bench) -> None:
    ran: Ran = []

    @task(cache_for=timedelta(hours=1), cache_validator=all_inputs)
    def load(x: int) -> list[int]:
        ran.append(x)
        return [x]

    with Flow("cached") as flow:
        loaded = load(Parameter("x"))
        summed = total(loaded)
    flow_id = bench.register(flow)
    results = []
    for x in (1, 1, 2):
        flow_run_id = bench.client.create_flow_run(flow_id=flow_id, parameters={"x": x})
        results.append(bench.run(flow, flow_run_id).result[summed].result)
    assert results == [1, 1, 2]
    assert ran == [1, 2]


def test_a_flow_run_that_is_being_cancelled_ends_cancelled(bench: Bench) -> None:
    flow_run_ids: list[str] = []

    @task
    def cancel() -> None:
        bench.client.cancel_flow_run(flow_run_ids[0])

    with Flow("cancelled") as flow:
        double(1, upstream_tasks=[cancel()])
    flow_run_ids.append(bench.create(flow))
    state = bench.run(flow, flow_run_ids[0])
    assert isinstance(state, Cancelled)
    history = bench.history(flow_run_ids[0])
    assert history["flow"] == ["Scheduled", "Running", "Cancelling", "Cancelled"]
    assert history["double-1"] == ["Pending", "Cancelled"]


def test_a_run_that_was_asked_to_stop_before_it_began_ends_cancelled(bench: Bench) -> None:
    with Flow("early") as flow:
        double(1)
    flow_run_id = bench.create(flow)
    bench.client.set_flow_run_state(flow_run_id, 1, Running())
    bench.client.cancel_flow_run(flow_run_id)
    assert isinstance(bench.run(flow, flow_run_id), Cancelled)
    assert bench.history(flow_run_id)["double-1"] == ["Pending", "Cancelled"]


def test_a_finished_run_is_left_as_it_is(bench: Bench) -> None:
    with Flow("finished") as flow:
        double(1)
    flow_run_id = bench.create(flow)
    bench.run(flow, flow_run_id)
    assert isinstance(bench.run(flow, flow_run_id), Success)
    assert len(bench.history(flow_run_id)["flow"]) == 3


def test_a_flow_that_changed_since_it_was_registered_is_refused_before_it_runs(bench: Bench) -> None:
    with Flow("changed") as flow:
        double(1)
    flow_run_id = bench.create(flow)
    with Flow("changed") as changed:
        total([1])
    with pytest.raises(FlowStorageError, match="total-1 is none of its registered tasks"):
        bench.run(changed, flow_run_id)
    assert bench.history(flow_run_id)["flow"] == ["Scheduled"]


def test_lost_answers_and_refused_connections_change_nothing(bench: Bench) -> None:
    with Flow("outage") as flow:
        summed = total(double.map([1, 2, 3]))
    flow_run_id = bench.create(flow)
    bench.server.faults.lose_answers(2, matching="SetFlowRunStates")
    bench.server.faults.lose_answers(3, matching="SetTaskRunStates")
    bench.server.faults.refuse_connections(5, matching="TaskRun")
    state = bench.run(flow, flow_run_id)
    assert state.result[summed].result == 12
    history = bench.history(flow_run_id)
    assert history["flow"] == ["Scheduled", "Running", "Success"]
    assert history["total-1"] == ["Pending", "Running", "Success"]


def test_a_state_that_cannot_be_kept_becomes_a_failure_that_says_so(bench: Bench) -> None:
    with Flow("too large") as flow:
        result = task(name="large")(lambda: Success("x" * 2_000_000))()
    state = bench.run(flow)
    assert isinstance(state.result[result], Failed)
    assert "could not be kept" in state.result[result].message


def test_a_task_run_gets_the_name_its_task_wants(bench: Bench) -> None:
    with Flow("named") as flow:
        named = task(name="named", task_run_name="load {table} #{map_index}")(
            lambda table: context.task_run_name
        )
        names = named.map(["a", "b"])
    assert bench.run(flow).result[names].result == ["load a #0", "load b #1"]
    rows = bench.client.graphql("{ task_run(where: {map_index: {_gte: 0}}) { name } }").data.task_run
    assert sorted(row.name for row in rows) == ["load a #0", "load b #1"]


def test_the_runs_that_a_mapped_task_became_are_told(bench: Bench) -> None:
    with Flow("told") as flow:
        doubled = double.map([1, 2])
    flow_run_id = bench.create(flow)
    state = bench.run(flow, flow_run_id)
    assert isinstance(state.result[doubled], Mapped)
    parent = _task_run(bench, flow_run_id, "double-1")
    assert parent.state.n_map_states == 2
    children = bench.client.get_mapped_children(parent.id)
    assert [child.state.result_object.location for child in children] == [
        f"{flow_run_id}/double-1-0.pickle",
        f"{flow_run_id}/double-1-1.pickle",
    ]
