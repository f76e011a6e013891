"""What the parts of the client have in common: they hand operations and procedures to one session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from orchestra_client._async.session import AsyncSession
    from orchestra_client.operation import Operation, Procedure

__all__ = ["AsyncPart"]

T = TypeVar("T")


class AsyncPart:
    """A part of the client: the methods for one kind of thing. As safe to share as the session is."""

    _session: AsyncSession

    async def _execute(self, operation: Operation[T]) -> T:
        return await self._session.execute(operation)

    async def _run(self, procedure: Procedure[T]) -> T:
        return await self._session.run(procedure)

    async def _server_has(self, capability: str) -> bool:
        return capability in await self._session.capabilities()

    def _server_now(self) -> datetime:
        """What o'clock it is at the server, as far as its answers have told."""
        return datetime.fromtimestamp(
            self._session.credentials.server_time(self._session.clock.now().timestamp()), UTC
        )
