"""A server that is asked as clients ask it, with a flow that has runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service
from tests.server.conftest import IF_POSTGRES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 3, 1, 12, 0, 0, 250_001, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time

    def advance(self, **units: float) -> None:
        self.time += dt.timedelta(**units)

    def at(self, **units: float) -> str:
        """The text of a time that far from now, as the API writes it."""
        return (self.time + dt.timedelta(**units)).isoformat(timespec="microseconds")


def state(type_name: str, message: str | None = None, **more: Any) -> dict[str, Any]:
    """A serialized state as Prefect 1.4.1 sends it."""
    return {
        "type": type_name,
        "message": message,
        "context": {"tags": []},
        "cached_inputs": {},
        "_result": {"type": "NoResultType", "__version__": "1.4.1"},
        "__version__": "1.4.1",
        **more,
    }


class Refused(Exception):
    """The API answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["extensions"]["code"]
        self.message = error["message"]


@dataclass
class Server:
    """Asks a service; errors in an answer are raised as `Refused`."""

    service: Service
    clock: Clock
    credentials: Credentials = field(default_factory=Credentials)

    def __call__(self, query: str, **variables: Any) -> Any:
        body = self.service.execute(GraphQLRequest(query, variables), self.credentials).body
        if body.get("errors"):
            raise Refused(body["errors"][0])
        return body["data"]

    def do(self, mutation: str, fields: str = "success", **input: Any) -> Any:
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        return self(query, input=input)[mutation]

    def as_agent(self, agent_id: str) -> Server:
        return Server(self.service, self.clock, Credentials(agent_id=agent_id))

    def in_tenant(self, tenant_id: str) -> Server:
        return Server(self.service, self.clock, Credentials(tenant_id=tenant_id))

    def flow(self, *tasks: dict[str, Any] | str, **more: Any) -> str:
        """Register a flow with these tasks, given as slugs or with more of what a task has."""
        full = [_task(task) for task in tasks]
        serialized = {"name": "f", "tasks": full, "edges": [], **more}
        return self.do("create_flow", "id", serialized_flow=serialized)["id"]

    def run(self, flow_id: str | None = None, **more: Any) -> str:
        """Create a flow run, of a new flow without tasks unless one is given."""
        return self.do("create_flow_run", "id", flow_id=flow_id or self.flow(), **more)["id"]

    def running(self, *tasks: dict[str, Any] | str) -> tuple[str, list[str]]:
        """A Running flow run, and its task runs in the order of the tasks."""
        run_id = self.run(self.flow(*tasks))
        self.set_flow_run(run_id, "Running")
        return run_id, self.task_runs(run_id)

    def task_runs(self, run_id: str) -> list[str]:
        query = """query($id: UUID!) { task_run(where: {flow_run_id: {_eq: $id}}) { id task { slug } } }"""
        rows = self(query, id=run_id)["task_run"]
        return [row["id"] for row in sorted(rows, key=lambda row: row["task"]["slug"])]

    def set_flow_run(self, run_id: str, type_name: str, **more: Any) -> dict[str, Any]:
        """Set one flow run's state; what belongs to the item is taken from `more`, the rest is the state's."""
        return self.set_flow_runs(_item("flow_run_id", run_id, type_name, more))[0]

    def set_task_run(self, run_id: str, type_name: str, **more: Any) -> dict[str, Any]:
        """Set one task run's state, as `set_flow_run`."""
        return self.set_task_runs(_item("task_run_id", run_id, type_name, more))[0]

    def set_flow_runs(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        fields = "states { id status message code version }"
        return self.do("set_flow_run_states", fields, states=list(items))["states"]

    def set_task_runs(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        fields = "states { id status message code version }"
        return self.do("set_task_run_states", fields, states=list(items))["states"]

    def flow_run(self, run_id: str, fields: str) -> dict[str, Any]:
        return self(f"query($id: UUID!) {{ flow_run_by_pk(id: $id) {{ {fields} }} }}", id=run_id)[
            "flow_run_by_pk"
        ]

    def task_run(self, run_id: str, fields: str) -> dict[str, Any]:
        return self(f"query($id: UUID!) {{ task_run_by_pk(id: $id) {{ {fields} }} }}", id=run_id)[
            "task_run_by_pk"
        ]


def _task(task: dict[str, Any] | str) -> dict[str, Any]:
    given = {"slug": task} if isinstance(task, str) else task
    return {"name": given["slug"], "type": "Task", **given}


def _item(id_name: str, run_id: str, type_name: str, more: dict[str, Any]) -> dict[str, Any]:
    item = {name: more.pop(name) for name in ("version", "transition_id") if name in more}
    return {id_name: run_id, "state": state(type_name, **more), **item}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session", params=["memory", *IF_POSTGRES])
def backend(request: pytest.FixtureRequest) -> str:
    """The kinds of database that these tests run on."""
    return str(request.param)


@pytest.fixture
def server(url: str, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    service = Service.open(url, home=tmp_path, settings=Settings(auth="none"), clock=clock)
    yield Server(service, clock)
    service.close()
