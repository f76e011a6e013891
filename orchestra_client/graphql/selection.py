"""Build queries out of Python dicts, lists, sets and strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set, ValuesView
from typing import Any

from orchestra_client.errors import BadInput

from .arguments import parse_graphql_arguments
from .syntax import check_piece
from .values import Bare

__all__ = ["GQLObject", "parse_graphql", "with_args"]

_INDENT = "    "

# Deeper than any server reads; a structure that holds itself reaches it at once.
_MAX_DEPTH = 100


class GQLObject(Bare):
    """A field of a query as a Python object, for queries that are written as attribute access.

    Subclass it and give the class attributes for the fields below it::

        class Flow(GQLObject):
            id = GQLObject("id")
            name = GQLObject("name")

        flow = Flow()
        parse_graphql({"query": {flow({"limit": 3}): [flow.id, flow.name]}})

    Immutable: calling one gives a new one.

    Args:
        name: the field's name; unset means the class's name with a small first letter.
        _arguments: arguments as :func:`with_args` takes them.
    """

    def __init__(self, name: str | None = None, _arguments: Any = None) -> None:
        class_name = type(self).__name__
        self.__name = name or class_name[:1].lower() + class_name[1:]
        self.__arguments = _arguments

    def __call__(self, arguments: Any) -> GQLObject:
        """The same field with other arguments, as :func:`with_args` takes them."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__arguments = arguments
        return other

    def __str__(self) -> str:
        return with_args(self.__name, self.__arguments) if self.__arguments else self.__name

    def __repr__(self) -> str:
        return f"<GQL: {str(self)!r}>"


def parse_graphql(document: Any) -> str:
    """Write a query that is given as Python objects.

    A mapping's keys are fields (or ``query``, ``mutation($input: …)``, ``alias: field(arg: 1)``, ``... on Type``)
    and its values what is selected below them: another mapping, a list, tuple or set, a string, a ``GQLObject``.
    The value ``True`` or ``...`` marks a field with nothing below it. Sets are written in alphabetical order,
    so equal queries give equal text. ::

        parse_graphql({"query": {"flow(limit: 1)": {"id": True, "project": {"id", "name"}}}})

    Args:
        document: such a structure; or a whole query as a string, of which only the indentation is tidied.

    Returns:
        The query, indented by four spaces a level.

    Raises:
        BadInput: a field is empty, unbalanced, or not GraphQL; a field has an empty selection.
        TypeError: something that is neither of these types, e.g. a `GQLObject` class instead of an instance;
            the message names the field it stands below.
    """
    if isinstance(document, str):
        return _tidied(document)
    return "\n".join(_lines(document, ()))


def with_args(field: Any, arguments: Any) -> str:
    """A field with its arguments, to be used as a key or a leaf of :func:`parse_graphql`.

    Args:
        field: the field: a string, or a ``GQLObject``.
        arguments: what :func:`parse_graphql_arguments` takes, usually a dict.

    Returns:
        The text, e.g. ``flow(where: { id: { _eq: 3 } })``; without parentheses when there are no arguments.

    Raises:
        BadInput: an argument cannot be written; see :func:`parse_graphql_arguments`.
        TypeError: likewise.
    """
    written = parse_graphql_arguments(arguments)
    name = parse_graphql(field)
    return f"{name}({written})" if written.strip() else name


def _tidied(text: str) -> str:
    from textwrap import dedent  # noqa: PLC0415  # a sixth of this package's import time, and rarely needed

    # Lines of a block string are text, and keep their indentation.
    return (text if '"""' in text else dedent(text)).strip()


def _lines(document: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a selection, the first level not indented."""
    if len(path) > _MAX_DEPTH:
        raise BadInput(
            f"{_below(path[:8])}the query is nested over {_MAX_DEPTH} levels deep, or holds itself"
        )
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from _field(_piece(key, path), value, path)
    elif isinstance(document, (list, tuple, Set, ValuesView)):
        yield from _each(document, path)
    else:
        yield from _piece(document, path).split("\n")


def _field(name: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if value is True or value is Ellipsis:
        yield from name.split("\n")
        return
    selected = list(_lines(value, (*path, name)))
    if not selected:
        raise BadInput(
            f"{_below((*path, name))}nothing is selected: name fields, or use True for a plain field"
        )
    yield f"{name} {{"
    yield from _indented(selected)
    yield "}"


def _each(items: Iterable[Any], path: tuple[str, ...]) -> Iterator[str]:
    # One level deeper for the depth limit: a list may hold itself, too.
    pieces = ["\n".join(_lines(item, (*path, "[]"))) for item in items]
    # A set's own order changes from process to process, which would defeat every cache keyed by the text.
    for piece in sorted(pieces) if isinstance(items, (set, frozenset)) else pieces:
        yield from piece.split("\n")


def _indented(lines: list[str]) -> Iterator[str]:
    # A block string's lines are text: indenting them could change it.
    indent = "" if any('"""' in line for line in lines) else _INDENT
    return (indent + line for line in lines)


def _piece(piece: Any, path: tuple[str, ...]) -> str:
    if isinstance(piece, type) and issubclass(piece, GQLObject):
        raise TypeError(
            f"{_below(path)}the class {piece.__name__} stands where an instance belongs: {piece.__name__}()"
        )
    if not isinstance(piece, (str, Bare)):
        raise TypeError(
            f"{_below(path)}{piece!r} cannot be part of a query: use strings, dicts, lists, sets or GQLObjects, "
            "and True or ... for a field without a selection"
        )
    text = str(piece).strip()
    check_piece(text)
    return text


def _below(path: tuple[str, ...]) -> str:
    """Where in the query, as the start of a message."""
    steps = [step for step in path if step != "[]"]
    return f"below {' > '.join(steps)}: " if steps else ""
