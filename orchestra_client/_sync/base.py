# Generated from orchestra_client/_async/base.py by tools/generate.py: do not edit.
"""What the parts of the client have in common: they hand operations and procedures to one session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from orchestra_client._sync.session import Session
    from orchestra_client.operation import Operation, Procedure

__all__ = ["Part"]

T = TypeVar("T")


class Part:
    """A part of the client: the methods for one kind of thing. As safe to share as the session is."""

    _session: Session

    def _execute(self, operation: Operation[T]) -> T:
        return self._session.execute(operation)

    def _run(self, procedure: Procedure[T]) -> T:
        return self._session.run(procedure)

    def _server_has(self, capability: str) -> bool:
        return capability in self._session.capabilities()

    def _server_now(self) -> datetime:
        """What o'clock it is at the server, as far as its answers have told."""
        return datetime.fromtimestamp(
            self._session.credentials.server_time(self._session.clock.now().timestamp()), UTC
        )
