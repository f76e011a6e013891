"""How many states a server takes, and how long it takes for each, with all it promises switched on.

Usage::

    python benchmarks/bench_server.py [--quick]

A real `orchestra server start --auth token` on an SQLite file with its usual durability: a state that was answered
has reached the disk. Task runs go to Running and to Retrying in turns, each state with its version; afterwards the
versions are read back and compared. The load comes from a process of its own (load.py), once through our client
(what a user gets, both sides competing for the processors) and once as ready bytes over bare sockets (the server
alone). The last rows open the store in the client's process instead: no server, no HTTP.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from load import Measured, Plan
from rounds import Options, print_table, read_options, take_turns

from orchestra_client import Client
from orchestra_client.states import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROUNDS, SECONDS = 3, 3.0
WORKERS, BATCH = 16, 50
TOKEN = "orc_" + "b" * 43
SYNCS = 200


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table.

    Attributes:
        generator: who sends the states, as in `load.Plan`.
        workers: how many at once.
        batch: states of one request.
    """

    generator: str
    workers: int
    batch: int

    def name(self, where: str) -> str:
        """What the row is called."""
        who = "our client" if self.generator == "client" else "bare sockets"
        threads = f"{self.workers} at once" if self.workers > 1 else "one by one"
        return f"{where}, {who}, {threads}" + (f", {self.batch} a request" if self.batch > 1 else "")


OVER_HTTP = [
    Case(generator, workers, batch)
    for generator in ("client", "socket")
    for batch in (1, BATCH)
    for workers in (1, WORKERS)
]
IN_PROCESS = [Case("client", workers, batch) for batch in (1, BATCH) for workers in (1, WORKERS)]


class Runs:
    """Running flow runs, one for each worker, each with as many task runs as a batch has; and their versions.

    Args:
        url: of the server or the store.
        token: the API token, or None.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self._url, self._token = url, token
        with Client(url, token) as client:
            client.create_project("benchmarks")
            flow_id = client.register(flow(), project_name="benchmarks", no_url=True)
            self._ids = [self._start(client, flow_id) for _ in range(WORKERS)]
        self._versions = {run_id: 0 for ids in self._ids for run_id in ids}

    def _start(self, client: Client, flow_id: str) -> list[str]:
        flow_run_id = client.create_flow_run(flow_id=flow_id)
        client.set_flow_run_state(flow_run_id, 1, Running())
        return [run.id for run in client.get_flow_run_info(flow_run_id).task_runs]

    def measure(self, case: Case, seconds: float) -> Measured:
        """Let a process of its own set states, and check that they are there."""
        workers = self._ids[: case.workers]
        plan = Plan(case.generator, self._url, self._token, workers, self._versions, case.batch, seconds)
        done = subprocess.run(
            [sys.executable, HERE / "load.py"],
            input=json.dumps(asdict(plan)) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        measured = Measured(**json.loads(done.stdout))
        self._versions = measured.versions
        self._check()
        return measured

    def _check(self) -> None:
        with Client(self._url, self._token) as client:
            answer: Any = client.graphql("query { task_run { id version } }")
        found = {row["id"]: row["version"] for row in answer["data"]["task_run"]}
        if found != self._versions:
            raise SystemExit("The task runs have other versions than their accepted states gave them.")


def flow() -> dict[str, Any]:
    """A serialized flow of unconnected tasks."""
    tasks = [
        {
            "type": "prefect.tasks.core.function.FunctionTask",
            "name": "work",
            "slug": f"work-{number}",
            "tags": [],
        }
        for number in range(BATCH)
    ]
    return {"type": "prefect.core.flow.Flow", "name": "load", "parameters": [], "tasks": tasks, "edges": []}


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The URL of a server process, which ends with the block."""
    command = [
        str(Path(sys.executable).with_name("orchestra")),
        *("server", "start", "--port", "0", "--auth", "token", "--database", f"sqlite:///{folder}/server.db"),
    ]
    environ = {**os.environ, "ORCHESTRA_BOOTSTRAP_TOKEN": TOKEN}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("Listening on ").strip()
        finally:
            process.terminate()


def disk_sync(folder: Path) -> float:
    """The median microseconds until 4 KiB that replace others are on the disk."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        file.write(bytes(4096 * SYNCS))
        os.fsync(file)
        for number in range(SYNCS):
            os.pwrite(file.fileno(), b"x" * 4096, 4096 * number)
            started = time.perf_counter()
            os.fdatasync(file)
            times.append((time.perf_counter() - started) * 1e6)
    return statistics.median(times)


def measure_all(options: Options, folder: Path) -> dict[str, list[Measured]]:
    """What was measured of each row, round by round."""
    measured: dict[str, list[Measured]] = {}
    seconds = SECONDS if not options.quick else 0.2

    def run(name: str, runs: Runs, case: Case) -> float:
        result = runs.measure(case, seconds)
        measured.setdefault(name, []).append(result)
        return result.rate

    with server(folder) as url:
        remote, embedded = Runs(url, TOKEN), Runs(f"sqlite:///{folder}/embedded.db", None)
        cases = [
            *(("HTTP", remote, case) for case in OVER_HTTP),
            *(("in-process", embedded, case) for case in IN_PROCESS),
        ]
        if options.quick:
            # Of each kind the widest.
            cases = cases[3::4]
        sides = {case.name(where): partial(run, case.name(where), runs, case) for where, runs, case in cases}
        take_turns(sides, options.choose(ROUNDS, 0))
    # The first round only warmed up, unless it is all there is.
    return {name: rounds[1:] or rounds for name, rounds in measured.items()}


def row(name: str, rounds: list[Measured]) -> tuple[str, ...]:
    """The medians of all rounds, and the best rate, as text."""
    rates = [each.rate for each in rounds]
    quantiles = [
        statistics.quantiles(each.latencies or [0.0, 0.0], n=100, method="inclusive") for each in rounds
    ]
    p50, p99 = (statistics.median(each[index] for each in quantiles) for index in (49, 98))
    return name, f"{statistics.median(rates):,.0f}", f"{max(rates):,.0f}", f"{p50:.2f}", f"{p99:.2f}"


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    os.environ["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as home:
        os.environ["ORCHESTRA_HOME"] = home
        measured = measure_all(options, Path(home))
        synced = disk_sync(Path(home))
    header = ("states", "a second", "best round", "p50, ms", "p99, ms")
    print_table(header, [row(name, rounds) for name, rounds in measured.items()])
    print(f"The disk confirms 4 KiB in {synced:.0f} µs. Times are those of a request.")
    print(
        "To reach: 500 a second with p99 below 60 ms at 16 at once, 10,000 a second by 50, 1,500 in-process."
    )


if __name__ == "__main__":
    main()
