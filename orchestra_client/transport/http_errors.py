"""What httpx raises, in terms of this package's errors."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

from orchestra_client.errors import (
    BadInput,
    OrchestraError,
    TransportConnectionError,
    TransportProtocolError,
    TransportTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shown_cause", "translate"]

# Raised before the first byte of the request has left.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

# httpx has one class for a server that speaks no HTTP and for one that hung up halfway; only the text differs
# (httpcore `_sync/http11.py`, h11 `_readers.py`). The tests stage both and notice when the text changes.
_HUNG_UP = ("disconnected", "closed connection", "ConnectionTerminated", "closed by peer")

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def translate(error: httpx.HTTPError, url: httpx.URL, *, own: httpx.URL) -> OrchestraError:
    """The error to raise instead of one of httpx.

    Args:
        error: raised while a request was sent or its answer read.
        url: where the request went.
        own: the orchestration server's URL, for there is advice about that one alone.

    Returns:
        An error that names the server and what to do; its `was_sent` is False only when the server cannot have seen
        the request.
    """
    was_sent = not isinstance(error, _NEVER_SENT)
    server = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
    if isinstance(error, httpx.LocalProtocolError):
        return BadInput("a header holds a line break or another character that HTTP does not allow")
    if isinstance(error, httpx.TimeoutException):
        return TransportTimeout(_timeout_message(error, server), was_sent=was_sent)
    if (problem := _protocol_problem(error)) is not None:
        return TransportProtocolError(f"{problem} {server}: {error}.", was_sent=was_sent)
    return TransportConnectionError(
        _connection_message(error, server, can_start=url.netloc == own.netloc and url.host in _LOOPBACK),
        was_sent=was_sent,
    )


def shown_cause(error: httpx.HTTPError) -> httpx.HTTPError | None:
    """What a traceback may show as the cause: a refused header is quoted by its error, token and all."""
    return None if isinstance(error, httpx.LocalProtocolError) else error


def _protocol_problem(error: httpx.HTTPError) -> str | None:
    """What is wrong with how the server speaks, as the start of a sentence; None when it did not get to that."""
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return "No secure connection to"
    if isinstance(error, httpx.DecodingError):
        return "The answer cannot be decompressed that came from"
    if isinstance(error, httpx.RemoteProtocolError) and not _hung_up(error):
        return "Something that is not HTTP came from"
    return None


def _hung_up(error: httpx.HTTPError) -> bool:
    return isinstance(error, httpx.RemoteProtocolError) and any(text in str(error) for text in _HUNG_UP)


def _timeout_message(error: httpx.TimeoutException, server: str) -> str:
    if isinstance(error, httpx.PoolTimeout):
        return f"No connection to {server} became free in time; too many requests are under way at once."
    if isinstance(error, httpx.ConnectTimeout):
        return f"{server} did not accept a connection in time."
    return f"{server} did not answer in time."


def _connection_message(error: httpx.HTTPError, server: str, *, can_start: bool) -> str:
    if _hung_up(error):
        return f"{server} hung up before its answer was complete."
    reason = str(error) or type(error).__name__
    if not isinstance(error, httpx.ConnectError):
        return f"The connection to {server} failed: {reason}."
    advice = " Is it running? `orchestra server start` starts one." if can_start else ""
    return f"{server} cannot be reached: {reason}.{advice}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
