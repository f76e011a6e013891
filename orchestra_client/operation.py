"""One call of the API as a value, and what takes several calls as a generator of such values.

Nothing here sends anything. `operations/` builds operations, `procedures/` yields them, and a client's session
executes them; so all that is worth testing about a call is tested without one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

__all__ = ["Operation", "Pause", "Procedure", "Repeat"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Procedure = Generator["Operation[Any] | Pause", Any, T]
"""Several calls that belong together: yields operations, is sent their results (or thrown their errors), and
returns what they make together. It waits by yielding a `Pause`."""


class Repeat(enum.Enum):
    """Whether an operation may be sent again after an attempt that may have been applied, its answer lost."""

    SAFE = "safe"
    """Always: it reads, or its input makes a repeat harmless (a key, a version, a transition id, an upsert)."""

    KEYED = "keyed"
    """Only with a server that knows a repeat by its `Idempotency-Key` header."""

    NEVER = "never"
    """Only when the attempt surely was not applied."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[T_co]):
    """One call of the API: which document, with which variables, and how its answer is read.

    The document is the one called like `name`, in CamelCase, in `graphql/*.graphql`, unless the operation brings
    its text, as a batch by aliases does. Its result stands in the answer's field called `name`. Immutable, so safe
    to share.

    Attributes:
        name: in snake_case, e.g. ``create_flow_run``.
        variables: the document's variables, as JSON.
        parse: makes the typed result of the answer's field.
        repeat: whether it may be sent again when an earlier attempt may have been applied.
        idempotency_key: sent as the `Idempotency-Key` header, the same with every attempt.
        bearer: a token to send instead of the session's, which is then neither used nor refreshed; empty to send
            none.
        text: the GraphQL document, when it is none of the files'.
        tolerant: errors in the answer do not fail it: `parse` is given all of ``{"data": …, "errors": …}``.
        headers: to send besides those of the session, over which they win.
        operation_name: which operation of `text` to execute; None when it has only one.
    """

    name: str
    variables: Mapping[str, Any]
    parse: Callable[[Any], T_co]
    repeat: Repeat = Repeat.SAFE
    idempotency_key: str | None = None
    bearer: str | None = field(default=None, repr=False)
    text: str | None = None
    tolerant: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    operation_name: str | None = None

    @property
    def document_name(self) -> str:
        """What the document, messages and the server's log call it: the name in CamelCase, unless it has a text."""
        if self.text is not None:
            return self.name
        return "".join(part.capitalize() for part in self.name.split("_"))


@dataclass(frozen=True, slots=True)
class Pause:
    """What a procedure yields to wait.

    Attributes:
        seconds: how long, at least 0.
    """

    seconds: float
