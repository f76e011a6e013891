"""Every error this package raises on purpose.

One tree, chosen by the machine-readable code that the API answers (``errors[].extensions.code``), never
by the text of a message::

    OrchestraError
    ├── ConfigurationError            nothing, or something contradictory, is configured; says what to set
    │   └── MissingExtra              an optional dependency is not installed; names the `pip install`
    ├── ClientClosed                  the client was closed, or crossed a fork
    ├── TransportError                no usable answer came back
    │   ├── TransportConnectionError  the server could not be reached
    │   ├── TransportTimeout          it was reached and did not answer in time
    │   └── TransportProtocolError    it answered something that is not GraphQL
    ├── AuthenticationError           the credential was refused; says which, and from where
    ├── PermissionDenied              the credential is good, and not good enough; says its scope
    ├── ClientError                   the API answered with errors
    │   ├── NotFound
    │   │   └── NoSuchTenant          the credential sees no such tenant (also a ValueError)
    │   ├── BadInput                  (also a ValueError)
    │   ├── Unsuccessful              the API said that it was not done, and not why (also a ValueError)
    │   ├── VersionConflict           someone else moved the run; carries `expected` and `current`
    │   ├── StateConflict             the run's state does not allow this one
    │   ├── UniquenessViolation
    │   ├── RateLimited               carries `retry_after` in seconds
    │   ├── PayloadTooLarge
    │   └── ServerError               the server's own failure, transient (API_ERROR) or not
    ├── StateSerializationError       a value in a state is not JSON; carries its `path` (also a TypeError)
    ├── FlowError                     a flow, task or schedule cannot be as written (also a ValueError)
    ├── FlowStorageError              a flow cannot be stored, or loaded from where it is stored
    ├── ResultError                   what a task returned cannot be stored, or loaded from where it is stored
    └── WaitTimeout                   waiting for a run took longer than asked (also a TimeoutError)

All of them pickle, and none of them shows a token: messages pass through :func:`mask_secrets` when built.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "AuthenticationError",
    "BadInput",
    "ClientClosed",
    "ClientError",
    "ConfigurationError",
    "FlowError",
    "FlowStorageError",
    "MissingExtra",
    "NoSuchTenant",
    "NotFound",
    "OrchestraError",
    "PayloadTooLarge",
    "PermissionDenied",
    "RateLimited",
    "ResultError",
    "ServerError",
    "StateConflict",
    "StateSerializationError",
    "TransportConnectionError",
    "TransportError",
    "TransportProtocolError",
    "TransportTimeout",
    "UniquenessViolation",
    "Unsuccessful",
    "VersionConflict",
    "WaitTimeout",
    "mask_secrets",
    "mask_token",
]

# Our API tokens start with `orc_`; a JWT is three base64url parts, the first of which encodes `{"`.
_TOKEN = re.compile(r"orc_[A-Za-z0-9_\-]{6,}|eyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*")


def mask_token(token: str | None) -> str:
    """Shorten a token to something a person can recognise and nobody can use.

    Args:
        token: any API token or JWT, or None.

    Returns:
        The kind and the last four characters (``orc_…9xYz``), ``…`` for a token too short to show any
        of, and ``<none>`` without one.
    """
    if not token:
        return "<none>"
    if len(token) < 16:
        return "…"
    prefix = "orc_" if token.startswith("orc_") else ("jwt:" if token.startswith("eyJ") else "")
    return f"{prefix}…{token[-4:]}"


def mask_secrets(text: str) -> str:
    """Replace everything in `text` that looks like one of our tokens or a JWT by its masked form."""
    return _TOKEN.sub(lambda match: mask_token(match.group()), text)


class OrchestraError(Exception):
    """The root of every error raised by this package.

    Keyword details given to the constructor become attributes and survive pickling.

    Attributes:
        flow_name: the flow because of which several were not registered, all at once or not at all; else None.
    """

    flow_name: str | None = None

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(mask_secrets(message))
        for name, value in details.items():
            setattr(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default replays `args` alone and would lose, or fail on, keyword-only details.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[OrchestraError], args: tuple[Any, ...], details: dict[str, Any]) -> OrchestraError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(details)
    return error


class ConfigurationError(OrchestraError):
    """Nothing, or something contradictory, is configured; the message says what to set."""


class MissingExtra(ConfigurationError, ImportError):
    """An optional dependency is not installed.

    Args:
        extra: the extra to install, e.g. ``"server"``.
        purpose: what it is needed for, as the start of a sentence.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an optional part: pip install 'orchestra-client[{extra}]'")
        self.extra = extra


class ClientClosed(OrchestraError, RuntimeError):
    """The client was used after `close()`, or in a child process after a fork."""


class TransportError(OrchestraError):
    """No usable answer came back.

    Attributes:
        operation: the name of the operation that was under way, when there was one.
        attempts: how many times the request was sent, at least 1.
        request_id: the `X-Request-Id` of the last attempt, to find it in the server's log.
        was_sent: the server may have received the request; False only where it certainly did not.
    """

    operation: str | None = None
    attempts: int = 1
    request_id: str | None = None
    was_sent: bool = True


class TransportConnectionError(TransportError):
    """The server could not be reached, or hung up."""


class TransportTimeout(TransportError, TimeoutError):
    """The server was reached and did not answer in time."""


class TransportProtocolError(TransportError):
    """The server answered something that is not a GraphQL response.

    Attributes:
        status_code: the HTTP status of the answer.
    """

    status_code: int | None = None


class AuthenticationError(OrchestraError):
    """The credential was refused, or there is none.

    Attributes:
        source: where the credential came from (an argument, a variable, a file).
        operation: the operation that was refused, when there was one.
    """

    source: str | None = None
    operation: str | None = None

    @property
    def reason(self) -> str:
        """Why it was refused, without the part that tells which credential it was."""
        return str(self).removesuffix(f" Sent with {self.operation}: {self.source}.")


class PermissionDenied(OrchestraError):
    """The credential is valid and does not allow this operation.

    Attributes:
        operation: that was refused.
        source: which credential it was and where it came from, without showing it.
        errors: of the answer, as sent.
    """

    source: str | None = None
    operation: str | None = None
    errors: tuple[dict[str, Any], ...] = ()


class ClientError(OrchestraError):
    """The API answered with errors.

    Attributes:
        operation: the operation's name.
        errors: the `errors` of the answer as sent, each a dict with `message` and `extensions`.
        request_id: the `X-Request-Id` of the request.
        attempts: how many times it was sent.
        was_repeated: an earlier attempt, whose answer was lost, may have been applied.
        code: the `extensions.code` of the first error.
    """

    code: str | None = None
    operation: str | None = None
    errors: tuple[dict[str, Any], ...] = ()
    request_id: str | None = None
    attempts: int = 1
    was_repeated: bool = False


class NotFound(ClientError):
    """What was asked for does not exist, or belongs to another tenant."""


class NoSuchTenant(NotFound, ValueError):
    """The credential sees no such tenant. Also a ValueError, which is what older clients raised."""


class BadInput(ClientError, ValueError):
    """The API, or a check before sending, refused an argument.

    Attributes:
        index: which of many things that were sent is to blame, from 0; None where the API did not tell.
    """

    index: int | None = None


class Unsuccessful(ClientError, ValueError):
    """The API answered ``success: false`` and no error. Also a ValueError, which is what older clients raised."""


class VersionConflict(ClientError):
    """A state was refused because the run had moved on: someone else owns it.

    Attributes:
        expected: the version that was sent.
        current: the version the run has, when the server told.
    """

    expected: int | None = None
    current: int | None = None


class StateConflict(ClientError):
    """The run's state does not allow the one that was sent."""


class UniquenessViolation(ClientError):
    """Something of that name exists already."""


class RateLimited(ClientError):
    """The server asks for patience.

    Attributes:
        retry_after: seconds to wait, when the server told.
    """

    retry_after: float | None = None


class PayloadTooLarge(ClientError):
    """The request is larger or deeper than the server accepts; nothing of it was applied."""


class ServerError(ClientError):
    """The server failed; `API_ERROR` is transient and was retried, anything else was not."""


class StateSerializationError(OrchestraError, TypeError):
    """A value in a state cannot be written as JSON.

    Attributes:
        path: where it stands in the serialized state, e.g. ``context.rows[2]``.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class FlowError(OrchestraError, ValueError):
    """A flow, task or schedule cannot be as it is written; the message says what to write instead."""


class FlowStorageError(OrchestraError):
    """A flow cannot be stored, or cannot be loaded from where it is stored.

    Attributes:
        location: the module, file or directory that was tried.
    """

    location: str | None = None


class ResultError(OrchestraError):
    """What a task returned cannot be stored, or cannot be loaded from where it is stored.

    Attributes:
        location: where in the store, when it has been decided.
    """

    location: str | None = None


class WaitTimeout(OrchestraError, TimeoutError):
    """Waiting for a run took longer than was asked.

    Attributes:
        flow_run_id: the run.
        state_type: the type of the last state seen, e.g. ``"Running"``.
    """

    flow_run_id: str | None = None
    state_type: str | None = None


# Which error each `extensions.code` of the API becomes.
_BY_CODE: dict[str, type[OrchestraError]] = {
    "UNAUTHENTICATED": AuthenticationError,
    "FORBIDDEN": PermissionDenied,
    "NOT_FOUND": NotFound,
    "BAD_USER_INPUT": BadInput,
    "GRAPHQL_PARSE_FAILED": BadInput,
    "GRAPHQL_VALIDATION_FAILED": BadInput,
    "VERSION_LOCKING_ERROR": VersionConflict,
    "STATE_CONFLICT": StateConflict,
    "UNIQUENESS_VIOLATION": UniquenessViolation,
    "RATE_LIMITED": RateLimited,
    "PAYLOAD_TOO_LARGE": PayloadTooLarge,
    "API_ERROR": ServerError,
    "INTERNAL_SERVER_ERROR": ServerError,
}


def error_class(code: str | None) -> type[OrchestraError]:
    """The error class for an `extensions.code`; plain :class:`ClientError` for one we do not know."""
    return _BY_CODE.get(code or "", ClientError)
