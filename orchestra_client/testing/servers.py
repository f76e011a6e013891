"""A whole server in memory, and clients on it."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

from orchestra_client.errors import MissingExtra
from orchestra_client.testing.faults import AsyncFaultyTransport, Faults, FaultyTransport
from orchestra_client.transport.embedded import AsyncEmbeddedTransport, EmbeddedTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType
    from typing import Self

    from orchestra_client.async_client import AsyncClient
    from orchestra_client.client import Client
    from orchestra_client.clock import Clock
    from orchestra_client.server.service import Service

__all__ = ["MemoryServer", "async_memory_client", "memory_client"]


class MemoryServer:
    """A server in memory with any number of clients, whose network can be made to fail.

    ::

        with MemoryServer(clock=VirtualClock()) as server, server.client() as client:
            server.faults.lose_answers(matching="CreateProject")
            client.create_project("sales")

    Safe to share between threads and tasks.

    Args:
        clock: of the server and its clients; unset means the system's.
        auth: ``"token"`` asks for logins, and clients come with the admin's token; ``"none"`` asks nobody.
        access_token_seconds: how long a session's access token lives.

    Attributes:
        faults: the switches for the network of all clients.
        clock: of the server and its clients; None for the system's.
        api_token: the admin's API token; None without logins.

    Raises:
        MissingExtra: the server's dependencies are not installed.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        auth: Literal["token", "none"] = "none",
        access_token_seconds: int = 600,
    ) -> None:
        self.faults = Faults()
        self.clock = clock
        self._service = _open(clock, auth=auth, access_token_seconds=access_token_seconds)
        made = self._service.bootstrapped
        self.api_token = made.token if made and auth == "token" else None

    def client(self, **options: Any) -> Client:
        """A client on this server.

        Args:
            options: for `Client`, over those that this server implies.
        """
        from orchestra_client.client import Client  # noqa: PLC0415 - only one of the two is needed

        transport = FaultyTransport(EmbeddedTransport(self._service), self.faults, self.clock)
        return Client(**{**self._options(), "transport": transport, **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """An asynchronous client on this server.

        Args:
            options: for `AsyncClient`, over those that this server implies.
        """
        from orchestra_client.async_client import AsyncClient  # noqa: PLC0415 - as above

        transport = AsyncFaultyTransport(AsyncEmbeddedTransport(self._service), self.faults, self.clock)
        return AsyncClient(**{**self._options(), "transport": transport, **options})

    def close(self) -> None:
        """Forget everything. Close the clients before."""
        self._service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _options(self) -> dict[str, Any]:
        return {"api_server": "memory:", "api_token": self.api_token, "clock": self.clock}


@contextmanager
def memory_client(*, clock: Clock | None = None) -> Iterator[Client]:
    """A client on a server of its own, for the length of a `with` block.

    Args:
        clock: of both; unset means the system's.

    Yields:
        The client.
    """
    with MemoryServer(clock=clock) as server, server.client() as client:
        yield client


@asynccontextmanager
async def async_memory_client(*, clock: Clock | None = None) -> AsyncIterator[AsyncClient]:
    """An asynchronous client on a server of its own, for the length of an `async with` block.

    Args:
        clock: of both; unset means the system's.

    Yields:
        The client.
    """
    with MemoryServer(clock=clock) as server:
        async with server.async_client() as client:
            yield client


def _open(clock: Clock | None, **settings: Any) -> Service:
    try:
        from orchestra_client.server.context import Settings  # noqa: PLC0415 - needs the extra `server`
        from orchestra_client.server.service import Service  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestra_client"):
            raise
        raise MissingExtra("server", "A server in memory") from error
    return Service.open("memory:", settings=Settings(**settings), clock=clock.now if clock else None)
