"""How SQLite finds what the services look for: a long history must not make every round longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.services import ServiceSettings, all_services
from tests.server.runs.test_plans import exhaustive, statements

from .test_scheduler import HOURLY

if TYPE_CHECKING:
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process


@pytest.fixture
def url() -> str:
    """Plans are read from SQLite alone."""
    return "memory:"


def test_no_round_looks_at_all_runs_of_a_tenant(server: Server, process: Process, clock: Clock) -> None:
    server.flow("a", name="scheduled", schedule=HOURLY)
    _, [task_run] = server.running("a")
    server.set_task_run(task_run, "Running")
    server.set_flow_run(server.run(server.flow(name="lost")), "Running")
    server.run(server.flow(name="late"))
    cancelling = server.run(server.flow(name="cancelling"))
    server.set_flow_run(cancelling, "Running")
    server.do("cancel_flow_run", "state", flow_run_id=cancelling)
    clock.advance(hours=1)

    with statements(server) as seen:
        for service in all_services(ServiceSettings()):
            assert process.run(service)
        server("{ late_flow_runs { flow_run_id } }")

    history = ("flow_run", "task_run", "log", "task ")
    steps = [step.partition(" ")[2] for step in exhaustive(server, seen)]
    assert [step for step in steps if step.startswith(history)] == []
