"""What commands write on stdout: tables for people, tab-separated lines for pipes, JSON for programs.

News that are no result ("Created …", hints, progress) go to stderr, with :func:`say`, so that stdout can be piped.
Colours follow the terminal, `NO_COLOR` and `FORCE_COLOR`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.terminal import is_watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "Column",
    "as_plain",
    "in_lines",
    "in_one_line",
    "nothing",
    "people_console",
    "print_fields",
    "print_json",
    "print_list",
    "say",
    "say_if_more",
    "state_style",
    "when",
]

_STATE_STYLES = {
    "Success": "green",
    "Cached": "green",
    "Mapped": "green",
    "Skipped": "green",
    "Running": "blue",
    "Cancelling": "yellow",
    "Failed": "red",
    "TimedOut": "red",
    "TriggerFailed": "red",
    "ValidationFailed": "red",
    "Cancelled": "magenta",
    "Retrying": "yellow",
    "Paused": "yellow",
}

_LEAST_WIDTH = 12
"""Characters of a cell that are shown however narrow the terminal is."""
_GAP = 2
"""Characters between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    Attributes:
        title: its heading, in capitals by custom.
        read: takes a row, returns what stands in its cell: text, a number, a `datetime`, a sequence, or None.
        style: takes the cell's value, returns the name of a rich style or None. For terminals only.
        wraps: whether a long cell goes on in further lines of a terminal; else it is cut.
    """

    title: str
    read: Callable[[Any], Any]
    style: Callable[[Any], str | None] | None = None
    wraps: bool = False


def nothing(what: str, making: str, *, is_filtered: bool) -> str:
    """What to say where a list is empty.

    Args:
        what: the list is of, in the plural.
        making: how one comes about, after "yet;".
        is_filtered: whether there may be others.
    """
    return f"There are no such {what}." if is_filtered else f"There are no {what} yet; {making}."


def say_if_more(rows: Sequence[Any], limit: int) -> None:
    """Tell that a list is cut, where it is.

    Args:
        rows: all there are, or a list of the client's, which knows whether it is whole.
        limit: how many of them are shown.
    """
    if len(rows) > limit or not getattr(rows, "is_whole", True):
        say(f"Showing {limit}; there are more: --limit N")


def print_list(
    rows: Iterable[Any],
    columns: Sequence[Column],
    *,
    as_json: bool,
    none: str = "nothing found",
    limit: int | None = None,
) -> None:
    """Write a list of records.

    Args:
        rows: the records.
        columns: what of them stands in a table; JSON has everything.
        as_json: whether to write one JSON array.
        none: what to say on stderr when there are no rows.
        limit: how many rows to write at most; that there are more is told on stderr. None means all.
    """
    found = rows if isinstance(rows, list) else list(rows)
    rows = found[:limit]
    if as_json:
        print_json(rows)
    elif not rows:
        say(none)
    elif is_watched():
        _print_table(rows, columns)
    else:
        for row in rows:
            click.echo("\t".join(_piped(column.read(row)) for column in columns))
    if limit is not None:
        say_if_more(found, limit)


def print_fields(pairs: Mapping[str, Any], *, as_json: bool, record: Any = None) -> None:
    """Write one record, a line for each of its fields.

    Args:
        pairs: the fields by title; those that are None are left out.
        as_json: whether to write one JSON object instead.
        record: what to write as JSON; unset means the pairs.
    """
    if as_json:
        print_json(pairs if record is None else record)
        return
    width = max(map(len, pairs), default=0) + 2
    for title, value in pairs.items():
        if value is not None:
            text = _shown(value) if is_watched() else _piped(value)
            click.echo(f"{title + ':':<{width}}{text}")


def print_json(value: Any) -> None:
    """Write a value as JSON, indented for people."""
    click.echo(json.dumps(as_plain(value), indent=2 if is_watched() else None, ensure_ascii=False))


def say(text: str) -> None:
    """Tell whoever watches, on stderr. Names in it may be anybody's: what would move the cursor is left out."""
    # Not by click, which would write over a progress bar that is there.
    print(in_lines(text), file=sys.stderr, flush=True)


def as_plain(value: Any) -> Any:
    """A value as JSON knows it: records as objects without their secrets, moments in ISO 8601."""
    if hasattr(value, "serialize"):
        return value.serialize()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_plain(getattr(value, each.name)) for each in fields(value) if each.repr}
    if isinstance(value, dict):
        return {str(key): as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_plain(each) for each in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case None | str() | int() | float():
            return value
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
    return str(value)


def when(moment: datetime, now: datetime | None = None) -> str:
    """A moment as people say it, in one unit: ``3 min ago``, ``in 2 h``.

    Args:
        moment: with a time zone.
        now: unset means the time of this machine.
    """
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    amount = _amount(abs(seconds))
    if amount is None:
        return "just now"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"


def _amount(seconds: float) -> str | None:
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")):
        if (count := int(seconds // size)) >= 1:
            return f"{count} {'day' if (count, name) == (1, 'days') else name}"
    return None


def state_style(state: str | None) -> str | None:
    """The style of a state's type name, for terminals."""
    return _STATE_STYLES.get(state or "")


def people_console() -> Console:
    """What rich writes to for people, on stdout."""
    from shutil import get_terminal_size  # noqa: PLC0415 - only needed for people

    from rich.console import Console  # noqa: PLC0415 - as above

    size = get_terminal_size()
    # By itself, rich takes every terminal that cannot move its cursor for one of 80 columns.
    return Console(width=size.columns, height=size.lines)


def _print_table(rows: Sequence[Any], columns: Sequence[Column]) -> None:
    from rich.cells import cell_len  # noqa: PLC0415 - only needed for people
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    console = people_console()
    values = [[column.read(row) for column in columns] for row in rows]
    longest = [
        max(map(cell_len, (column.title, *map(_shown, cells))))
        for column, cells in zip(columns, zip(*values, strict=True), strict=True)
    ]
    widths = _fitting(longest, columns, console.width - _GAP * (len(columns) - 1))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.title, overflow="ellipsis", no_wrap=not column.wraps, width=width)
    for cells in values:
        styles = [column.style and column.style(value) for column, value in zip(columns, cells, strict=True)]
        # Text, not markup: a name in brackets is a name.
        table.add_row(*map(Text, map(_shown, cells), [style or "" for style in styles]))
    # In a terminal that is narrower still, broken lines are better than cells with nothing in them.
    console.width = max(console.width, sum(widths) + _GAP * len(widths))
    console.print(table)


def _fitting(longest: Sequence[int], columns: Sequence[Column], available: int) -> list[int]:
    """The widths of columns, of which the widest give way; an id that is cut is of no use."""
    widths = list(longest)
    while sum(widths) > available:
        can_give = [
            index
            for index, width in enumerate(widths)
            if columns[index].title != "ID" and width > _LEAST_WIDTH
        ]
        if not can_give:
            break
        widths[max(can_give, key=widths.__getitem__)] -= 1
    return widths


def _shown(value: Any) -> str:
    """A cell for people."""
    return when(value) if isinstance(value, datetime) else in_one_line(_text(value))


def _piped(value: Any) -> str:
    """A cell for programs: of one line, without tabs."""
    return in_one_line(value.isoformat() if isinstance(value, datetime) else _text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return ",".join(map(_text, sorted(value) if isinstance(value, set | frozenset) else value))
    if isinstance(value, dict):
        return json.dumps(as_plain(value), ensure_ascii=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def in_one_line(text: str) -> str:
    """A text without line breaks, tabs and escape sequences, which could paint over what stands above."""
    return "".join(each if each.isprintable() else " " for each in text)


def in_lines(text: str) -> str:
    """A text with its line breaks, each line as by `in_one_line`."""
    return "\n".join(map(in_one_line, text.split("\n")))
