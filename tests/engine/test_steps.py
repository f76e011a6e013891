"""The engine's pure parts by themselves: claims, timers, and stopping work."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from orchestra_client.engine.claims import Claims
from orchestra_client.engine.interruption import Stopped, run_stoppable, stop_all
from orchestra_client.engine.task_runs import TaskRun, bare
from orchestra_client.engine.timers import Timers
from orchestra_client.flows import task
from orchestra_client.states import Pending, Retrying, Submitted


def runs(*tags: str, number: int = 1) -> list[TaskRun]:
    each = task(tags=tags)(lambda: None)
    return [TaskRun(each, "task-1", index) for index in range(number)]


# ------------------------------------------------------------------------------------------ claims


def test_runs_begin_in_order_as_far_as_there_is_room() -> None:
    claims = Claims()
    several = runs(number=3)
    for run in several:
        claims.add(run)
    assert claims.take(2) == several[:2]
    assert claims.take(0) == []
    assert claims.take(5) == several[2:]


def test_of_runs_without_a_slot_only_the_first_asks_for_all() -> None:
    claims = Claims()
    several = runs("db", number=4)
    for run in several:
        claims.add(run)
    tags, pause = claims.refused(*claims.take(1))
    assert (tags, pause) == (frozenset({"db"}), 1.0)
    assert claims.take(9) == []
    assert len(claims) == 4
    claims.wake(tags)
    assert claims.take(9) == several[:1]
    claims.accepted(several[0])
    assert claims.take(9) == several[1:2], "the one before had a slot, so the next one may ask"


def test_a_line_is_asked_for_more_and_more_seldom_until_a_slot_is_found() -> None:
    claims = Claims()
    [run] = runs("db")
    pauses = []
    claims.add(run)
    for _ in range(12):
        tags, pause = claims.refused(*claims.take(1))
        pauses.append(pause)
        claims.wake(tags)
    assert pauses[0] == 1.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 15.0


def test_a_slot_that_is_given_back_wakes_whoever_shares_a_tag() -> None:
    claims = Claims()
    [waiting], [other], [holder] = runs("db", "gpu"), runs("disk"), runs("db")
    for run in (waiting, other):
        claims.add(run)
        claims.refused(*claims.take(1))
    claims.released(holder)
    assert claims.take(9) == [waiting]


def test_runs_of_other_tags_pass_those_that_wait() -> None:
    claims = Claims()
    [waiting], [free] = runs("db"), runs()
    claims.add(waiting)
    claims.refused(*claims.take(1))
    claims.add(free)
    assert claims.take(9) == [free]


# ------------------------------------------------------------------------------------------ timers, states


def test_timers_call_in_order_of_time() -> None:
    timers, called = Timers(), list[str]()
    timers.at(5, lambda: called.append("five"))
    timers.at(2, lambda: called.append("two"))
    timers.at(2, lambda: called.append("two again"))
    assert timers.next_after(1) == 1
    timers.run_due(2)
    assert called == ["two", "two again"]
    assert timers.next_after(9) == 0
    timers.clear()
    assert timers.next_after(9) is None


def test_who_has_taken_a_run_does_not_count_when_it_continues() -> None:
    retrying = Retrying(run_count=3)
    assert bare(Submitted(state=retrying)) is retrying
    assert bare(Submitted()) == Pending()
    run = TaskRun(task(lambda: None), "task-1")
    run.restore(Submitted(state=retrying))
    assert run.run_count == 3


# ------------------------------------------------------------------------------------------ stopping


def stop_soon(key: str) -> None:
    threading.Timer(0.05, stop_all, [key]).start()


def in_thread(function: Any) -> Any:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    return outcome[0]


def spin() -> None:
    while True:
        time.sleep(0.001)


async def wait() -> None:
    await asyncio.sleep(30)


@pytest.mark.parametrize("work", [spin, wait])
@pytest.mark.parametrize("where", ["main thread", "other thread"])
def test_work_is_stopped_from_another_thread(work: Any, where: str) -> None:
    stop_soon("a run")

    def run() -> Any:
        return run_stoppable(work, {}, key="a run", timeout=None)

    if where == "main thread":
        with pytest.raises(Stopped) as caught:
            run()
        stopped = caught.value
    else:
        stopped = in_thread(run)
    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.has_ended) == ("cancelled", True)


def test_only_the_work_of_the_key_is_stopped() -> None:
    stop_soon("another run")
    assert run_stoppable(lambda: time.sleep(0.2) or 7, {}, key="a run", timeout=None) == 7


def test_work_inside_of_work_has_its_own_timeout_and_leaves_the_outer_one() -> None:
    def outer() -> None:
        with pytest.raises(Stopped):
            run_stoppable(spin, {}, key="inner", timeout=0.05)
        spin()

    started = time.monotonic()
    with pytest.raises(Stopped) as caught:
        run_stoppable(outer, {}, key="outer", timeout=0.3)
    assert caught.value.reason == "timeout"
    assert 0.2 < time.monotonic() - started < 5


def test_nothing_is_stopped_after_it_has_ended() -> None:
    for _ in range(200):
        assert run_stoppable(lambda: 1, {}, key="quick", timeout=0.5) == 1
        stop_all("quick")
    time.sleep(0.01)


def test_an_async_function_runs_where_a_loop_runs_already() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    async def main() -> Any:
        return run_stoppable(answer, {}, key="a run", timeout=None)

    assert asyncio.run(main()) == 7


def test_a_cancellation_of_its_own_is_an_error_of_the_function() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_stoppable(give_up, {}, key="a run", timeout=None)
