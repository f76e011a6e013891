"""Just enough of GraphQL's grammar to check pieces of a query and to see what a query does.

graphql-core does the same and more, and takes 80 ms to import; a query sent as text needs none of it.
The token rules are those of the GraphQL specification, section 2.1.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OperationHead", "check_piece", "is_mutation", "read_operations"]

_CLOSED_BY = {"(": ")", "{": "}", "[": "]"}
# What stands in executable documents only between parentheses.
_ONLY_INSIDE = {"!", "$", "&", "=", "|", "["}

_OPERATION_TYPES = {"query", "mutation", "subscription"}


class OperationHead(NamedTuple):
    """What one operation of a document is: its type, and its name unless it is anonymous."""

    type: str
    name: str | None


class _UnreadableError(Exception):
    """The text is not GraphQL as far as these rules know; its message says what stands where."""


def is_mutation(text: str, operation_name: str | None = None) -> bool:
    """Whether sending `text` may change something, so that repeating it needs care.

    Args:
        text: a GraphQL document.
        operation_name: the operation that will be executed, for documents of several; unset means any.

    Returns:
        False only when the text surely holds a query or subscription to execute. Whatever cannot be told
        (unreadable text, no such operation, none at all) counts as a mutation.
    """
    operations = read_operations(text)
    if operation_name is not None:
        operations = [operation for operation in operations if operation.name == operation_name]
    return not operations or any(operation.type == "mutation" for operation in operations)


def read_operations(text: str) -> list[OperationHead]:
    """The operations of a document in their order, without fragments.

    Args:
        text: a GraphQL document.

    Returns:
        One entry per operation; empty when there is none, or when the text is not an executable document.
    """
    try:
        return list(_operations(_top_level(text)))
    except _UnreadableError:
        return []


def check_piece(piece: str) -> None:
    """Refuse text that would not stay where it is put in a query.

    A piece is what people write as a key or a leaf: ``id``, ``alias: field(arg: 1)``, ``... on Type``,
    ``query Name($id: UUID!)``, ``id name { first }``.

    Args:
        piece: the text.

    Raises:
        BadInput: it is empty, leaves a bracket or a quote open, closes one it did not open, or holds
            characters that cannot stand there.
    """
    try:
        tokens = list(_top_level(piece))
    except _UnreadableError as error:
        raise BadInput(f"{_shortened(piece)} cannot be part of a GraphQL query: {error}") from None
    if not tokens:
        raise BadInput("a field of a GraphQL query cannot be empty: name a field")
    if tokens[0][1] not in {"...", "{"} and tokens[0][0] != "name":
        raise BadInput(f"{_shortened(piece)} cannot be part of a GraphQL query: it must start with a name")


def _operations(tokens: Iterator[tuple[str, str]]) -> Iterator[OperationHead]:
    for _, text in tokens:
        if text in _OPERATION_TYPES:
            kind, following = next(tokens, ("", ""))
            yield OperationHead(text, following if kind == "name" else None)
            if following == "{":
                continue
        elif text == "{":
            yield OperationHead("query", None)
            continue
        elif text != "fragment":
            raise _UnreadableError(f"{text!r} starts no executable definition")
        _skip_to_selection(tokens)


def _skip_to_selection(tokens: Iterator[tuple[str, str]]) -> None:
    for _, text in tokens:
        if text == "{":
            return
    raise _UnreadableError("a definition ends without a selection of fields")


def _top_level(text: str) -> Iterator[tuple[str, str]]:
    """The kind and text of each token that no bracket encloses; a bracketed part is only its opening one."""
    awaited: list[str] = []
    for kind, lexeme in _tokens(text):
        if kind == "close":
            if not awaited or awaited.pop() != lexeme:
                raise _UnreadableError(f"{lexeme!r} closes nothing")
            continue
        if not awaited:
            if kind in {"number", "string"} or lexeme in _ONLY_INSIDE:
                raise _UnreadableError(f"{lexeme[:20]!r} stands outside of any arguments")
            yield kind, lexeme
        if kind == "open":
            awaited.append(_CLOSED_BY[lexeme])
    if awaited:
        raise _UnreadableError(f"{awaited[-1]!r} is missing")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    match_at = _token_pattern().match
    position = 0
    while match := match_at(text, position):
        position = match.end()
        if match.lastgroup and match.lastgroup != "ignored":
            yield match.lastgroup, match.group()
    if position < len(text):
        raise _UnreadableError(f"{text[position : position + 20]!r} at position {position} is not GraphQL")


@cache
def _token_pattern() -> re.Pattern[str]:
    # Compiled on first use: it takes longer than the rest of this package's import. Possessive quantifiers
    # keep a string of megabytes from growing the matcher's stack.
    return re.compile(
        r"""
          (?P<ignored>  [\s,\ufeff]++ | \#[^\r\n]*+ )
        | (?P<name>     [_A-Za-z][_0-9A-Za-z]*+ )
        | (?P<string>   \"{3} [\s\S]*? (?<!\\) \"{3} | "(?!"") [^"\\\r\n]*+ (?: \\. [^"\\\r\n]*+ )*+ " )
        | (?P<number>   -?[0-9]++ (?:\.[0-9]++)? (?:[eE][+-]?[0-9]++)? )
        | (?P<open>     [({\[] )
        | (?P<close>    [)}\]] )
        | (?P<mark>     \.\.\. | [!$&:=@|] )
        """,
        re.VERBOSE,
    )


def _shortened(piece: str) -> str:
    return repr(piece if len(piece) <= 80 else piece[:80] + "…")
