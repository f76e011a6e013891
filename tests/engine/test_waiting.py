"""Tasks that do not run straight through: retries, pauses, loops, timeouts, caches. Time is a clock turned by hand."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from orchestra_client import context
from orchestra_client.engine import LocalResults, ThreadExecutor, run_flow
from orchestra_client.engine.signals import LOOP, PAUSE, RETRY
from orchestra_client.flows import Flow, Parameter, task, triggers
from orchestra_client.flows.cache_validators import all_inputs, all_parameters
from orchestra_client.states import Cached, Mapped, Paused, Resume, State, TimedOut
from orchestra_client.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@task
def add_up(xs: list[int]) -> int:
    return sum(xs)


def failing(times: int, **settings: Any) -> Any:
    """A task that fails so many times, and then returns how often it was tried."""
    tries: list[int] = []

    def flaky() -> int:
        tries.append(context.task_run_count)
        if len(tries) <= times:
            raise ValueError(f"try {len(tries)}")
        return len(tries)

    return task(flaky, **settings) if not settings else task(**settings)(flaky)


# ------------------------------------------------------------------------------------------ retries


def test_a_failed_task_is_tried_again_after_growing_waits(clock: VirtualClock) -> None:
    seen: list[State] = []
    with Flow("retries") as flow:
        result = failing(
            3, max_retries=3, retry_delay=60, retry_backoff=2, on_retry=lambda task, state: seen.append(state)
        )()
    state = run_flow(flow, clock=clock)
    assert state.result[result].result == 4
    assert [wait.run_count for wait in seen] == [1, 2, 3]
    assert seen[0].message == "Attempt 1 of 4 failed: ValueError: try 1"
    assert sum(clock.pauses) == pytest.approx(60 + 120 + 240)


def test_retries_run_out(clock: VirtualClock) -> None:
    with Flow("exhausted") as flow:
        result = failing(9, max_retries=2)()
    assert run_flow(flow, clock=clock).result[result].message == "ValueError: try 3"


def test_only_the_named_exceptions_are_retried(clock: VirtualClock) -> None:
    with Flow("picky") as flow:
        result = failing(1, max_retries=2, retry_on=KeyError)()
    assert run_flow(flow, clock=clock).result[result].is_failed()


def test_others_go_on_while_a_task_waits_for_its_retry(clock: VirtualClock) -> None:
    order: list[str] = []
    tries: list[int] = []

    @task(max_retries=1, retry_delay=3600)
    def slow() -> None:
        tries.append(1)
        order.append(f"slow {len(tries)}")
        if len(tries) == 1:
            raise ValueError

    @task
    def other(name: str) -> str:
        order.append(name)
        return name

    with Flow("aside") as flow:
        slow()
        other(other("first"))
    run_flow(flow, clock=clock)
    assert order == ["slow 1", "first", "first", "slow 2"]


def test_a_retry_signal_says_when(clock: VirtualClock) -> None:
    @task
    def later() -> str:
        if context.task_run_count == 1:
            raise RETRY("not yet", start_time=clock.now() + timedelta(seconds=90))
        return "now"

    with Flow("signal") as flow:
        result = later()
    assert run_flow(flow, clock=clock).result[result].result == "now"
    assert sum(clock.pauses) == 90


def test_each_run_of_a_mapped_task_has_its_own_retries(clock: VirtualClock) -> None:
    tries: dict[int, int] = {}

    @task(max_retries=1, retry_delay=5)
    def once(x: int) -> int:
        tries[x] = tries.get(x, 0) + 1
        if tries[x] == 1 and x != 1:
            raise ValueError
        return tries[x]

    with Flow("mapped") as flow:
        results = once.map([0, 1, 2])
    assert run_flow(flow, clock=clock).result[results].result == [2, 1, 2]


# ------------------------------------------------------------------------------------------ pauses


def test_a_task_that_waits_for_a_person_pauses_the_run_and_is_resumed() -> None:
    ran: list[str] = []
    before = task(name="before")(lambda: ran.append("before") or 1)
    approve = task(name="approve", trigger=triggers.manual_only)(lambda x: ran.append("approve") or x + 1)
    with Flow("approval") as flow:
        asked = approve(before())
        after = task(name="after")(lambda x: x + 1)(asked)
    paused = flow.run()
    assert isinstance(paused, Paused)
    assert paused.message == "Waiting: approve-1"
    resumed = flow.run(task_states={**paused.result, asked: Resume()})
    assert resumed.result[after].result == 3
    assert ran == ["before", "approve"], "what had ended was not run again"


def test_a_pause_with_a_time_ends_by_itself(clock: VirtualClock) -> None:
    @task
    def rest() -> str:
        if context.task_run_count == 1:
            raise PAUSE("a break", start_time=clock.now() + timedelta(minutes=5))
        return "rested"

    with Flow("break") as flow:
        result = rest()
    assert run_flow(flow, clock=clock).result[result].result == "rested"


def test_a_run_resumes_between_the_runs_of_a_mapped_task() -> None:
    ran: list[int] = []

    @task
    def ask(x: int) -> int:
        ran.append(x)
        if x == 1 and ran.count(1) == 1:
            raise PAUSE("look at this one")
        return x

    with Flow("mapped pause") as flow:
        asked = ask.map([0, 1, 2])
        total = add_up(asked)
    paused = flow.run()
    assert isinstance(paused, Paused)
    assert paused.message == "Waiting: ask-1[1]"
    assert not paused.result[total].is_finished()
    states = [Resume() if state.is_paused() else state for state in paused.result[asked].map_states]
    resumed = flow.run(task_states={**paused.result, asked: Mapped(map_states=states)})
    assert resumed.result[total].result == 3
    assert ran == [0, 1, 2, 1]


# ------------------------------------------------------------------------------------------ loops


def test_a_loop_goes_round_with_the_result_of_the_round_before() -> None:
    @task
    def countdown(start: int) -> int:
        left = start if context.task_loop_result is None else context.task_loop_result
        if left:
            raise LOOP(f"{left} left", result=left - 1)
        return context.task_loop_count

    with Flow("loop") as flow:
        result = countdown(3)
    assert flow.run().result[result].result == 4


def test_a_round_that_fails_is_retried_and_the_loop_goes_on(clock: VirtualClock) -> None:
    tries: list[tuple[int, int]] = []

    @task(max_retries=1, retry_delay=10)
    def rounds() -> int:
        tries.append((context.task_loop_count, context.task_run_count))
        if tries[-1] == (2, 1):
            raise ValueError
        if context.task_loop_count < 3:
            raise LOOP(result=context.task_loop_count)
        return context.task_loop_result

    with Flow("loop retry") as flow:
        result = rounds()
    assert run_flow(flow, clock=clock).result[result].result == 2
    assert tries == [(1, 1), (2, 1), (2, 2), (3, 2)]


# ------------------------------------------------------------------------------------------ timeouts


def test_a_timeout_ends_a_blocking_call_in_the_main_thread() -> None:
    ended: list[float] = []

    @task(timeout=0.1)
    def sleep() -> None:
        try:
            time.sleep(30)
        finally:
            ended.append(time.monotonic())

    with Flow("timeout") as flow:
        result = sleep()
    started = time.monotonic()
    state = flow.run().result[result]
    assert isinstance(state, TimedOut)
    assert state.message == "The task run took longer than 0.1 s."
    assert ended[0] - started < 5


def test_a_timed_out_task_is_retried(clock: VirtualClock) -> None:
    @task(timeout=0.1, max_retries=1, retry_delay=1)
    def sleep() -> int:
        if context.task_run_count == 1:
            time.sleep(30)
        return context.task_run_count

    with Flow("timeout retry") as flow:
        result = sleep()
    assert run_flow(flow, clock=clock).result[result].result == 2


def test_a_timeout_cancels_an_async_task_in_any_thread() -> None:
    cleaned: list[str] = []

    @task(timeout=0.1)
    async def wait() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.append(threading.current_thread().name)

    with Flow("async timeout") as flow:
        first, second = wait(), wait()
    for executor in (None, ThreadExecutor(2)):
        result = flow.run(executor=executor).result
        assert isinstance(result[first], TimedOut)
        assert isinstance(result[second], TimedOut)
    assert len(cleaned) == 4


def test_a_timeout_ends_python_code_in_a_thread() -> None:
    @task(timeout=0.1)
    def spin() -> None:
        while True:
            pass

    with Flow("spin") as flow:
        result = spin()
    state = flow.run(executor=ThreadExecutor(1)).result[result]
    assert state.message == "The task run took longer than 0.1 s."


def test_a_call_that_a_thread_cannot_leave_is_left_behind_and_told() -> None:
    release = threading.Event()

    @task(timeout=0.05)
    def block() -> None:
        # One wait in C for each of its rounds would be interrupted between them.
        release.wait(30)

    with Flow("block") as flow:
        result = block()
        after = task(name="after", trigger=triggers.any_failed)(lambda: "went on")(upstream_tasks=[result])
    started = time.monotonic()
    state = flow.run(executor=ThreadExecutor(1))
    assert time.monotonic() - started < 10
    assert "its thread could not be ended" in state.result[result].message
    assert state.result[after].result == "went on"
    release.set()


# ------------------------------------------------------------------------------------------ caching


def test_a_result_is_used_again_while_inputs_are_the_same(clock: VirtualClock) -> None:
    ran: list[int] = []

    @task(cache_for=timedelta(hours=1), cache_validator=all_inputs)
    def load(x: int) -> int:
        ran.append(x)
        return x * 10

    with Flow("cache") as flow:
        result = load(Parameter("x"))
    with context(caches={}):
        states = [run_flow(flow, {"x": x}, clock=clock).result[result] for x in (1, 1, 2)]
        clock.advance(3601)
        states.append(run_flow(flow, {"x": 2}, clock=clock).result[result])
    assert all(isinstance(state, Cached) for state in states)
    assert [state.result for state in states] == [10, 10, 20, 20]
    assert ran == [1, 2, 2]


def test_a_cache_key_is_shared_between_tasks(clock: VirtualClock) -> None:
    ran: list[str] = []

    def loader(name: str) -> Any:
        def load() -> str:
            ran.append(name)
            return name

        return task(name=name, cache_for=60, cache_key="rows", cache_validator=all_parameters)(load)

    with Flow("shared") as flow:
        first = loader("first")()
        second = loader("second")(upstream_tasks=[first])
    assert run_flow(flow, clock=clock).result[second].result == "first"
    assert ran == ["first"]


def test_a_target_that_is_there_saves_the_run(tmp_path: Any) -> None:
    ran: list[int] = []

    @task(target="{day}/rows.pickle", result=LocalResults(tmp_path))
    def rows(day: str) -> list[int]:
        ran.append(1)
        return [1, 2]

    with Flow("target") as flow:
        result = rows(Parameter("day"))
        count = add_up(result)
    first, second = flow.run(day="monday"), flow.run(day="monday")
    assert second.result[result].message == "The target monday/rows.pickle is there already."
    assert (first.result[count].result, second.result[count].result) == (3, 3)
    assert ran == [1]
