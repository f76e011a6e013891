"""A server in memory with registered flows, and runs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.delivery.heartbeats import ABANDONED
from orchestra_client.engine.remote import ServerRun
from orchestra_client.testing import MemoryServer, VirtualClock
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestra_client import Client
    from orchestra_client.flows import Flow
    from orchestra_client.states import State


class Bench:
    """What a test of runs against a server needs: the server, a client, its clock, and short ways to run a flow."""

    def __init__(self, server: MemoryServer, client: Client, clock: VirtualClock, folder: Path) -> None:
        self.server = server
        self.client = client
        self.clock = clock
        self.folder = folder

    def register(self, flow: Flow) -> str:
        """Register a flow; returns its id."""
        return self.client.register(flow, "tests", build=False, no_url=True)

    def create(self, flow: Flow, **arguments: Any) -> str:
        """Register a flow and create a run of it; returns the run's id."""
        return self.client.create_flow_run(flow_id=self.register(flow), **arguments)

    def prepare(self, flow: Flow, flow_run_id: str, **options: Any) -> ServerRun:
        """A run of a flow in this process, not begun yet."""
        usual = {"clock": self.clock, "outbox": self.folder, "open_delivery": self._impatient_client}
        return ServerRun(flow, flow_run_id, self.server.client, **{**usual, **options})

    def _impatient_client(self) -> Client:
        return self.server.client(retry=RetryPolicy(budget=0))

    def run(self, flow: Flow, flow_run_id: str | None = None, **options: Any) -> State:
        """Run a flow run, a new one unless one is given."""
        return self.prepare(flow, flow_run_id or self.create(flow), **options).run()

    def run_again(self, flow: Flow, flow_run_id: str, **options: Any) -> State:
        """Run a flow run whose process has ended, once that is known by its silence."""
        self.clock.advance(ABANDONED)
        return self.run(flow, flow_run_id, **options)

    def history(self, flow_run_id: str) -> dict[str, list[str]]:
        """The states of each task run by its slug and map index, in order; those of the flow run under "flow"."""
        query = """query H($id: uuid!) { flow_run_by_pk(id: $id) {
          states(order_by: {version: asc}) { state }
          task_runs { map_index task { slug } states(order_by: {version: asc}) { state } } } }"""
        row = self.client.graphql(query, variables={"id": flow_run_id}).data.flow_run_by_pk
        told = {"flow": [each.state for each in row.states]}
        for run in row.task_runs:
            name = run.task.slug if run.map_index < 0 else f"{run.task.slug}[{run.map_index}]"
            told[name] = [each.state for each in run.states]
        return told


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def bench(clock: VirtualClock, tmp_path: Path) -> Iterator[Bench]:
    with MemoryServer(clock=clock) as server, server.client() as client:
        client.create_project("tests")
        yield Bench(server, client, clock, tmp_path / "outbox")
