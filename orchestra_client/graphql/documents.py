"""The client's own GraphQL documents: plain text by name, read once.

They stand in the `*.graphql` files beside this module, one file per resource. Each operation starts with
``query Name`` or ``mutation Name`` at the beginning of a line and lasts until the next one. Reading them takes no
GraphQL parser: a test validates them against the contract instead.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["all_documents", "document"]

_START = re.compile(r"^(?:query|mutation) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)


def document(name: str) -> str:
    """The text of one operation.

    Args:
        name: in CamelCase, e.g. ``CreateFlowRun``.

    Returns:
        The operation alone, ready to be sent.

    Raises:
        KeyError: there is none of that name.
    """
    return all_documents()[name]


@cache
def all_documents() -> Mapping[str, str]:
    """Every operation's text by its name.

    Returns:
        A mapping that must not be changed: all clients of the process share it.
    """
    found: dict[str, str] = {}
    for file in files(__package__).iterdir():
        if file.name.endswith(".graphql"):
            found |= _split(file.read_text(encoding="utf-8"))
    return found


def _split(text: str) -> dict[str, str]:
    text = _COMMENT.sub("", text)
    starts = list(_START.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return {start[1]: text[start.start() : end].strip() for start, end in zip(starts, ends, strict=True)}
