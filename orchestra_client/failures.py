"""Which exception an answer's errors become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import ClientError, OrchestraError, error_class

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["error_of", "root_errors"]

_DETAILS = ("expected", "current", "retry_after", "index")


def error_of(errors: Sequence[dict[str, Any]], *, operation: str | None) -> OrchestraError:
    """The exception for the errors that the API answered.

    The first error decides its class by ``extensions.code``, and its details; the message has all of them.

    Args:
        errors: as sent, each with a `message` and usually `extensions`; at least one.
        operation: the operation that failed.

    Returns:
        An error of the class that :func:`~orchestra_client.errors.error_class` names, not raised yet.
    """
    extensions = errors[0].get("extensions") or {}
    code = extensions.get("code")
    details: dict[str, Any] = {name: extensions[name] for name in _DETAILS if name in extensions}
    text = "; ".join(str(error.get("message") or "an error without a message") for error in errors)
    error = error_class(code)(text, operation=operation, errors=tuple(errors), **details)
    if isinstance(error, ClientError):
        error.code = code
    return error


def root_errors(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors of an answer that no single root field is to blame for: nothing was executed."""
    return [error for error in body.get("errors") or () if not error.get("path")]
