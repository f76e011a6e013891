"""JSON on the wire: a request's body, written once and compactly, and an answer's, read tolerantly."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from .base import Request

__all__ = ["WrittenVariables", "decode", "encode", "excerpt", "plain_variables"]

_EXCERPT_CHARACTERS = 200


class WrittenVariables(Mapping[str, Any]):
    """Variables that are JSON already, to be sent without being written again.

    Reads as the mapping it is, at the price of parsing it. Immutable, so safe to share.

    Args:
        text: a JSON object, in UTF-8.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.text)
        return read


def encode(request: Request) -> bytes:
    """The body to send for `request`: ``{"query": …, "variables": …, "operationName": …}``.

    Raises:
        BadInput: a variable cannot be written as JSON.
    """
    body: dict[str, Any] = {"query": request.text}
    if request.operation_name is not None:
        body["operationName"] = request.operation_name
    if isinstance(request.variables, WrittenVariables):
        return b'%b,"variables":%b}' % (_dumps(body).encode("ascii")[:-1], request.variables.text)
    if request.variables:
        body["variables"] = request.variables
    return _dumps(body).encode("ascii")


def plain_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables as a server would read them: a deep copy made of JSON's own types.

    Raises:
        BadInput: one of them cannot be written as JSON.
    """
    text = variables.text if isinstance(variables, WrittenVariables) else _dumps(variables)
    plain: dict[str, Any] = json.loads(text)
    return plain


def decode(content: bytes) -> Any:
    """Read a body as JSON; None for anything else, be it empty, cut off, or nested beyond reason."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def excerpt(content: bytes) -> str:
    """The start of a body for a message, in one line."""
    text = content[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace")
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT_CHARACTERS else line[: _EXCERPT_CHARACTERS - 1] + "…"


def _dumps(value: Any) -> str:
    try:
        # Escaping all but ASCII is what the C encoder does fastest, and carries lone surrogates unharmed.
        return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_as_json)
    except TypeError as error:
        raise BadInput(f"the variables cannot be written as JSON: {error}") from None
    except ValueError as error:
        raise BadInput(
            f"the variables cannot be written as JSON ({error}); NaN and infinity do not exist there"
        ) from None
    except RecursionError:
        raise BadInput("the variables are nested too deeply to be written as JSON") from None


def _as_json(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise TypeError(f"the time {value.isoformat()} has no time zone; give it one, e.g. datetime.UTC")
        return value.isoformat()
    raise TypeError(f"a value is a {type(value).__name__}")
