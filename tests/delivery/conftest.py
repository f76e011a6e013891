"""Runs on a real server in memory, whose network can be made to fail, and handlers that are closed after the test."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.delivery import OrchestraHandler
from orchestra_client.states import Running
from orchestra_client.testing import Faults, MemoryServer
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client.client import Client

FLOW = Path(__file__).parents[2] / "examples" / "flows" / "daily_sales.json"


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    with MemoryServer() as server:
        yield server


@pytest.fixture
def faults(server: MemoryServer) -> Faults:
    return server.faults


@pytest.fixture
def client(server: MemoryServer) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def open_client(server: MemoryServer) -> Callable[[], Client]:
    """Opens a client that leaves retrying to whoever delivers."""
    return lambda: server.client(retry=RetryPolicy(budget=0))


@pytest.fixture
def new_run(client: Client) -> Callable[[], str]:
    """Makes a flow run and answers its id."""
    client.create_project("sales")
    flow_id = client.register(json.loads(FLOW.read_text()), "sales", no_url=True)
    return lambda: client.create_flow_run(flow_id, parameters={"day": "2026-01-01"})


@pytest.fixture
def flow_run_id(new_run: Callable[[], str]) -> str:
    return new_run()


@pytest.fixture
def task_run_id(client: Client, flow_run_id: str) -> str:
    """A task run of `flow_run_id`, which is Running at version 2."""
    client.set_flow_run_state(flow_run_id, 1, Running())
    return client.get_flow_run_info(flow_run_id).task_runs[0].id


@pytest.fixture
def open_handler(open_client: Callable[[], Client]) -> Iterator[Callable[..., OrchestraHandler]]:
    opened: list[OrchestraHandler] = []

    def open_one(**options: Any) -> OrchestraHandler:
        opened.append(OrchestraHandler(options.pop("open_client", open_client), **options))
        return opened[-1]

    yield open_one
    for handler in opened:
        handler.flush_timeout = 0
        handler.close()


@pytest.fixture
def handler(open_handler: Callable[..., OrchestraHandler]) -> OrchestraHandler:
    return open_handler()


@pytest.fixture
def logger(handler: OrchestraHandler) -> logging.Logger:
    """A logger of its own that logs to `handler` alone."""
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    return logger


@pytest.fixture
def messages(client: Client, flow_run_id: str) -> Callable[[], list[str | None]]:
    """Reads the messages that are stored of `flow_run_id`."""
    return lambda: [record.message for record in client.get_flow_run_logs(flow_run_id)]
