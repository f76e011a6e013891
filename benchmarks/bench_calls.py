"""What one call costs: our client, the same bytes through bare httpx, and Prefect 1.4.1's client.

Usage::

    python benchmarks/bench_calls.py [.peers/prefect-1.4.1] [--quick]

All call one stub server in a process of its own (stub_server.py), which answers at once. Bare httpx sends the very
request that our client sent, over one kept connection, and reads the answer's JSON: once with the bytes ready made,
which is less than any client can do, and once with ``json=``. A heartbeat is a flow run's, since Prefect 1.4.1 has no
other.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rounds import Options, print_table, ratio, read_options, take_turns, time_calls
from stub_server import FLOW_RUN_ID, TASK_RUN_ID

from orchestra_client import Client
from orchestra_client.states import Running
from orchestra_client.transport.http import HTTPTransport
from orchestra_client.transport.payload import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client.transport import Request, Response

HERE = Path(__file__).parent
ROUNDS, CALLS = 21, 100
TOKEN = "orc_" + "b" * 43
MESSAGE = "Starting task run."
LOGS: list[dict[str, Any]] = [
    {
        "flow_run_id": FLOW_RUN_ID,
        "task_run_id": TASK_RUN_ID,
        "timestamp": "2026-11-20T09:00:00.000000+00:00",
        "name": "prefect.TaskRunner",
        "level": "INFO",
        "message": f"Task 'load': processed chunk {number} of 100 without any trouble",
        "info": {"chunk": number},
    }
    for number in range(100)
]
SENT = {"task_run_id": TASK_RUN_ID, "flow_run_id": FLOW_RUN_ID, "message": MESSAGE, "logs": LOGS}


def calls_of(client: Client) -> dict[str, Callable[[], object]]:
    """The cases by name, through our client."""
    state = Running(MESSAGE)
    return {
        "set_task_run_state": lambda: client.set_task_run_state(TASK_RUN_ID, 1, state),
        "heartbeat": lambda: client.update_flow_run_heartbeat(FLOW_RUN_ID),
        "write_run_logs, 1": lambda: client.write_run_logs(LOGS[:1]),
        "write_run_logs, 100": lambda: client.write_run_logs(LOGS),
    }


class Recording(HTTPTransport):
    """Carries requests, and keeps the last of them."""

    last: Request

    def send(self, request: Request) -> Response:
        """Send once, and keep what was sent."""
        self.last = request
        return super().send(request)


def requests_of(url: str) -> dict[str, Request]:
    """The request that our client makes of each case."""
    transport = Recording(url)
    with Client(url, TOKEN, transport=transport) as client:
        return {case: sent_by(call, transport) for case, call in calls_of(client).items()}


def sent_by(call: Callable[[], object], transport: Recording) -> Request:
    """What a call sends, the last time."""
    call()
    return transport.last


def with_bytes(client: httpx.Client, url: str, request: Request) -> Callable[[], object]:
    """A call that sends a request's bytes, ready made, and reads the answer."""
    content, headers = encode(request), {"content-type": "application/json", **request.headers}
    return lambda: client.post(url, content=content, headers=headers).json()


def with_json(client: httpx.Client, url: str, request: Request) -> Callable[[], object]:
    """A call that sends a request as JSON, and reads the answer."""
    body, headers = {"query": request.text, "variables": dict(request.variables)}, dict(request.headers)
    return lambda: client.post(url, json=body, headers=headers).json()


@contextlib.contextmanager
def stub_server() -> Iterator[str]:
    """The stub server's URL; its process ends with the block."""
    command = [sys.executable, str(HERE / "stub_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/graphql"
        finally:
            process.stdin.close()


@contextlib.contextmanager
def prefect_worker(python: Path, url: str, home: str) -> Iterator[Callable[[str, int], float]]:
    """Measures in the peer's process: called with a case and how often."""
    environ = {
        "PREFECT__BACKEND": "server",
        "PREFECT__SERVER__ENDPOINT": url,
        "PREFECT__CLOUD__API": url,
        "PREFECT__CLOUD__SEND_FLOW_RUN_LOGS": "false",
        "PREFECT__HOME_DIR": home,
        "PYTHONWARNINGS": "ignore",
    }
    with subprocess.Popen(
        [python, HERE / "prefect_worker.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def ask(document: dict[str, Any]) -> None:
            stdin.write(json.dumps(document) + "\n")
            stdin.flush()

        def measure(case: str, calls: int) -> float:
            ask({"case": case, "calls": calls})
            return float(stdout.readline())

        ask(SENT)
        try:
            yield measure
        finally:
            stdin.close()


def compare(options: Options, url: str, home: str) -> list[tuple[str, ...]]:
    """The table's rows, one a case."""
    rounds, calls = options.choose(ROUNDS, 1), options.choose(CALLS, 3)
    rows: list[tuple[str, ...]] = []
    with contextlib.ExitStack() as stack:
        ours = calls_of(stack.enter_context(Client(url, TOKEN)))
        bare = stack.enter_context(httpx.Client())
        peer = stack.enter_context(prefect_worker(options.peer, url, home)) if options.peer else None
        for case, request in requests_of(url).items():
            sides = {
                "bytes": partial(time_calls, with_bytes(bare, url, request), calls),
                "json": partial(time_calls, with_json(bare, url, request), calls),
                "ours": partial(time_calls, ours[case], calls),
            }
            if peer:
                sides["peer"] = partial(peer, case, calls)
            rows.append(row(case, take_turns(sides, rounds)))
    return rows


def row(case: str, figures: dict[str, list[float]]) -> tuple[str, ...]:
    """A case's medians and ratios, as text."""
    medians = {side: f"{statistics.median(times):.0f}" for side, times in figures.items()}
    over = (f"{ratio(figures['ours'], figures[side]):.2f}×" for side in ("bytes", "json"))
    peer = (
        (medians["peer"], f"{ratio(figures['peer'], figures['ours']):.1f}×")
        if "peer" in figures
        else ("", "")
    )
    return (case, *(medians[side] for side in ("bytes", "json", "ours")), *over, *peer)


def main() -> None:
    """Measure, and print a table."""
    options = read_options(main.__doc__ or "")
    os.environ["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as home, stub_server() as url:
        os.environ["ORCHESTRA_HOME"] = home
        rows = compare(options, url, home)
    print_table(
        ("µs a call", "httpx, bytes", "httpx, json", "ours", "/bytes", "/json", "Prefect", "Prefect/ours"),
        rows,
    )
    print("To reach: at most 1.25 times bare httpx, at least 3 times faster than Prefect 1.4.1.")


if __name__ == "__main__":
    main()
