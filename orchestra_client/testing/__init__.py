"""What your tests need: clients on a server in memory, a clock to turn by hand, and a network that fails on command.

:mod:`orchestra_client.testing.plugin` offers the same as pytest fixtures.
"""

from __future__ import annotations

from .clock import VirtualClock
from .faults import AsyncFaultyTransport, Faults, FaultyTransport
from .servers import MemoryServer, async_memory_client, memory_client

__all__ = [
    "AsyncFaultyTransport",
    "Faults",
    "FaultyTransport",
    "MemoryServer",
    "VirtualClock",
    "async_memory_client",
    "memory_client",
]
