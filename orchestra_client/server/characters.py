"""Characters that no database keeps: NUL and lone halves of surrogate pairs.

They are refused wherever they appear, except in the text of logs and in states: a line that a program printed, or
the message it failed with, is kept with the replacement character, since the program cannot be asked for another.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from orchestra_client.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str | int, ...]

_SURROGATE = re.compile("[\ud800-\udfff]")
_LOG_TEXT = ("message", "info")
_STATES = {"set_flow_run_states", "set_task_run_states"}

MAX_NESTING = 250
"""Levels of a JSON value. What is written and reads it back works its way down recursively."""


def checked(field: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a root field, fit for the database.

    Args:
        field: the root field's name; of `write_run_logs`, the text of logs is mended here and NUL is left in it; the
            states of a batch are left as they are, since a bad one is refused beside its neighbours.
        arguments: JSON values by name.

    Raises:
        BadInput: names where such a character stands; or a value is nested too deeply.
    """
    if _is_clean(arguments):
        return arguments
    for path, text in _texts(_without_states(arguments) if field in _STATES else arguments, ()):
        if not _is_log_text(field, path):
            _check(path, text)
    return _mended(arguments) if field == "write_run_logs" else arguments


def _is_clean(value: Any) -> bool:
    """Whether there surely is nothing to find, nor too deep a value; a tenth of the cost of looking at each."""
    try:
        return b"\\u0000" not in orjson.dumps(value)
    except TypeError:
        return False


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if len(path) > MAX_NESTING:
        raise BadInput(f"{_shown(path[:3])} is nested more than {MAX_NESTING} levels deep; flatten it.")
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _without_states(arguments: dict[str, Any]) -> dict[str, Any]:
    items = arguments["input"]["states"]
    return {"input": {"states": [{**item, "state": None, "transition_id": None} for item in items]}}


def _is_log_text(field: str, path: Path) -> bool:
    # The path of a log's text begins with `input`, `logs` and a number.
    return field == "write_run_logs" and len(path) > 3 and path[3] in _LOG_TEXT


def _check(path: Path, text: str) -> None:
    if "\0" in text:
        raise BadInput(f"{_shown(path)} holds a NUL character, which cannot be stored; remove it.")
    if _SURROGATE.search(text):
        raise BadInput(f"{_shown(path)} holds half of a surrogate pair, which is not a character; remove it.")


def _shown(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return _SURROGATE.sub("\ufffd", text).replace("\0", "\ufffd")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item) for item in value]
    return value
