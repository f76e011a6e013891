"""A server in memory that is asked as clients ask it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Asker:
    """Asks a server; an answer with errors is an assertion error unless it is asked for them."""

    service: Service
    credentials: Credentials = field(default_factory=Credentials)

    def __call__(self, query: str, **variables: Any) -> Any:
        body = self.service.execute(GraphQLRequest(query, variables), self.credentials).body
        assert "errors" not in body, body["errors"]
        return body["data"]

    def do(self, mutation: str, fields: str = "success", **input: Any) -> Any:
        data = self(
            f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {fields} }} }}", input=input
        )
        return data[mutation]

    def refused(self, mutation: str, **input: Any) -> tuple[str, str]:
        """The code and the message with which a mutation is refused."""
        fields = "__typename"
        query = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {fields} }} }}"
        body = self.service.execute(GraphQLRequest(query, {"input": input}), self.credentials).body
        [error] = body["errors"]
        return error["extensions"]["code"], error["message"]


class Clock:
    """A clock that each look moves on by a millisecond, so that rows have an order in time."""

    def __init__(self) -> None:
        self.time = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.time += dt.timedelta(milliseconds=1)
        return self.time


@pytest.fixture
def ask() -> Iterator[Asker]:
    service = Service.open("memory:", settings=Settings(auth="none"), clock=Clock())
    yield Asker(service)
    service.close()


def task(slug: str, **more: Any) -> dict[str, Any]:
    return {"name": slug.split("-")[0], "slug": slug, "type": "prefect.core.task.Task", **more}


def edge(upstream: str, downstream: str, **more: Any) -> dict[str, Any]:
    return {"upstream_task": {"slug": upstream}, "downstream_task": {"slug": downstream}, **more}


def flow(name: str = "f", **more: Any) -> dict[str, Any]:
    tasks = [task("a-1"), task("b-1", tags=["db"], max_retries=2, retry_delay=5)]
    return {"name": name, "tasks": tasks, "edges": [edge("a-1", "b-1", key="x")], **more}
