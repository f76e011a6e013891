"""JSON that cannot change: what a state keeps of the containers it was given.

:func:`freeze` checks that a value is JSON and copies it into containers that refuse every write;
:func:`thaw` copies it back into plain ones. The frozen containers are a real dict and a real list, so they
compare, iterate and serialize like those, in `json` as in `orjson`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from orchestra_client.errors import StateSerializationError

__all__ = ["EMPTY", "MAX_DEPTH", "FrozenDict", "FrozenList", "as_string", "freeze", "thaw"]

V = TypeVar("V")

MAX_DEPTH = 100
"""How deep containers may nest. A deeper value is refused, and one that contains itself is always deeper."""

_SHOWN_STEPS = 20  # of a path; only something that contains itself has a longer one


def _refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError(
        "a state cannot be changed: copy this with dict() or list() and build a new state from it"
    )


class FrozenDict(dict[str, V]):
    """A dict that refuses to change. Safe to share between threads; pickles and copies as itself."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    pop = popitem = clear = update = setdefault = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        # The default fills an empty dict item by item, which this one refuses.
        return type(self), (dict(self),)


class FrozenList(list[V]):
    """A list that refuses to change. Safe to share between threads; pickles and copies as itself."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


EMPTY: FrozenDict[Any] = FrozenDict()
"""The one empty frozen dict that everything without content shares."""


class _NotJSONError(Exception):
    """What is wrong with a value; the steps to it are added, innermost first, on the way out."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.steps: list[str] = []


def freeze(value: Any, path: str) -> Any:
    """Check that a value is JSON, and copy it into containers that cannot change.

    Tuples become lists, and subclasses of `str`, `int` and `float` the plain value, as `json.dumps` has it.

    Args:
        value: the value to keep.
        path: where it stands in the state, e.g. ``context``; the error's path starts with it. Empty for
            the whole document.

    Returns:
        The same value out of `FrozenDict`, `FrozenList`, `str`, `int`, `float`, `bool` and None.

    Raises:
        StateSerializationError: something in it is not JSON: another class of object, NaN or an infinite
            number, a key that is not a string, half of a surrogate pair, or nesting beyond `MAX_DEPTH`.
    """
    try:
        return _freeze(value, 0)
    except _NotJSONError as error:
        steps = error.steps[::-1]
        shown = steps if len(steps) <= _SHOWN_STEPS else [*steps[:_SHOWN_STEPS], "…"]
        where = (path + "".join(shown)).removeprefix(".")
        raise StateSerializationError(f"{where}: {error}" if where else str(error), path=where) from None


def as_string(value: object, path: str) -> str:
    """A string, checked.

    Raises:
        StateSerializationError: it is no string, or none that JSON can carry.
    """
    if not isinstance(value, str):
        raise StateSerializationError(f"{path}: {value!r:.60} is not a string", path=path)
    text: str = freeze(value, path)
    return text


def _freeze(value: Any, depth: int) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return _freeze_mapping(value, _deeper(depth))
    if isinstance(value, list | tuple):
        return _freeze_items(value, _deeper(depth))
    raise _NotJSONError(
        f"a value of type {type(value).__name__} is not JSON; convert it to a string, number, list or dict"
    )


def _freeze_mapping(value: Mapping[Any, Any], depth: int) -> FrozenDict[Any]:
    copied = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _NotJSONError(f"the key {key!r:.60} is not a string, as keys in JSON are")
        try:
            copied[_text(key)] = _freeze(item, depth)
        except _NotJSONError as error:
            error.steps.append(f".{key}" if key.isidentifier() else f"[{key!r:.60}]")
            raise
    return FrozenDict(copied)


def _freeze_items(value: list[Any] | tuple[Any, ...], depth: int) -> FrozenList[Any]:
    copied = []
    for index, item in enumerate(value):
        try:
            copied.append(_freeze(item, depth))
        except _NotJSONError as error:
            error.steps.append(f"[{index}]")
            raise
    return FrozenList(copied)


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NotJSONError("half of a surrogate pair is not text, and no JSON can carry it") from None
    # `str(value)` would ask an enum's member for its name.
    return value if type(value) is str else str.__str__(value)


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise _NotJSONError(f"{value} is not JSON; use None or a string")
    return float(value)


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise _NotJSONError(f"nested more than {MAX_DEPTH} levels deep, or a container that contains itself")
    return depth + 1


def thaw(value: Any) -> Any:
    """Copy a frozen value into plain dicts and lists, which belong to the caller."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value
