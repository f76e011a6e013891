"""A client for a GraphQL orchestration cloud, with an embedded server that speaks the same API.

Everything public is imported when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._version import __version__
from orchestra_client.lazy import lazily

if TYPE_CHECKING:
    from orchestra_client import errors, states, testing
    from orchestra_client.async_client import AsyncClient
    from orchestra_client.client import Client
    from orchestra_client.config import context
    from orchestra_client.flows import Flow, Parameter, task
    from orchestra_client.states import State

__all__ = [
    "AsyncClient",
    "Client",
    "Flow",
    "Parameter",
    "State",
    "__version__",
    "context",
    "errors",
    "states",
    "task",
    "testing",
]

# Where each public name lives; None says that the name is a module of this package.
_HOMES: dict[str, str | None] = {
    "AsyncClient": "async_client",
    "Client": "client",
    "Flow": "flows",
    "Parameter": "flows",
    "State": "states",
    "context": "config",
    "errors": None,
    "states": None,
    "task": "flows",
    "testing": None,
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
