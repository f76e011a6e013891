"""Both clients under the same tests, on a real server in memory."""

from __future__ import annotations

import asyncio
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.testing import Faults, MemoryServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOW = Path(__file__).parents[2] / "examples" / "flows" / "daily_sales.json"


class InLoop:
    """An asynchronous client whose calls are awaited in a loop of its own, so that tests read like the other's."""

    def __init__(self, make: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_call(make))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *args, **kwargs: self._runner.run(value(*args, **kwargs))

    def __repr__(self) -> str:
        return repr(self._client)

    def close(self) -> None:
        self._runner.run(self._client.aclose())

    def end(self) -> None:
        self.close()
        self._runner.close()


async def _call(make: Any) -> Any:
    return make()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    with MemoryServer(clock=clock) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return request.param


class Opener:
    """Makes clients of one colour, and closes them after the test."""

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self._made: list[Any] = []

    def __call__(self, server: MemoryServer, **options: Any) -> Any:
        if self.colour == "sync":
            client: Any = server.client(**options)
        else:
            client = InLoop(lambda: server.async_client(**options))
        self._made.append(client)
        return client

    def close(self) -> None:
        for client in self._made:
            (client.close if self.colour == "sync" else client.end)()


@pytest.fixture
def open_client(colour: str) -> Iterator[Opener]:
    opener = Opener(colour)
    yield opener
    opener.close()


@pytest.fixture
def client(open_client: Opener, server: MemoryServer) -> Any:
    """One client of each colour on `server`."""
    return open_client(server)


@pytest.fixture
def faults(server: MemoryServer) -> Faults:
    return server.faults


@pytest.fixture
def serialized_flow() -> dict[str, Any]:
    flow: dict[str, Any] = json.loads(FLOW.read_text())
    return flow


@pytest.fixture
def flow_id(client: Any, serialized_flow: dict[str, Any]) -> str:
    client.create_project("sales")
    found: str = client.register(serialized_flow, "sales", no_url=True)
    return found


@pytest.fixture
def flow_run_id(client: Any, flow_id: str) -> str:
    found: str = client.create_flow_run(flow_id, parameters={"day": "2026-01-01"})
    return found
