"""What holds for the block of code being executed: the flow it writes, and the tags of its tasks.

Both belong to the current thread or asyncio task.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.flows.flow import Flow

__all__ = ["active_flow", "active_tags", "enter_flow", "leave_flow", "tags"]

_flows: ContextVar[tuple[Flow, ...]] = ContextVar("orchestra_flows", default=())
_tags: ContextVar[frozenset[str]] = ContextVar("orchestra_tags", default=frozenset())


def active_flow() -> Flow | None:
    """The flow of the innermost ``with Flow(…)`` block, or None outside of all."""
    flows = _flows.get()
    return flows[-1] if flows else None


def enter_flow(flow: Flow) -> None:
    """Begin the block of a flow."""
    _flows.set((*_flows.get(), flow))


def leave_flow() -> None:
    """End the innermost block."""
    _flows.set(_flows.get()[:-1])


def active_tags() -> frozenset[str]:
    """The tags of all ``with tags(…)`` blocks around."""
    return _tags.get()


@contextmanager
def tags(*names: str) -> Iterator[None]:
    """Give tags to every task that is made or called within the block.

    Args:
        names: the tags, added to those of the blocks around.

    Yields:
        Nothing.
    """
    token = _tags.set(_tags.get() | frozenset(names))
    try:
        yield
    finally:
        _tags.reset(token)
