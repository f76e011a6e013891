"""The client; see :class:`orchestra_client.async_client.AsyncClient` for the same in tasks."""

from __future__ import annotations

from orchestra_client._sync.client import Client

__all__ = ["Client"]
