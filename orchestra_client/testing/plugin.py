"""Fixtures for pytest; put ``pytest_plugins = ["orchestra_client.testing.plugin"]`` into your `conftest.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.testing.clock import VirtualClock
from orchestra_client.testing.servers import MemoryServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.client import Client

__all__ = ["orchestra_client", "orchestra_clock", "orchestra_server"]


@pytest.fixture
def orchestra_clock() -> VirtualClock:
    """A clock that only moves when the test, or somebody who waits, moves it."""
    return VirtualClock()


@pytest.fixture
def orchestra_server(orchestra_clock: VirtualClock) -> Iterator[MemoryServer]:
    """A server in memory on `orchestra_clock`, with switches for network faults in its `faults`."""
    with MemoryServer(clock=orchestra_clock) as server:
        yield server


@pytest.fixture
def orchestra_client(orchestra_server: MemoryServer) -> Iterator[Client]:
    """A client on `orchestra_server`."""
    with orchestra_server.client() as client:
        yield client
