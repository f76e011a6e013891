"""Requests as httpx sends them, and its answers as the client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from orchestra_client.errors import BadInput, ConfigurationError

from .base import Response
from .payload import decode, encode, excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .base import Request
    from .http_options import Timeouts

__all__ = ["Envelope", "read_answer"]

_JSON = {"content-type": "application/json"}

# The ends of an API's path under which a server answers GraphQL; `get` and `post` count from what is before them.
_GRAPHQL_PATHS = ("/graphql/alpha", "/graphql")


class Envelope:
    """Addresses messages to one server. Immutable, so safe to share.

    Building messages here rather than by httpx's client spares a good part of its own time per call.

    Args:
        url: of the GraphQL endpoint.
        timeouts: for messages that do not bring their own.
        headers: to send with each message.
    """

    def __init__(self, url: str, timeouts: Timeouts, headers: Mapping[str, str]) -> None:
        self.url = httpx.URL(url)
        self._timeouts = {
            "connect": timeouts.connect,
            "read": timeouts.read,
            "write": timeouts.write,
            "pool": timeouts.pool,
        }
        self._headers = dict(headers)
        self._host = {"host": self.url.netloc.decode("ascii")}

    def graphql(self, request: Request) -> httpx.Request:
        """A GraphQL request as an HTTP message.

        Raises:
            BadInput: a variable cannot be written as JSON, or a header is no text.
        """
        body = encode(request)
        length = {"content-length": str(len(body))}
        return httpx.Request(
            "POST",
            self.url,
            # A complete message: httpx has nothing to look for or to add.
            stream=httpx.ByteStream(body),
            headers=self._merged({**self._host, **_JSON, **request.headers, **length}),
            extensions={"timeout": self._within(request.timeout)},
        )

    def raw(
        self,
        method: str,
        path: str,
        *,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = None,
    ) -> httpx.Request:
        """Any other HTTP message; see :meth:`~orchestra_client.transport.http.HTTPTransport.request`."""
        return httpx.Request(
            method.upper(),
            _below(self.url if server is None else _http_url(server), path),
            params=params or None,
            json=json,
            headers=self._merged(headers or {}),
            extensions={"timeout": self._within(timeout)},
        )

    def _merged(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        merged = dict(self._headers)
        try:
            for name, value in headers.items():
                merged[name.lower()] = value
            return [(name.encode(), value.encode()) for name, value in merged.items()]
        except (TypeError, AttributeError, UnicodeError):
            raise BadInput("headers are a dict of names and values that are both strings") from None

    def _within(self, timeout: float | None) -> dict[str, float]:
        return self._timeouts if timeout is None else {**self._timeouts, "read": timeout, "write": timeout}


def read_answer(answer: httpx.Response, elapsed: float) -> Response:
    """An httpx answer, read to its end, as a response of ours.

    Args:
        answer: of any status.
        elapsed: seconds that it took.
    """
    body = decode(answer.content)
    return Response(
        status=answer.status_code,
        headers=answer.headers,
        body=body,
        excerpt=excerpt(answer.content) if body is None else "",
        elapsed=elapsed,
    )


def _http_url(server: str) -> httpx.URL:
    try:
        url = httpx.URL(server)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"{server!r} is not a URL: {error}.") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(
            f"{server!r} is not the URL of an HTTP server; it is written http(s)://host."
        )
    return url


def _below(root: httpx.URL, path: str) -> httpx.URL:
    base = root.path.rstrip("/")
    for ending in _GRAPHQL_PATHS:
        if base.endswith(ending):
            base = base.removesuffix(ending)
            break
    return root.copy_with(path=f"{base}/{path.lstrip('/')}", query=None)
