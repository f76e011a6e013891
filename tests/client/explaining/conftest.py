"""A flow, its runs, and agents, for the tests of explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.services.background import LeasedService
from orchestra_client.states import Running

if TYPE_CHECKING:
    from orchestra_client.results import Explanation, Reason
    from orchestra_client.testing import MemoryServer, VirtualClock

FLOW = {
    "name": "etl",
    "tasks": [
        {"name": "extract", "slug": "extract-1", "tags": ["web"]},
        {"name": "load", "slug": "load-1", "tags": ["db"]},
        {"name": "tell", "slug": "tell-1"},
    ],
    "edges": [
        {"upstream_task": {"slug": "extract-1"}, "downstream_task": {"slug": "load-1"}},
        {"upstream_task": {"slug": "load-1"}, "downstream_task": {"slug": "tell-1"}},
    ],
}


class World:
    """One flow, its runs, and agents, as a test needs them."""

    def __init__(self, client: Any, clock: VirtualClock, server: MemoryServer) -> None:
        self.client = client
        self.clock = clock
        self.server = server
        client.create_project("sales")
        self.flow_id = client.register(FLOW, "sales", no_url=True)

    def run(self, *, name: str = "owl", labels: tuple[str, ...] = (), **arguments: Any) -> str:
        made: str = self.client.create_flow_run(self.flow_id, run_name=name, labels=list(labels), **arguments)
        return made

    def running(self, name: str = "owl") -> str:
        run_id = self.run(name=name)
        self.client.set_flow_run_state(run_id, None, Running())
        return run_id

    def agent(self, name: str, *labels: str, asks: bool = True) -> str:
        agent_id: str = self.client.register_agent("LocalAgent", name, labels)
        if asks:
            self.ask(agent_id, *labels)
        return agent_id

    def ask(self, agent_id: str, *labels: str) -> None:
        self.client.get_runs_in_queue(labels, agent_id=agent_id)

    def task_run(self, run_id: str, task: str) -> str:
        [found] = (each for each in self.client.task_runs(run_id, name=task) if each.map_index < 0)
        return str(found.id)

    def set(self, run_id: str, task: str, *states: Any) -> Any:
        task_run_id = self.task_run(run_id, task)
        return [self.client.set_task_run_state(task_run_id, None, state) for state in states][-1]

    def beat(self, run_id: str) -> None:
        assert self.client.update_flow_run_heartbeat(run_id)

    def why(self, run_id: str) -> Explanation:
        explanation: Explanation = self.client.explain_flow_run(run_id)
        return explanation

    def one(self, run_id: str) -> Reason:
        [reason] = self.why(run_id).reasons
        return reason

    def codes(self, run_id: str) -> list[str]:
        return [reason.code for reason in self.why(run_id).reasons]

    def serve(self, service: Any) -> None:
        """Let one of the server's services do its round."""
        assert LeasedService(service, self.server._service.database, "here").run()


@pytest.fixture
def world(client: Any, clock: VirtualClock, server: MemoryServer) -> World:
    return World(client, clock, server)
