"""A real server process, agents in threads, and the processes that they start."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Client
from orchestra_client.agent import LocalAgent, Pace
from tests.agent.world import (
    CHILD,
    SHORT,
    TOKEN,
    Running,
    ServerProcess,
    World,
    defunct_children,
    open_client,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests: each has labels of its own."""
    running = ServerProcess(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of this test's own, to be stopped and started."""
    home = tmp_path / "server"
    home.mkdir()
    running = ServerProcess(home)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def world(server: ServerProcess, tmp_path: Path) -> Iterator[World]:
    with Client(server.url, TOKEN) as client:
        yield World(client, tmp_path)


@pytest.fixture
def start(server: ServerProcess, world: World) -> Iterator[Callable[..., Running]]:
    """Start agents in threads, on this test's label; they are stopped afterwards."""
    running: list[Running] = []

    def start(
        kind: Any = LocalAgent,
        url: str = server.url,
        token: str = TOKEN,
        pace: dict[str, float] | None = None,
        **options: Any,
    ) -> Running:
        if issubclass(kind, LocalAgent):
            options = {"command": CHILD, **options}
        given = {"labels": [world.label], "open_client": partial(open_client, url, token), **options}
        running.append(Running(kind(pace=Pace(**{**SHORT, **(pace or {})}), **given)))
        return running[-1]

    yield start
    for each in running:
        each.stop()
    assert defunct_children() == []
