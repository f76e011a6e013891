"""What secrets and key values have in common: values given as text or as JSON, and lists of names."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.options import filled
from orchestra_client.cli.output import Column, print_list
from orchestra_client.cli.parameters import NotANumber, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["json_value_option", "match_option", "parse_value", "print_names"]

json_value_option = click.option("--json-value", "is_json", is_flag=True, help="The value is JSON, not text.")
"""``--json-value``, passed as `is_json`."""

match_option = click.option(
    "--match",
    "pattern",
    type=filled,
    metavar="PATTERN",
    help="Only names like this one, as 'db-*'; mind the quotes.",
)
"""``--match``, passed as `pattern`."""


def parse_value(text: str, *, is_json: bool) -> Any:
    """What is to be stored.

    Args:
        text: as it was given.
        is_json: whether it is JSON; else it is kept as it stands, for text that looks like a number is still text.

    Raises:
        click.UsageError: it is no JSON; the message does not show it, for it may be a secret.
    """
    if not is_json:
        return text
    try:
        return parse_json(text)
    except (ValueError, RecursionError) as error:
        place = (
            f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        )
        if isinstance(error, NotANumber):
            place = f": it has {error}, for which JSON has no number; give null or a text in its place"
        raise click.UsageError(f"The value is no JSON{place}.") from None


def print_names(names: Iterable[str], *, pattern: str | None, limit: int, as_json: bool, none: str) -> None:
    """Write names, one in a line.

    Args:
        names: in the order to be written.
        pattern: what they must be like; None lets all through.
        limit: how many to write at most.
        as_json: whether to write one JSON array.
        none: what to say on stderr when none is left.
    """
    found = [name for name in names if pattern is None or fnmatchcase(name, pattern)]
    print_list(found, [Column("NAME", str)], limit=limit, as_json=as_json, none=none)
