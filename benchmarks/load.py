"""Sets states of task runs as fast as the server takes them: a process of its own, beside the server's.

Reads a plan as one line of JSON on standard input, and writes what it measured as one line on standard output.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from orchestra_client import Client
    from orchestra_client.states import State

WARM_REQUESTS = 3
"""Requests of each worker that are not measured."""

MUTATION = (
    "mutation SetTaskRunStates($input: set_task_run_states_input!) "
    "{ set_task_run_states(input: $input) { states { id status message code version } } }"
)


@dataclass(slots=True)
class Plan:
    """What to do.

    Attributes:
        generator: ``"client"`` for our client, one thread a worker; ``"socket"`` for bytes on bare sockets.
        url: of the server, or of the store to open in this process.
        token: the API token, or None.
        workers: for each, the ids of its own task runs; no two share one.
        versions: of the task runs, by id.
        batch: states of one request.
        seconds: to go on.
    """

    generator: str
    url: str
    token: str | None
    workers: list[list[str]]
    versions: dict[str, int]
    batch: int
    seconds: float


@dataclass(slots=True)
class Measured:
    """What came of it.

    Attributes:
        latencies: of each request, in milliseconds.
        rate: states a second.
        versions: of the task runs, as every accepted state raised them.
    """

    latencies: list[float] = field(default_factory=list)
    rate: float = 0.0
    versions: dict[str, int] = field(default_factory=dict)


def state_at(version: int) -> State:
    """The state that a task run at `version` enters next: it runs, waits for another try, runs again…."""
    from orchestra_client.states import Retrying, Running  # noqa: PLC0415 (the socket side makes each only once)

    if version % 2 == 0:
        return Running("Starting task run.")
    return Retrying("Retrying task.", start_time=dt.datetime.now(dt.UTC), run_count=1)


class Worker:
    """One task run after the other of its own, `batch` of them at a time. For one thread, or one task.

    Args:
        ids: of its task runs.
        plan: of all workers.
        measured: where to note what happened.
    """

    def __init__(self, ids: list[str], plan: Plan, measured: Measured) -> None:
        self._versions = measured.versions
        self._latencies = measured.latencies
        self._batches = [ids[start : start + plan.batch] for start in range(0, len(ids), plan.batch)]

    def turns(self, stop: Stop) -> Iterator[list[tuple[str, int]]]:
        """The ids and versions of one request after the other; timed until the next one is asked for."""
        number = 0
        while number < WARM_REQUESTS or not stop.is_due():
            batch = self._batches[number % len(self._batches)]
            started = time.perf_counter()
            yield [(each, self._versions[each]) for each in batch]
            if number >= WARM_REQUESTS:
                self._latencies.append((time.perf_counter() - started) * 1000)
            for each in batch:
                self._versions[each] += 1
            number += 1
            if number == WARM_REQUESTS:
                stop.start()


class Stop:
    """The end of the measurement, some seconds after the first worker is warm."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started: float | None = None

    def start(self) -> None:
        """Begin to count, unless that was done."""
        if self._started is None:
            self._started = time.perf_counter()

    def is_due(self) -> bool:
        """Whether time is up."""
        return self._started is not None and time.perf_counter() > self._started + self._seconds

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        assert self._started is not None
        return time.perf_counter() - self._started


def set_by_client(client: Client, worker: Worker, stop: Stop) -> None:
    """Work through our client."""
    for turn in worker.turns(stop):
        if len(turn) == 1:
            [(run_id, version)] = turn
            client.set_task_run_state(run_id, version, state_at(version))
        else:
            results = client.set_task_run_states([(each, at, state_at(at)) for each, at in turn])
            assert all(results), results


def run_clients(plan: Plan, workers: list[Worker], stop: Stop) -> None:
    """All workers, a thread each, on one client."""
    from orchestra_client import Client  # noqa: PLC0415 (the socket side needs none)

    failures: list[BaseException] = []

    def work(worker: Worker) -> None:
        try:
            set_by_client(client, worker, stop)
        except BaseException as error:  # noqa: BLE001 (told by the main thread)
            failures.append(error)

    with Client(plan.url, plan.token) as client:
        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


class Messages:
    """Requests as bytes, put together from ready pieces.

    Args:
        url: of the server.
        token: the API token.
    """

    def __init__(self, url: SplitResult, token: str | None) -> None:
        self._head = (
            f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: "
        )
        self._states = [json.dumps(state_at(version).serialize()) for version in (0, 1)]
        self._body = json.dumps({"query": MUTATION, "variables": {"input": {"states": ["?"]}}})

    def request(self, turn: list[tuple[str, int]]) -> bytes:
        """The message that sets the next states."""
        items = ",".join(
            f'{{"task_run_id":"{run_id}","version":{version},"state":{self._states[version % 2]}}}'
            for run_id, version in turn
        )
        body = self._body.replace('"?"', items)
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()


async def set_by_socket(url: SplitResult, messages: Messages, worker: Worker, stop: Stop) -> None:
    """Work over one connection."""
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    for turn in worker.turns(stop):
        writer.write(messages.request(turn))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert body.count(b'"SUCCESS"') == len(turn), body
    writer.close()


async def run_sockets(plan: Plan, workers: list[Worker], stop: Stop) -> None:
    """All workers, a connection each."""
    from urllib.parse import urlsplit  # noqa: PLC0415 (our client needs none)

    url = urlsplit(plan.url)
    messages = Messages(url, plan.token)
    await asyncio.gather(*(set_by_socket(url, messages, worker, stop) for worker in workers))


def measure(plan: Plan) -> Measured:
    """Carry out a plan."""
    measured = Measured(versions=dict(plan.versions))
    workers = [Worker(ids, plan, measured) for ids in plan.workers]
    stop = Stop(plan.seconds)
    if plan.generator == "client":
        run_clients(plan, workers, stop)
    else:
        asyncio.run(run_sockets(plan, workers, stop))
    measured.rate = len(measured.latencies) * plan.batch / stop.elapsed
    return measured


def main() -> None:
    """Read the plan, and write what was measured."""
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    print(json.dumps(asdict(measure(Plan(**plan)))))


if __name__ == "__main__":
    main()
