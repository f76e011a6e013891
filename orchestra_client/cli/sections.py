"""Pages about one thing: its fields, then sections of what belongs to it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.output import print_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.cli.output import Column

__all__ = ["instant", "print_section"]


def print_section(title: str, rows: Sequence[Any], columns: Sequence[Column]) -> None:
    """Write a list below a heading; without rows, nothing.

    Args:
        title: the heading.
        rows: the records.
        columns: what of them is written.
    """
    if rows:
        click.echo(f"\n{title}:")
        print_list(rows, columns, as_json=False)


def instant(text: str | None) -> datetime | None:
    """A time of the API's answer."""
    return datetime.fromisoformat(text) if text else None
