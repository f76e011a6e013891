"""The server itself: what it can do."""

from __future__ import annotations

from orchestra_client.operation import Operation

__all__ = ["get_capabilities"]


def get_capabilities() -> Operation[frozenset[str]]:
    """What the server can do beyond the older API; servers of that API refuse the question as bad input."""
    return Operation("get_capabilities", {}, lambda answer: frozenset(answer["capabilities"]))
