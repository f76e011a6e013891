"""What went wrong, as the API answers it: a message and a machine-readable code, and nothing from inside.

The codes are those that :func:`orchestra_client.errors.error_class` turns back into errors.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from orchestra_client import errors as e
from orchestra_client.server.store.interruption import code_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import FieldNode

logger = logging.getLogger(__name__)

MAX_MESSAGE = 2000
"""Characters of a message; more of it would only repeat what was sent."""

_CODES: dict[type[BaseException], str] = {
    e.AuthenticationError: "UNAUTHENTICATED",
    e.PermissionDenied: "FORBIDDEN",
    e.NotFound: "NOT_FOUND",
    e.BadInput: "BAD_USER_INPUT",
    e.StateSerializationError: "BAD_USER_INPUT",
    e.VersionConflict: "VERSION_LOCKING_ERROR",
    e.StateConflict: "STATE_CONFLICT",
    e.UniquenessViolation: "UNIQUENESS_VIOLATION",
    e.RateLimited: "RATE_LIMITED",
    e.PayloadTooLarge: "PAYLOAD_TOO_LARGE",
    e.ServerError: "API_ERROR",
}
# Details of errors that a client can act on.
_DETAILS = ("expected", "current", "retry_after", "index")

# What SQLite reports when a repeat may well succeed: someone else writes, the disk is full, read-only or silent.
_PASSING = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)
# What SQLite says of a statement with too much in too much else; it has no code of its own.
_TOO_NESTED = "parser stack overflow"
# SQLite's names and PostgreSQL's codes of what a table's constraints refuse; how it is told, its code.
_NAMED = (
    (
        ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"),
        "Uniqueness violation.",
        "UNIQUENESS_VIOLATION",
    ),
    (
        ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503"),
        "It refers to something that does not exist, or no longer.",
        "NOT_FOUND",
    ),
)


class RequestRefused(Exception):
    """The document cannot be parsed, or does not fit the contract.

    Attributes:
        code: of errors that carry none themselves.
        errors: what is wrong with it.
    """

    def __init__(self, code: str, errors: Sequence[GraphQLError]) -> None:
        super().__init__(code, errors)
        self.code = code
        self.errors = errors

    def formatted(self) -> list[dict[str, Any]]:
        """The `errors` of the answer."""
        return [_formatted(error, error.extensions or {"code": self.code}) for error in self.errors]


def describe(
    error: Exception,
    *,
    path: Sequence[str] = (),
    nodes: Sequence[FieldNode] = (),
    request_id: str | None = None,
) -> dict[str, Any]:
    """One entry of an answer's `errors`; what nobody expected goes to the server's log and is not told.

    Args:
        error: what was raised.
        path: of the field in the answer; empty for the whole request.
        nodes: where the document asks for the field.
        request_id: to find the log's entry by; made up where it is needed and missing.
    """
    known = _known(error)
    if known is None:
        request_id = request_id or uuid.uuid4().hex
        _log(error, path, request_id)
        message = f"The server failed. Its log tells why, under the request ID {request_id}."
        known = (message, {"code": "INTERNAL_SERVER_ERROR"})
    message, extensions = known
    return _formatted(GraphQLError(message, nodes or None, path=list(path) or None), extensions)


def _formatted(error: GraphQLError, extensions: dict[str, Any]) -> dict[str, Any]:
    message = e.mask_secrets(error.message)
    if len(message) > MAX_MESSAGE:
        message = message[:MAX_MESSAGE] + "…"
    return {**error.formatted, "message": message, "extensions": extensions}


def _known(error: Exception) -> tuple[str, dict[str, Any]] | None:
    """The message and extensions of an error that may be told; None for one that may not."""
    if isinstance(error, GraphQLError):
        return error.message, error.extensions or {"code": "BAD_USER_INPUT"}
    if isinstance(error, RecursionError):
        return "A value is nested too deeply; flatten it.", {"code": "BAD_USER_INPUT"}
    if isinstance(error, (DBAPIError, PoolTimeout)):
        return _of_database(error)
    code = next((_CODES[cls] for cls in type(error).__mro__ if cls in _CODES), None)
    if code is None:
        return None
    details = {name: getattr(error, name) for name in _DETAILS if getattr(error, name, None) is not None}
    return str(error), {"code": code, **details}


def _of_database(error: DBAPIError | PoolTimeout) -> tuple[str, dict[str, Any]] | None:
    if isinstance(error, DBAPIError) and (name := code_of(error)):
        for names, message, code in _NAMED:
            if name in names:
                return message, {"code": code}
    if isinstance(error, DataError):
        return "A value is out of the range that can be stored.", {"code": "BAD_USER_INPUT"}
    if isinstance(error, OperationalError) and str(error.orig) == _TOO_NESTED:
        return "`where` leads through too many relationships; nest fewer.", {"code": "BAD_USER_INPUT"}
    if isinstance(error, PoolTimeout) or (isinstance(error, OperationalError) and _is_passing(error)):
        return "The database is busy, full or out of reach; try again.", {"code": "API_ERROR"}
    return None


def _is_passing(error: OperationalError) -> bool:
    # SQLite reports mistakes in SQL as operational errors, too.
    name = getattr(error.orig, "sqlite_errorname", None)
    return name is None or name.startswith(_PASSING)


def _log(error: Exception, path: Sequence[str], request_id: str | None) -> None:
    # Not `exc_info`: a traceback's last line quotes values, tokens perhaps among them.
    trace = e.mask_secrets("".join(traceback.format_exception(error)))
    logger.error("request %s failed at %s\n%s", request_id, ".".join(path) or "its start", trace)
