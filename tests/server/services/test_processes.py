"""Processes with services on one database: nothing is done twice, and nothing is left half done."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service
from tests.server.conftest import IF_POSTGRES
from tests.server.runs.conftest import Clock, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.slow

RACERS = 3
HOURLY = {
    "type": "Schedule",
    "clocks": [{"type": "CronClock", "cron": "0 * * * *", "start_date": {"dt": "2026-01-01", "tz": "UTC"}}],
}


@pytest.fixture(scope="session", params=["file", *IF_POSTGRES])
def backend(request: pytest.FixtureRequest) -> str:
    """Databases that processes can share."""
    return str(request.param)


@pytest.fixture
def server(url: str, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    service = Service.open(url, home=tmp_path, settings=Settings(auth="none"), clock=clock)
    yield Server(service, clock)
    service.close()


@pytest.fixture
def start(url: str, clock: Clock) -> Iterator[Start]:
    """Start processes that do a round when they are told to go; what time it is for them is the clock's."""
    started: list[subprocess.Popen[str]] = []

    def start(leads: str = "by lease") -> subprocess.Popen[str]:
        worker = str(Path(__file__).with_name("worker.py"))
        process = subprocess.Popen(
            [sys.executable, worker, url, clock().isoformat(), leads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def together(processes: list[subprocess.Popen[str]]) -> list[dict[str, int]]:
    """What each of these did, in rounds at the same time."""
    for process in processes:
        go(process)
    return [json.loads(process.communicate(timeout=120)[0]) for process in processes]


def dead(server: Server, tasks: int, **more: Any) -> list[str]:
    """A flow run whose task runs are all Running."""
    _, runs = server.running(*({"slug": f"t{n:05}", **more} for n in range(tasks)))
    server.set_task_runs(*({"task_run_id": run, "state": {"type": "Running"}} for run in runs))
    return runs


@pytest.mark.parametrize("leads", ["by lease", "alone"])
def test_a_race_does_everything_once(server: Server, start: Start, clock: Clock, leads: str) -> None:
    for n in range(20):
        server.flow("a", "b", name=f"scheduled {n}", schedule=HOURLY)
    dead(server, 700, max_retries=1)
    lost = server.run(server.flow(name="lost"))
    server.set_flow_run(lost, "Running")
    late = server.run(server.flow(name="late"))
    clock.advance(minutes=20)

    done = together([start(leads) for _ in range(RACERS)])
    # On PostgreSQL, whoever has no lease passes over what another one holds: the next round finds what all left out.
    done += together([start(leads)])

    assert sum((Counter(each) for each in done), Counter()) == {"Scheduled": 201, "Retrying": 700, "late": 1}
    scheduled = server("{ flow_run(where: {auto_scheduled: {_eq: true}}) { flow_id idempotency_key } }")
    keys = Counter((run["flow_id"], run["idempotency_key"]) for run in scheduled["flow_run"])
    assert len(keys) == 200
    assert set(keys.values()) == {1}
    tried = server('{ task_run(where: {state: {_eq: "Retrying"}}) { version states { version } } }')
    assert len(tried["task_run"]) == 700
    assert all(
        run["version"] == 2 and [s["version"] for s in run["states"]] == [0, 1, 2]
        for run in tried["task_run"]
    )
    assert server.flow_run(lost, "times_resurrected version") == {"times_resurrected": 1, "version": 3}
    assert len(server.flow_run(late, "logs { id }")["logs"]) == 1


def test_a_killed_process_leaves_nothing_half_done_and_another_goes_on(
    server: Server, start: Start, clock: Clock
) -> None:
    tasks = 3000
    dead(server, tasks)
    clock.advance(minutes=10)
    ended = '{ task_run_aggregate(where: {state: {_eq: "Failed"}}) { aggregate { count } } }'

    def failed() -> int:
        count: int = server(ended)["task_run_aggregate"]["aggregate"]["count"]
        return count

    killed = start()
    go(killed)
    deadline = time.monotonic() + 60
    while failed() == 0:
        assert time.monotonic() < deadline
    killed.kill()
    killed.wait()

    left = tasks - failed()
    assert 0 < left < tasks
    assert left % 500 == 0
    [nothing] = together([start()])
    assert nothing == {}
    clock.advance(minutes=2)
    [rest] = together([start()])
    assert rest["Failed"] == left
    runs = server("{ task_run { version states { version } } }")["task_run"]
    assert all(run["version"] == 2 and len(run["states"]) == 3 for run in runs)


def test_heartbeats_get_through_while_many_dead_are_ended(
    url: str, server: Server, start: Start, clock: Clock, tmp_path: Path
) -> None:
    dead(server, 10_000)
    clock.advance(minutes=10)
    living = server.run(server.flow(name="living"))
    server.set_flow_run(living, "Running")
    longest = 0.0
    over = threading.Event()
    beats = Service.open(url, home=tmp_path, settings=Settings(auth="none"), clock=clock)
    request = GraphQLRequest(
        "mutation($id: UUID!) { update_flow_run_heartbeat(input: {flow_run_id: $id}) { success } }",
        {"id": living},
    )

    def beat() -> None:
        nonlocal longest
        while not over.wait(0.01):
            began = time.monotonic()
            assert "errors" not in beats.execute(request, Credentials()).body
            longest = max(longest, time.monotonic() - began)

    beating = threading.Thread(target=beat)
    beating.start()
    [done] = together([start()])
    over.set()
    beating.join()
    beats.close()

    assert done["Failed"] == 10_000
    assert longest < 2
