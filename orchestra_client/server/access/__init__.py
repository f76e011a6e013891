"""Credentials: who asks, sessions and their keys, API tokens, users and tenants, and the first start.

The only room that reads and writes these tables; their rows are outside every scope.
"""

from __future__ import annotations

from orchestra_client.server.access.bootstrap import Bootstrapped, bootstrap
from orchestra_client.server.access.principals import Access

__all__ = ["Access", "Bootstrapped", "bootstrap"]
