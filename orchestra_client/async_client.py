"""The asynchronous client; see :class:`orchestra_client.client.Client` for the same in threads."""

from __future__ import annotations

from orchestra_client._async.client import AsyncClient

__all__ = ["AsyncClient"]
