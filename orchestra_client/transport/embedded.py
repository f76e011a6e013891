"""The server inside this process: no port, no login, the same answers as over HTTP.

This module is the only way from the client to `orchestra_client.server`, and imports it when the first store is opened.
"""

from __future__ import annotations

import asyncio
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestra_client.config import make_home
from orchestra_client.errors import MissingExtra

from .base import Response
from .guard import Guard
from .leases import Lease, Leases
from .payload import plain_variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.server.context import Credentials, Settings
    from orchestra_client.server.service import GraphQLRequest, Service

    from .base import Request

__all__ = ["AsyncEmbeddedTransport", "EmbeddedTransport"]

_MEMORY = "memory:"
_SQLITE = "sqlite:///"


class EmbeddedTransport:
    """Answers requests from a store in this process.

    Clients that name the same SQLite file or database share one open store; ``memory:`` is private to each. There is no
    login: every request acts as the store's admin user, and in the tenant of a session, once there is one. A request's
    `timeout` has no meaning here. Safe to share between threads; in a forked child every use raises `ClientClosed`.

    Args:
        store: ``sqlite:///path``, ``memory:`` or ``postgresql+psycopg://…``; or a service, which is then not closed with
            the transport. Opening takes a moment: a new database is set up, an older one brought up to date.
        clock: seconds that only grow, for `Response.elapsed`.

    Raises:
        MissingExtra: the server's dependencies are not installed.
        ConfigurationError: the store cannot be opened.
    """

    def __init__(self, store: str | Service, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._lease = _lease(store)
        self._guard = Guard()
        self._clock = clock

    def send(self, request: Request) -> Response:
        """Answer a request; see :meth:`~orchestra_client.transport.base.Transport.send`."""
        self._guard.check()
        return _answer(self._lease, request, self._clock)

    def close(self) -> None:
        """Wait for the requests that are under way, and close the store unless others use it. Twice does nothing."""
        if self._guard.close():
            self._lease.release()


class AsyncEmbeddedTransport:
    """Answers requests from a store in this process, in worker threads, so that the event loop is never blocked.

    What is said of :class:`EmbeddedTransport` holds here, too. Safe to share between tasks, of several event loops even.
    A request whose task is cancelled is still finished.

    Args:
        store: as for :class:`EmbeddedTransport`; it is opened here and now.
        clock: seconds that only grow, for `Response.elapsed`.

    Raises:
        MissingExtra: the server's dependencies are not installed.
        ConfigurationError: the store cannot be opened.
    """

    def __init__(self, store: str | Service, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._lease = _lease(store)
        self._guard = Guard()
        self._clock = clock

    async def send(self, request: Request) -> Response:
        """Answer a request; see :meth:`~orchestra_client.transport.base.Transport.send`."""
        self._guard.check()
        return await asyncio.to_thread(_answer, self._lease, request, self._clock)

    async def close(self) -> None:
        """Wait for the requests that are under way, and close the store unless others use it. Twice does nothing."""
        if self._guard.close():
            await asyncio.to_thread(self._lease.release)


class _Server(NamedTuple):
    """What of the server is used here."""

    open: Callable[..., Service]
    request: type[GraphQLRequest]
    credentials_of: Callable[[dict[str, str]], Credentials]
    settings: type[Settings]


@cache
def _server() -> _Server:
    """Import the server: the one lazy door to it.

    Raises:
        MissingExtra: one of its dependencies is not installed.
    """
    try:
        from orchestra_client.server.context import Settings  # noqa: PLC0415
        from orchestra_client.server.headers import credentials_of  # noqa: PLC0415
        from orchestra_client.server.service import GraphQLRequest, Service  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestra_client"):
            raise
        raise MissingExtra("server", "A server inside the process (sqlite:///…, memory:)") from error
    return _Server(Service.open, GraphQLRequest, credentials_of, Settings)


def _open(url: str) -> Service:
    server = _server()
    # The key that encrypts secrets lives in the home directory; a store in memory has one of its own.
    home = None if url == _MEMORY else make_home()
    return server.open(url, home=home, settings=server.settings(auth="none"))


_leases: Leases[Service] = Leases(_open)


def _lease(store: str | Service) -> Lease[Service]:
    if not isinstance(store, str):
        return Lease(store)
    if store == _MEMORY:
        service = _open(store)
        return Lease(service, service.close)
    return _leases.acquire(_same(store))


def _same(url: str) -> str:
    """The URL under which a file is shared, whatever links lead to it."""
    if not url.startswith(_SQLITE):
        return url
    path, separator, query = url.removeprefix(_SQLITE).partition("?")
    return f"{_SQLITE}{Path(path).resolve()}{separator}{query}"


def _answer(lease: Lease[Service], request: Request, clock: Callable[[], float]) -> Response:
    started = clock()
    server = _server()
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = server.request(
        query=request.text,
        variables=plain_variables(request.variables),
        operation_name=request.operation_name,
        request_id=headers.get("x-request-id"),
    )
    with lease.use() as service:
        answer = service.execute(asked, server.credentials_of(headers))
    return Response(answer.status, {}, answer.body, elapsed=clock() - started)
