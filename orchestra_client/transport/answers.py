"""Reading an answer: is it GraphQL at all, which errors does it name, and did anything happen?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import (
    AuthenticationError,
    OrchestraError,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    TransportProtocolError,
)

if TYPE_CHECKING:
    from .base import Response

__all__ = [
    "applied_nothing",
    "error_codes",
    "graphql_body",
    "is_graphql",
    "is_unauthenticated",
    "requested_wait",
]

_REFUSALS: dict[int, tuple[type[OrchestraError], str]] = {
    401: (AuthenticationError, "the server, or a proxy before it, asks for another login"),
    403: (PermissionDenied, "the server, or a proxy before it, does not let this credential in"),
    413: (PayloadTooLarge, "the server, or a proxy before it, takes no request of this size"),
    429: (RateLimited, "the server asks for patience"),
}


def is_graphql(response: Response) -> bool:
    """Whether the body is a GraphQL response: an object with `data` or `errors`."""
    body = response.body
    return isinstance(body, dict) and ("data" in body or isinstance(body.get("errors"), list))


def error_codes(response: Response) -> tuple[str, ...]:
    """The `extensions.code` of every error in the answer, in order; errors without one are left out."""
    codes = (_extension(error, "code") for error in _errors(response))
    return tuple(code for code in codes if isinstance(code, str))


def requested_wait(response: Response) -> float | None:
    """The longest `extensions.retry_after` that an error of the answer asks for, in seconds; None without one."""
    waits = (_extension(error, "retry_after") for error in _errors(response))
    return max((float(wait) for wait in waits if isinstance(wait, int | float)), default=None)


def applied_nothing(response: Response) -> bool:
    """Whether no root field of the answer has a value, so that no part of a mutation succeeded."""
    data = response.body.get("data") if isinstance(response.body, dict) else None
    return not data or (isinstance(data, dict) and all(value is None for value in data.values()))


def is_unauthenticated(response: Response) -> bool:
    """Whether the credential was refused, be it by HTTP status or by the API's code."""
    return response.status == 401 or "UNAUTHENTICATED" in error_codes(response)


def graphql_body(response: Response, *, server: str) -> dict[str, Any]:
    """The answer as GraphQL, with whatever errors it lists.

    Args:
        response: of any status.
        server: who answered, for messages.

    Returns:
        The body: `data`, `errors`, or both.

    Raises:
        AuthenticationError: 401 without a GraphQL body.
        PermissionDenied: 403 without one.
        PayloadTooLarge: 413 without one.
        RateLimited: 429 without one; with its `retry_after` when the server told in seconds.
        TransportProtocolError: anything else that is not GraphQL, e.g. the page of a proxy.
    """
    if is_graphql(response):
        body: dict[str, Any] = response.body
        return body
    status = response.status
    if status in _REFUSALS:
        error, reason = _REFUSALS[status]
        wait = response.headers.get("retry-after", "")
        details = {"retry_after": float(wait)} if error is RateLimited and wait.isdecimal() else {}
        raise error(f"{server} answered HTTP {status}: {reason}.", **details)
    raise TransportProtocolError(f"{server} answered {_description(response)}.", status_code=status)


def _description(response: Response) -> str:
    status = response.status
    if 300 <= status < 400:
        target = response.headers.get("location", "elsewhere")
        return f"HTTP {status}, a redirect to {target}; set the server to the address that it leads to"
    if status == 404:
        return "HTTP 404; check the path of the server's address, which usually ends in /graphql"
    if status >= 500:
        return f"HTTP {status}; the server, or a proxy before it, is in trouble"
    seen = f": {response.excerpt!r}" if response.excerpt else ""
    return (
        f"HTTP {status} with something that is not GraphQL{seen}; check whether this is the address of an API"
    )


def _errors(response: Response) -> list[Any]:
    errors = response.body.get("errors") if isinstance(response.body, dict) else None
    return errors if isinstance(errors, list) else []


def _extension(error: Any, name: str) -> Any:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return extensions.get(name) if isinstance(extensions, dict) else None
