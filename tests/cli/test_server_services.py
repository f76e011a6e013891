"""The services, inside `orchestra server start` and in a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-c", "from orchestra_client.cli import main; main()", "server"]
NAMES = {"scheduler", "zombie-reaper", "lazarus", "late-runs"}
REGISTER = """mutation ($flow: JSON!) { create_flow(input: {serialized_flow: $flow}) { id } }"""
FLOW = {
    "name": "hourly",
    "tasks": [{"name": "a", "slug": "a"}],
    "schedule": {
        "type": "Schedule",
        "clocks": [
            {"type": "CronClock", "cron": "0 * * * *", "start_date": {"dt": "2026-01-01", "tz": "UTC"}}
        ],
    },
}


class Process:
    """A running command, and the first line it wrote."""

    def __init__(self, *arguments: str) -> None:
        self.popen = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ,
        )
        assert self.popen.stdout is not None
        self.line = self.popen.stdout.readline().strip()

    def ask(self, query: str, **variables: Any) -> Any:
        url = self.line.removeprefix("Listening on ")
        body = httpx.post(url, json={"query": query, "variables": variables}, trust_env=False).json()
        assert "errors" not in body, body
        return body["data"]

    def health(self) -> dict[str, Any]:
        url = self.line.removeprefix("Listening on ").replace("/graphql", "/health")
        services: dict[str, Any] = httpx.get(url, trust_env=False).json()["services"]
        return services

    def stop(self) -> int:
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(30)

    def close(self) -> None:
        self.popen.kill()
        self.popen.communicate()


@pytest.fixture
def run() -> Iterator[Callable[..., Process]]:
    """Start commands that the test need not stop."""
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield start
    for process in started:
        process.close()


def until(is_so: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def server(run: Callable[..., Process], *options: str) -> Process:
    return run("start", "--port", "0", "--auth", "none", *options)


def runs(process: Process) -> list[Any]:
    found: list[Any] = process.ask("{ flow_run { id } }")["flow_run"]
    return found


def begin(process: Process, kind: str, run_id: str) -> None:
    """Set a run Running."""
    item = f"{{ {kind}_id: $id, state: $state }}"
    query = f"mutation ($id: UUID!, $state: JSON!) {{ set_{kind}_states(input: {{states: [{item}]}}) {{ states {{ id }} }} }}"
    process.ask(query, id=run_id, state={"type": "Running"})


def test_a_server_runs_the_services_and_says_so(run: Callable[..., Process]) -> None:
    process = server(run, "--scheduler-interval", "0.2")
    process.ask(REGISTER, flow=FLOW)

    until(lambda: len(runs(process)) == 10)

    until(
        lambda: process.health().keys() == NAMES and all(s["last_success"] for s in process.health().values())
    )
    assert {service["status"] for service in process.health().values()} == {"running"}
    assert process.stop() == 0


def test_services_run_beside_a_server_that_has_none(run: Callable[..., Process]) -> None:
    process = server(run, "--no-services")
    process.ask(REGISTER, flow=FLOW)
    assert process.health() == {}

    services = run("services", "--scheduler-interval", "0.2")

    assert services.line.startswith("Running the services on sqlite:///")
    until(lambda: len(runs(process)) == 10)
    until(lambda: process.health().keys() == NAMES)
    assert services.stop() == 0
    assert {service["status"] for service in process.health().values()} == {"stopped"}
    assert process.stop() == 0


def test_another_process_takes_over_when_one_ends(run: Callable[..., Process]) -> None:
    first = server(run, "--scheduler-interval", "0.2")
    until(lambda: "scheduler" in first.health())
    second = server(run, "--scheduler-interval", "0.2")
    assert first.stop() == 0

    second.ask(REGISTER, flow=FLOW)

    until(lambda: len(runs(second)) == 10)


def test_the_dead_are_noticed(run: Callable[..., Process]) -> None:
    process = server(run, "--zombie-limit", "1.5")
    flow_id = process.ask(REGISTER, flow={**FLOW, "schedule": None})["create_flow"]["id"]
    create = "mutation ($flow: UUID!) { create_flow_run(input: {flow_id: $flow}) { id } }"
    run_id = process.ask(create, flow=flow_id)["create_flow_run"]["id"]
    begin(process, "flow_run", run_id)
    begin(process, "task_run", process.ask("{ task_run { id } }")["task_run"][0]["id"])

    story = "{ task_run { state } flow_run { state times_resurrected } }"
    until(lambda: process.ask(story)["flow_run"][0]["state"] == "Scheduled")

    assert process.ask(story) == {
        "task_run": [{"state": "Failed"}],
        "flow_run": [{"state": "Scheduled", "times_resurrected": 1}],
    }


def test_a_database_of_one_process_has_no_services_elsewhere() -> None:
    refused = subprocess.run(
        [*COMMAND, "services", "--database", "memory:"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "name the servers' --database" in refused.stderr


def test_a_server_in_memory_has_services(run: Callable[..., Process]) -> None:
    process = server(run, "--database", "memory:", "--scheduler-interval", "0.1")
    process.ask(REGISTER, flow=FLOW)
    until(lambda: len(runs(process)) == 10)
    assert process.stop() == 0
