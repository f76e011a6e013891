"""What goes over the wire, for people who look for a mistake: one log line per attempt, with every secret masked.

The lines go to the logger `orchestra_client.requests` at level DEBUG. ``ORCHESTRA_DEBUG=1`` lets them through, and
prints them where nobody has set up logging::

    CreateProject: HTTP 200 in 3.1 ms, attempt 1, request 5f0c…, variables {"input": {"name": "etl"}}
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from orchestra_client.config import flag
from orchestra_client.errors import TransportError, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .base import Request, Response

__all__ = ["enable_request_log", "log_attempt", "masked"]

_log = logging.getLogger("orchestra_client.requests")

_SECRET_KEY = re.compile(
    r"value|token|secret|passw|authori[sz]ation|credential|api_?key|private_?key|cookie",
    re.IGNORECASE,
)
_OPERATION = re.compile(r"\s*(?:query|mutation)\s+(\w+)", re.ASCII)
_MASK = "…"
_MAX_CHARACTERS = 2000
_MAX_DEPTH = 20


def enable_request_log(environ: Mapping[str, str]) -> None:
    """Let the lines through when `ORCHESTRA_DEBUG` is on; when it is not, nothing changes.

    Args:
        environ: the environment variables.

    Raises:
        ConfigurationError: `ORCHESTRA_DEBUG` is neither on nor off.
    """
    if not flag(environ, "ORCHESTRA_DEBUG"):
        return
    _log.setLevel(logging.DEBUG)
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
        _log.addHandler(handler)


def log_attempt(request: Request, outcome: Response | TransportError, *, attempt: int) -> None:
    """Log one attempt; costs next to nothing while nobody listens.

    Args:
        request: what was sent; of its headers only the request's id is shown, of its text the operation's name.
        outcome: the answer, whose body is not shown, or the error in its place.
        attempt: which one it was, from 1.
    """
    if not _log.isEnabledFor(logging.DEBUG):
        return
    _log.debug(
        "%s: %s, attempt %d, request %s, variables %s",
        request.operation_name or _first_operation(request.text),
        _outcome(outcome),
        attempt,
        _request_id(request.headers),
        _variables(request.variables),
    )


def masked(value: Any, *, depth: int = _MAX_DEPTH) -> Any:
    """A copy of a JSON value in which whatever could be a secret is ``…``.

    Args:
        value: any value; what JSON does not know is shown as the name of its type.
        depth: how many levels are shown at most.

    Returns:
        The copy. Everything under a key that speaks of values, tokens, secrets, passwords and the like is masked, and
        tokens of our own form and JWTs are recognised wherever they stand.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return mask_secrets(value)
    if depth == 0:
        return _MASK
    if isinstance(value, dict):
        return {
            mask_secrets(str(key)): _MASK if _hides(key, item) else masked(item, depth=depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item, depth=depth - 1) for item in value]
    return f"<{type(value).__name__}>"


def _hides(key: Any, item: Any) -> bool:
    return item is not None and _SECRET_KEY.search(str(key)) is not None


def _first_operation(text: str) -> str:
    found = _OPERATION.match(text)
    return found.group(1) if found else "anonymous"


def _outcome(outcome: Response | TransportError) -> str:
    if isinstance(outcome, TransportError):
        return f"{type(outcome).__name__}: {outcome}"
    return f"HTTP {outcome.status} in {outcome.elapsed * 1000:.1f} ms"


def _request_id(headers: Mapping[str, str]) -> str:
    found = (value for name, value in headers.items() if name.lower() == "x-request-id")
    return next(found, "unnamed")


def _variables(variables: Mapping[str, Any]) -> str:
    # Masked before it is shortened: half a token is not recognised as one.
    text = json.dumps(masked(dict(variables)), ensure_ascii=False)
    # A lone surrogate cannot be written to any terminal or file.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + _MASK
