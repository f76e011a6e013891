"""How many tasks a second run through each executor, without a server, against Prefect 1.4.1.

Usage::

    python benchmarks/bench_engine.py [.peers/prefect-1.4.1] [--quick]

The flow maps a task that does nothing over a list. The argument is the virtual environment of a Prefect to compare
with; without it only ours is measured.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import LocalCluster
from rounds import print_table, ratio, read_options, take_turns

from orchestra_client.engine import DaskExecutor, LocalExecutor, ThreadExecutor
from orchestra_client.flows import Flow, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.engine.executors import Executor

THREADS = 8
CLUSTER = {"n_workers": 2, "threads_per_worker": 2}
WORKER = Path(__file__).with_name("engine_worker.py")


@task
def nothing(x: int) -> int:
    return x


def flow_of(tasks: int) -> Flow:
    with Flow("nothing") as flow:
        nothing.map(list(range(tasks)))
    return flow


def tasks_per_second(flow: Flow, tasks: int, executor: Executor) -> float:
    started = time.perf_counter()
    assert flow.run(executor=executor).is_successful()
    return tasks / (time.perf_counter() - started)


def peer_tasks_per_second(python: Path, executor: str, tasks: int) -> float:
    """One run in the peer's process, which measures itself, without its own start."""
    done = subprocess.run(
        [str(python), str(WORKER), executor, str(tasks)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    options = read_options(__doc__ or "")
    tasks = options.choose(5000, 20)
    peer_tasks, dask_tasks = options.choose(500, 5), options.choose(1000, 10)
    flow, dask_flow = flow_of(tasks), flow_of(dask_tasks)
    local, threads = LocalExecutor(), ThreadExecutor(THREADS)
    sides: dict[str, Callable[[], float]] = {
        "local": lambda: tasks_per_second(flow, tasks, local),
        f"{THREADS} threads": lambda: tasks_per_second(flow, tasks, threads),
    }
    if options.peer is not None:
        peer = options.peer
        sides["Prefect, local"] = lambda: peer_tasks_per_second(peer, "local", peer_tasks)
        sides["Prefect, Dask threads"] = lambda: peer_tasks_per_second(peer, "threads", peer_tasks)
    rounds = options.choose(5, 1)
    # A cluster takes longer to start than to run the tasks, so one serves all rounds.
    with LocalCluster(dashboard_address="127.0.0.1:0", **CLUSTER) as cluster:  # type: ignore[no-untyped-call]  # Dask has no types
        dask = DaskExecutor(cluster.scheduler_address)
        sides["Dask, 2 processes"] = lambda: tasks_per_second(dask_flow, dask_tasks, dask)
        figures = take_turns(sides, rounds)
    base = figures.get("Prefect, local")
    rows = [
        [name, f"{statistics.median(each):,.0f}", f"{ratio(each, base):.0f}" if base else "-"]
        for name, each in figures.items()
    ]
    print("Tasks that do nothing, in one mapped flow without a server\n")
    print_table(["executor", "tasks/s", "times Prefect, local"], rows)


if __name__ == "__main__":
    main()
