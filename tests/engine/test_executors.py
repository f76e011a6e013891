"""One suite for all executors."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import context
from orchestra_client.engine import DaskExecutor, LocalExecutor, ThreadExecutor
from orchestra_client.errors import ConfigurationError
from orchestra_client.flows import Flow, Parameter, task
from orchestra_client.states import Cancelled, Failed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.engine.executors import Executor


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Dask cluster of two processes, shared by the tests of this file."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["local", "threads", pytest.param("dask", marks=pytest.mark.slow)])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "dask":
        return DaskExecutor(request.getfixturevalue("cluster"))
    return LocalExecutor() if request.param == "local" else ThreadExecutor(4)


@task
def double(x: int) -> int:
    return 2 * x


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def pid_of_worker() -> int:
    return os.getpid()


def raise_error(x: int) -> int:
    raise ValueError(x)


def test_submit_map_and_wait(executor: Executor) -> None:
    with executor:
        assert executor.wait([executor.submit(pow, 2, 5)]) == [32]
        futures = executor.map(pow, range(5), [2] * 5)
        assert all(isinstance(future, Future) for future in futures)
        assert executor.wait(futures) == [0, 1, 4, 9, 16]
        assert executor.capacity >= 1
        with pytest.raises(ValueError, match="7"):
            executor.wait([executor.submit(raise_error, 7)])


def test_an_executor_can_be_used_again(executor: Executor) -> None:
    for _ in range(2):
        with executor:
            assert executor.submit(pow, 2, 2).result() == 4


def test_a_mapped_flow_runs(executor: Executor) -> None:
    with Flow("mapped") as flow:
        count = Parameter("count", default=20)
        numbers = task(name="numbers")(lambda count: list(range(count)))(count)
        summed = total(double.map(double.map(numbers)))
    state = flow.run(executor=executor)
    assert state.is_successful()
    assert state.result[summed].result == 4 * sum(range(20))


def test_each_task_sees_its_own_context(executor: Executor) -> None:
    @task
    def look(x: int) -> tuple[Any, ...]:
        time.sleep(0.005)
        return context.map_index, context.task_name, context.parameters["p"], context.flow_name, context.today

    @task
    async def look_async(x: int) -> Any:
        return context.map_index

    with Flow("contexts") as flow:
        Parameter("p", default=7)()
        looks = look.map(list(range(8)))
        others = look_async.map(list(range(8)))
    result = flow.run(executor=executor, context={"today": "2026-11-20"}).result
    assert result[looks].result == [(index, "look", 7, "contexts", "2026-11-20") for index in range(8)]
    assert result[others].result == list(range(8))


def test_an_error_comes_back_as_it_was_or_like_it(executor: Executor) -> None:
    @task
    def odd() -> None:
        class Odd(Exception):
            def __reduce__(self) -> Any:
                raise RuntimeError("cannot be pickled")

        raise Odd("hm")

    with Flow("errors") as flow:
        plain = task(name="plain")(lambda: raise_error(1))()
        strange = odd()
    result = flow.run(executor=executor).result
    assert isinstance(result[plain].result, ValueError)
    assert isinstance(result[strange], Failed)
    assert result[strange].message == "Odd: hm"


def test_a_timeout_ends_a_task(executor: Executor) -> None:
    @task(timeout=0.1)
    def spin() -> None:
        while True:
            pass

    with Flow("timeout") as flow:
        spinning = spin()
    assert isinstance(flow.run(executor=executor).result[spinning], TimedOut)


def test_a_flow_uses_its_own_executor(executor: Executor) -> None:
    with Flow("own", executor=executor) as flow:
        where = task(name="where")(lambda: (os.getpid(), threading.current_thread().name))()
    pid, thread = flow.run().result[where].result
    here = (os.getpid(), threading.current_thread().name)
    assert ((pid, thread) == here) == isinstance(executor, LocalExecutor)


def test_tasks_run_side_by_side() -> None:
    meeting = threading.Barrier(4, timeout=10)
    with Flow("together") as flow:
        task(name="meet")(lambda x: meeting.wait()).map([1, 2, 3, 4])
    assert flow.run(executor=ThreadExecutor(4)).is_successful()


def test_no_more_threads_are_started_than_needed() -> None:
    executor = ThreadExecutor(50)
    with Flow("few") as flow:
        names = task(name="name")(lambda x: threading.current_thread().name)(1)
    assert flow.run(executor=executor).result[names].result == "orchestra-task-1"


def test_an_executor_without_workers_or_with_two_clusters_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 or more"):
        ThreadExecutor(0)
    with pytest.raises(ConfigurationError, match="either the address"):
        DaskExecutor("tcp://x", cluster_args={})


@pytest.mark.slow
def test_a_process_ends_although_a_thread_does_not() -> None:
    script = """
import time
from orchestra_client.engine import ThreadExecutor
from orchestra_client.flows import Flow, task
with Flow("stuck") as flow:
    task(timeout=0.1)(lambda: time.sleep(60))()
print(flow.run(executor=ThreadExecutor(2)).type_name)
"""
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert ended.stdout.strip() == "Failed"
    assert time.monotonic() - started < 20


@pytest.mark.slow
def test_a_temporary_cluster_lives_as_long_as_the_run() -> None:
    executor = DaskExecutor(cluster_args={"n_workers": 1, "threads_per_worker": 2})
    with Flow("temporary") as flow:
        where = pid_of_worker()
    pid = flow.run(executor=executor).result[where].result
    assert pid != os.getpid()
    with pytest.raises(RuntimeError, match="only within"):
        executor.submit(pow, 2, 2)


def test_cancelling_from_another_thread_ends_the_tasks(executor: Executor, tmp_path: Path) -> None:
    @task
    def spin(folder: str) -> None:
        (Path(folder) / "began").touch()
        while True:
            time.sleep(0.01)

    with Flow("cancelled") as flow:
        spinning = spin(str(tmp_path))
        after = double(spinning)
    runner = _runner(flow, executor)

    def cancel() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        runner.cancel("enough")

    threading.Thread(target=cancel, daemon=True).start()
    state = runner.run()
    assert isinstance(state, Cancelled)
    assert state.result[spinning].message == "The task run was told to end."
    assert state.result[after].message == "enough"


def _runner(flow: Flow, executor: Executor) -> Any:
    from orchestra_client.engine.running import make_runner

    return make_runner(flow, {}, executor=executor)
