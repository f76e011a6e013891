"""What a client's session decides without I/O: what to send for an operation, and what an answer means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client.errors import (
    AuthenticationError,
    ClientError,
    OrchestraError,
    RateLimited,
    TransportProtocolError,
)
from orchestra_client.failures import error_of
from orchestra_client.graphql.documents import document
from orchestra_client.operation import Repeat
from orchestra_client.transport.answers import graphql_body
from orchestra_client.transport.base import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operation import Operation
    from orchestra_client.transport.base import Response

__all__ = ["Reply", "describe_failure", "request_for", "result_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """The last answer to an operation.

    Attributes:
        response: as it came.
        attempts: how many times the request was sent, at least 1.
        request_id: of the last attempt.
        was_repeated: an attempt before it, whose answer was lost, may have been applied.
        retry_after: seconds that the server asked to wait, when it did.
    """

    response: Response
    attempts: int
    request_id: str
    was_repeated: bool = False
    retry_after: float | None = None


def request_for(
    operation: Operation[Any],
    *,
    headers: Mapping[str, str],
    bearer: str | None,
    request_id: str,
    timeout: float | None,
) -> Request:
    """The request of one attempt.

    Args:
        operation: what to ask.
        headers: of the session; the operation's own are added.
        bearer: the token to send; None or empty for none.
        request_id: names the attempt in the server's log.
        timeout: seconds; None for the transport's own.
    """
    own = {"x-request-id": request_id}
    if bearer:
        own["authorization"] = f"Bearer {bearer}"
    if operation.idempotency_key is not None:
        own["idempotency-key"] = operation.idempotency_key
    return Request(
        text=document(operation.document_name) if operation.text is None else operation.text,
        variables=operation.variables,
        operation_name=operation.operation_name,
        headers={**headers, **own, **operation.headers},
        timeout=timeout,
        is_idempotent=operation.repeat is not Repeat.NEVER,
    )


def result_of(operation: Operation[T], reply: Reply, *, server: str, credential: str) -> T:
    """Read the answer to an operation.

    Args:
        operation: what was asked.
        reply: what was answered.
        server: who answered, for messages.
        credential: what was sent to authenticate, described without showing it.

    Returns:
        The operation's result.

    Raises:
        OrchestraError: the errors that the API answered, or that it answered something else than GraphQL.
    """
    try:
        body = graphql_body(reply.response, server=server)
        if operation.tolerant:
            return operation.parse(body)
        if errors := body.get("errors"):
            raise error_of(errors, operation=operation.document_name)
        return operation.parse((body.get("data") or {}).get(operation.name))
    except OrchestraError as error:
        if isinstance(error, ClientError):
            error.was_repeated = reply.was_repeated
        if isinstance(error, RateLimited) and error.retry_after is None:
            error.retry_after = reply.retry_after
        raise describe_failure(
            error, operation, reply.attempts, reply.request_id, credential
        ) from error.__cause__
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        unreadable = TransportProtocolError(
            f"{server} answered {operation.document_name} with something that the contract does not allow",
            status_code=reply.response.status,
        )
        raise describe_failure(unreadable, operation, reply.attempts, reply.request_id, credential) from error


def describe_failure(
    error: OrchestraError, operation: Operation[Any], attempts: int, request_id: str, credential: str
) -> OrchestraError:
    """Tell an error what it belongs to.

    Args:
        error: as it was raised; changed in place, as far as its class has such attributes.
        operation: that failed.
        attempts: how many times it was sent.
        request_id: of the last attempt.
        credential: what was sent to authenticate, described without showing it.

    Returns:
        The error to raise: the same one, or for a refused credential one that says which it was.
    """
    if isinstance(error, AuthenticationError):
        return AuthenticationError(
            f"{error} Sent with {operation.document_name}: {credential}.",
            source=credential,
            operation=operation.document_name,
        )
    details = {
        "operation": operation.document_name,
        "attempts": attempts,
        "request_id": request_id,
        "source": credential,
    }
    vars(error).update({name: value for name, value in details.items() if hasattr(type(error), name)})
    return error
