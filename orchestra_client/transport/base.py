"""The seam between what the client wants to say and how it travels: a request, a response, two methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AsyncTransport", "Request", "Response", "Transport"]

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """One GraphQL request, ready to be sent; the same object may be sent again.

    Its repr names the operation and nothing that could be secret.

    Attributes:
        text: the GraphQL document.
        variables: its variables, values that JSON knows (UUIDs and aware datetimes are written as strings).
        operation_name: which operation of the document to execute; None when it has only one.
        headers: HTTP headers by name, `Authorization` among them.
        timeout: seconds to wait for the server to take the request and to answer; None for the transport's own.
        is_idempotent: sending it twice does no more than sending it once: a query, or a mutation that carries a
            version, a `transition_id` or an idempotency key. Anything else is only repeated when it certainly
            was not applied.
    """

    text: str = field(repr=False)
    variables: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, repr=False)
    operation_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    timeout: float | None = None
    is_idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one request, whatever its status.

    Its repr shows nothing of the body, which may hold a token.

    Attributes:
        status: the HTTP status; embedded servers answer with the one they would have sent.
        headers: by lower-case name.
        body: the parsed JSON, or None when the body was none.
        excerpt: the start of a body that was no JSON, for messages; otherwise empty.
        elapsed: seconds from sending to the last byte.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    body: Any = field(default=None, repr=False)
    excerpt: str = field(default="", repr=False)
    elapsed: float = 0.0


class Transport(Protocol):
    """Sends requests; safe to share between threads, not across a fork."""

    def send(self, request: Request) -> Response:
        """Send once, without retrying.

        Returns:
            The answer, whatever its status says.

        Raises:
            BadInput: the variables cannot be written as JSON; nothing was sent.
            TransportError: no answer came back; its `was_sent` tells whether the server may have seen the request.
            ClientClosed: after `close()`, or in a forked child.
        """
        ...

    def close(self) -> None:
        """Release the connections. Closing twice does nothing."""
        ...


class AsyncTransport(Protocol):
    """Sends requests; safe to share between the tasks of one event loop, not across a fork."""

    async def send(self, request: Request) -> Response:
        """Send once, without retrying; see :meth:`Transport.send`."""
        ...

    async def close(self) -> None:
        """Release the connections. Closing twice does nothing."""
        ...
