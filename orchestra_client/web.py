"""Requests to paths of a server that are not GraphQL: what to send, and what an answer means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    ClientError,
    NotFound,
    OrchestraError,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    ServerError,
    mask_token,
)
from orchestra_client.operation import Operation, Repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.exchange import Reply

__all__ = ["WebCall", "server_of", "web_call", "web_result"]

_ERRORS: dict[int, type[OrchestraError]] = {
    400: BadInput,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    413: PayloadTooLarge,
    429: RateLimited,
}


@dataclass(frozen=True, slots=True)
class WebCall(Operation[Any]):
    """One HTTP request. Immutable, so safe to share.

    Attributes:
        method: ``GET`` or ``POST``.
        path: below the server's root.
        server: another server's URL; None for the client's own.
        params: the query of the URL for ``GET``, the JSON body for ``POST``.
    """

    method: str = "GET"
    path: str = ""
    server: str | None = None
    params: Mapping[str, Any] | None = field(default=None, repr=False)


def web_call(
    method: str,
    path: str,
    *,
    own_server: str,
    server: str | None,
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any] | None,
    token: str | None,
) -> WebCall:
    """Check one HTTP request.

    Args:
        method: ``GET`` or ``POST``.
        path: below the server's root.
        own_server: the URL of the client's server.
        server: another server's URL; None for the client's own.
        headers: to add.
        params: the query of the URL for ``GET``, the JSON body for ``POST``.
        token: to authenticate with. None means the session's, which goes to its own server alone.
    """
    is_elsewhere = server is not None and _origin(server) != _origin(own_server)
    return WebCall(
        name=f"{method} {path}",
        variables={},
        parse=dict,
        repeat=Repeat.SAFE if method == "GET" else Repeat.NEVER,
        bearer="" if token is None and is_elsewhere else token,
        text="",
        headers=dict(headers or {}),
        method=method,
        path=path,
        server=server,
        params=params,
    )


def web_result(call: WebCall, reply: Reply) -> Any:
    """The JSON of an answer; an empty dict for an answer without any.

    Raises:
        OrchestraError: the status says that it failed.
    """
    response = reply.response
    if response.status < 300:
        return {} if response.body is None else response.body
    kind = _ERRORS.get(response.status, ServerError if response.status >= 500 else ClientError)
    content = str(response.excerpt or response.body)
    if call.bearer:
        # Some servers send back what they refuse, and another server's token need not look like one of ours.
        content = content.replace(call.bearer, mask_token(call.bearer))
    error = kind(f"{call.name} was answered with HTTP {response.status}: {content}")
    if isinstance(error, ClientError):
        error.attempts, error.request_id, error.operation = reply.attempts, reply.request_id, call.name
    raise error


def server_of(operation: Operation[Any], own_server: str) -> str:
    """The server that an operation is sent to, for messages: without what else a URL may hold, passwords included."""
    if not isinstance(operation, WebCall) or operation.server is None:
        return own_server
    scheme, place = _origin(operation.server)
    return f"{scheme}://{place.rpartition('@')[2]}"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
