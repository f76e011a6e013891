"""Leases: each service is run by one process at a time, and the database decides by which."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.services.leases import LeaseLost, listening_since
from orchestra_client.server.services.rounds import CHUNK, Report, Round
from orchestra_client.server.services.zombies import ZombieReaper

from .conftest import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.server.store.session import Session
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process


class Idle:
    """A service without anything to do."""

    name = "idle"
    interval = 10.0

    def run_once(self, round: Round) -> Report:
        return Report()


SECONDS = 2 * Idle.interval + 15
"""How long its lease holds."""


def test_one_of_two_processes_runs_a_service(process: Process, twin: Process, clock: Clock) -> None:
    assert process.run(Idle()) == {}
    for _ in range(10):
        clock.advance(seconds=Idle.interval)
        assert twin.run(Idle()) is None
        assert process.run(Idle()) == {}


def test_another_process_takes_over_when_the_lease_expires(
    process: Process, twin: Process, clock: Clock
) -> None:
    process.run(Idle())
    clock.advance(seconds=SECONDS - 0.001)
    assert twin.run(Idle()) is None
    clock.advance(seconds=0.001)
    assert twin.run(Idle()) == {}
    assert process.run(Idle()) is None


def test_another_process_takes_over_at_once_when_the_lease_is_given_back(
    process: Process, twin: Process
) -> None:
    process.run(Idle())
    process.leased(Idle()).give_back()
    assert twin.run(Idle()) == {}


def test_giving_back_what_another_holds_changes_nothing(process: Process, twin: Process) -> None:
    process.run(Idle())
    twin.leased(Idle()).give_back()
    assert twin.run(Idle()) is None


def test_a_clock_that_was_ahead_keeps_nobody_out(process: Process, twin: Process, clock: Clock) -> None:
    clock.advance(days=365)
    process.run(Idle())
    clock.advance(days=-365)
    assert twin.run(Idle()) == {}


def test_services_are_led_independently(process: Process, twin: Process) -> None:
    class Other(Idle):
        name = "other"

    process.run(Idle())
    assert twin.run(Other()) == {}


def test_a_round_that_fails_keeps_the_lease_and_is_no_success(
    server: Server, process: Process, twin: Process
) -> None:
    class Failing(Idle):
        def run_once(self, round: Round) -> Report:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        process.run(Failing())
    assert twin.run(Idle()) is None
    process.run(Idle())
    assert twin.run(Idle()) is None


def test_a_process_that_was_overtaken_writes_nothing_more(
    server: Server, process: Process, twin: Process, clock: Clock
) -> None:
    tasks = 2 * CHUNK
    _, runs = server.running(*(f"t{n:04}" for n in range(tasks)))
    server.set_task_runs(*({"task_run_id": run, "state": {"type": "Running"}} for run in runs))
    clock.advance(seconds=LIMIT)
    overtaken: list[dict[str, int] | None] = []

    class Paused(Round):
        """A round that is paused after its first transaction, until another process has done it all."""

        @contextmanager
        def write(self, tenant_id: str) -> Iterator[Session]:
            with super().write(tenant_id) as session:
                yield session
            if not overtaken:
                clock.advance(seconds=60)
                overtaken.append(twin.run(ZombieReaper(LIMIT)))

    with pytest.raises(LeaseLost):
        process.run(ZombieReaper(LIMIT), Paused)

    assert overtaken == [{"Failed": CHUNK}]
    states = server("{ task_run { state version states { state } } }")["task_run"]
    assert [(run["state"], run["version"]) for run in states] == [("Failed", 2)] * tasks
    assert all(len(run["states"]) == 3 for run in states)


class TestListening:
    """Since when a server has been listening, which is what silence is counted from."""

    @staticmethod
    def since(server: Server) -> str | None:
        database = server.service.database
        with database.connect(write=False) as connection:
            return listening_since(connection, database.now())

    def test_where_no_server_ever_said_so_it_was_always(self, server: Server) -> None:
        assert str(self.since(server)) < "1900"

    def test_it_goes_on_as_long_as_it_is_noted(self, server: Server, process: Process, clock: Clock) -> None:
        begin = clock.at()
        for _ in range(5):
            process.background().attend()
            assert self.since(server) == begin
            clock.advance(seconds=59)

    def test_a_break_ends_it(self, server: Server, process: Process, clock: Clock) -> None:
        process.background().attend()
        clock.advance(seconds=60)
        assert self.since(server) is None
        process.background().attend()
        assert self.since(server) == clock.at()

    def test_a_clock_that_was_ahead_begins_anew(self, server: Server, process: Process, clock: Clock) -> None:
        clock.advance(days=365)
        process.background().attend()
        clock.advance(days=-365)
        process.background().attend()
        assert self.since(server) == clock.at()

    def test_it_is_no_service(self, server: Server, process: Process) -> None:
        process.background().attend()
        assert process.health() == {}


def test_health_tells_who_runs_and_when_it_last_succeeded(
    server: Server, process: Process, clock: Clock
) -> None:
    process.run(Idle())
    done = clock.at()
    assert process.health() == {"idle": {"status": "running", "last_success": done}}
    clock.advance(seconds=SECONDS)
    assert process.health() == {"idle": {"status": "stopped", "last_success": done}}


def test_health_tells_of_a_service_that_never_succeeded(process: Process) -> None:
    class Failing(Idle):
        def run_once(self, round: Round) -> Report:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        process.run(Failing())
    assert process.health() == {"idle": {"status": "running", "last_success": None}}
