"""Parameters of a flow run as they are given on the command line.

``--param NAME=VALUE``: the value is JSON where it reads as JSON, else text. So ``3`` is a number, ``true`` a boolean,
``[1, 2]`` a list and ``Berlin`` a text; ``"3"``, with its quotation marks, is the text 3.
"""

from __future__ import annotations

import json
import math
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TextIO

__all__ = [
    "NotANumber",
    "misfits",
    "parameter_value",
    "parse_json",
    "read_pairs",
    "read_parameter_file",
    "text_of",
]

MAX_CHARACTERS = 10_000_000
"""Of a file. What is longer may have no end."""


def read_pairs(pairs: Iterable[str], option: str = "--param") -> dict[str, Any]:
    """Read what was given with ``--param``.

    Args:
        pairs: as ``NAME=VALUE``.
        option: which option they were given with, for messages.

    Returns:
        The values by name.

    Raises:
        click.BadParameter: one is no such pair, or a name is given twice.
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise _bad(f"{pair!r} is not NAME=VALUE.", option)
        if name in given:
            raise _bad(f"{name!r} is given twice.", option)
        given[name] = parameter_value(text)
    return given


def parameter_value(text: str) -> Any:
    """The value that a text stands for: itself, unless it is JSON."""
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def text_of(file: TextIO, option: str = "--param-file") -> str:
    """Read a file of parameters.

    Args:
        file: open, in UTF-8.
        option: which option it was given with, for messages.

    Raises:
        click.BadParameter: it cannot be read, or is no text, or too long to be a file of parameters.
    """
    try:
        text = file.read(MAX_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(f"{file.name} cannot be read: {error}.", option) from None
    if len(text) > MAX_CHARACTERS:
        raise _bad(f"{file.name} is longer than {MAX_CHARACTERS} characters.", option)
    return text


def read_parameter_file(name: str, text: str, option: str = "--param-file") -> dict[str, Any]:
    """Read what was given with ``--param-file``.

    Args:
        name: of the file, for messages.
        text: its content, a JSON object.
        option: which option it was given with, for messages.

    Returns:
        The values by name.

    Raises:
        click.BadParameter: it is no JSON object.
    """
    try:
        values = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"{name} is not JSON: {error}.", option) from None
    if not isinstance(values, dict):
        raise _bad(f'{name} must be a JSON object, as {{"day": "2026-11-20"}}.', option)
    return values


class NotANumber(ValueError):
    """Python's JSON has names for what is no number; JSON does not."""


def parse_json(text: str) -> Any:
    """Read JSON, more strictly than Python does.

    Raises:
        NotANumber: it has NaN or an infinity, or a number that only an infinity could stand for.
        ValueError: it is no JSON, or an object has a name twice.
    """
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique)


def _no_constant(name: str) -> NoReturn:
    raise NotANumber(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotANumber(text)
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def misfits(
    declared: Iterable[Mapping[str, Any]], defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> str | None:
    """What is wrong with the parameters of a run; None when they fit.

    Args:
        declared: the flow's, each with `name` and `required`.
        defaults: values that need not be given.
        given: those of the run.
    """
    declared = list(declared)
    names = sorted(each["name"] for each in declared)
    if unknown := sorted(given.keys() - set(names)):
        known = f"it has {', '.join(map(repr, names))}" if names else "it has none"
        return f"The flow has no parameter {', '.join(map(repr, unknown))}; {known}."
    needed = {each["name"] for each in declared if each.get("required")}
    if missing := sorted(needed - given.keys() - defaults.keys()):
        pairs = " ".join(f"-p {shlex.quote(name)}=…" for name in missing)
        return f"The flow requires the parameter {', '.join(map(repr, missing))}; give it with {pairs}."
    return None


def _bad(message: str, option: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint=repr(option))
