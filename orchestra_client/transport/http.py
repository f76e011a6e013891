"""GraphQL over HTTP: one pool of httpx connections each, with a timeout on everything.

Neither class retries or authenticates; they carry one request and bring back one answer. What they share is in plain
functions, so that each is little more than the call that differs.
"""

from __future__ import annotations

import time
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

import httpx

from .guard import Guard, Uses
from .http_errors import shown_cause, translate
from .http_messages import Envelope, read_answer
from .http_options import HEADERS, HTTPOptions, Timeouts
from .routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .base import Request, Response

__all__ = ["AsyncHTTPTransport", "HTTPOptions", "HTTPTransport", "Timeouts"]


class HTTPTransport:
    """Sends requests over one pool of connections.

    Safe to share between any number of threads. In a forked child every use raises `ClientClosed`.

    Args:
        url: of the GraphQL endpoint.
        options: how to connect.
        clock: seconds that only grow, for `Response.elapsed`.

    Raises:
        MissingExtra: HTTP/2 is asked for and not installed.
        ConfigurationError: the proxy or the CA bundle cannot be used.
    """

    def __init__(
        self,
        url: str,
        options: HTTPOptions | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        options = options or HTTPOptions()
        self._envelope = Envelope(url, options.timeouts, HEADERS)
        self._routes = Routes(httpx.HTTPTransport, options)
        self._pool = self._routes.to(self._envelope.url)
        self._uses = Uses(Guard(), self._release)
        self._clock = clock

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._envelope.url}>"

    def send(self, request: Request) -> Response:
        """Send once; see :meth:`~orchestra_client.transport.base.Transport.send`."""
        return self._exchange(self._pool, self._envelope.graphql(request))

    def request(
        self,
        method: str,
        path: str,
        *,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> Response:
        """Send any HTTP request, e.g. for a path of the server that is not GraphQL.

        Args:
            method: ``"GET"``, ``"POST"``, ….
            path: below the server's root, e.g. ``"health"``; the API's own ``/graphql`` does not count.
            server: another server's URL; unset means this transport's.
            headers: to add.
            params: the URL's query.
            json: the body; unset means none.
            timeout: seconds to wait for the server to take the request and to answer; unset means the transport's.

        Returns:
            The answer; `body` is None when it is no JSON.

        Raises:
            ConfigurationError: `server` is no HTTP URL.
            TransportError: no answer came back.
            ClientClosed: after `close()`, or in a forked child.
        """
        message = self._envelope.raw(
            method, path, server=server, headers=headers, params=params, json=json, timeout=timeout
        )
        return self._exchange(self._routes.to(message.url), message)

    def close(self) -> None:
        """Close every connection, now or when the requests of other threads that are under way are answered.

        Closing twice does nothing, and so does closing in a forked child.
        """
        self._uses.close()

    def _release(self) -> None:
        for pool in self._routes.opened:
            pool.close()

    def _exchange(self, pool: httpx.HTTPTransport, message: httpx.Request) -> Response:
        started = self._clock()
        try:
            with self._uses, closing(pool.handle_request(message)) as answer:
                answer.read()
        except httpx.HTTPError as error:
            raise translate(error, message.url, own=self._envelope.url) from shown_cause(error)
        return read_answer(answer, self._clock() - started)


class AsyncHTTPTransport:
    """Sends requests over one pool of connections, without blocking the event loop.

    Safe to share between the tasks of the event loop that uses it first; in another loop, and in a forked child,
    every use raises `ClientClosed`.

    Args:
        url: of the GraphQL endpoint.
        options: how to connect.
        clock: seconds that only grow, for `Response.elapsed`.

    Raises:
        MissingExtra: HTTP/2 is asked for and not installed.
        ConfigurationError: the proxy or the CA bundle cannot be used.
    """

    def __init__(
        self,
        url: str,
        options: HTTPOptions | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        options = options or HTTPOptions()
        self._envelope = Envelope(url, options.timeouts, HEADERS)
        self._routes = Routes(httpx.AsyncHTTPTransport, options)
        self._pool = self._routes.to(self._envelope.url)
        self._guard = Guard()
        self._clock = clock

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._envelope.url}>"

    async def send(self, request: Request) -> Response:
        """Send once; see :meth:`~orchestra_client.transport.base.Transport.send`."""
        return await self._exchange(self._pool, self._envelope.graphql(request))

    async def request(
        self,
        method: str,
        path: str,
        *,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109 (httpx applies it to each part of the exchange)
    ) -> Response:
        """Send any HTTP request; see :meth:`HTTPTransport.request`."""
        message = self._envelope.raw(
            method, path, server=server, headers=headers, params=params, json=json, timeout=timeout
        )
        return await self._exchange(self._routes.to(message.url), message)

    async def close(self) -> None:
        """Close every connection. Closing twice does nothing, and so does closing in a forked child.

        In another event loop than the one that used them, the connections cannot be closed and are only let go.
        """
        if self._guard.close() and self._guard.is_in_loop:
            for pool in self._routes.opened:
                await pool.aclose()

    async def _exchange(self, pool: httpx.AsyncHTTPTransport, message: httpx.Request) -> Response:
        self._guard.check_loop()
        started = self._clock()
        try:
            async with aclosing(await pool.handle_async_request(message)) as answer:
                await answer.aread()
        except httpx.HTTPError as error:
            raise translate(error, message.url, own=self._envelope.url) from shown_cause(error)
        return read_answer(answer, self._clock() - started)
