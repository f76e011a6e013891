"""What is configured: the home directory, the `context`, environment variables, and which server is meant.

Environment variables are read when they are needed, never at import. This package imports nothing else of ours but
the errors, so that the client and the server can both use it.
"""

from __future__ import annotations

from .environment import flag, home, is_ci, make_home, number
from .scoped import Context, context
from .servers import (
    ServerChoice,
    ServerSource,
    normalize_database,
    normalize_server,
    resolve_server,
    warn_of_default,
)

__all__ = [
    "Context",
    "ServerChoice",
    "ServerSource",
    "context",
    "flag",
    "home",
    "is_ci",
    "make_home",
    "normalize_database",
    "normalize_server",
    "number",
    "resolve_server",
    "warn_of_default",
]
