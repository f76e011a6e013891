"""Results of one kind as a table."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestra_client.html.cells import cell
from orchestra_client.html.text import element, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_ROWS", "columns_of", "rows_html", "table_html"]

MAX_ROWS = 100
"""Rows that are shown; a note tells of the others."""

LEFT = "text-align:left;vertical-align:top"

# What tells most of a kind, in an order for reading. Kinds that are not named here show all they have.
_COLUMNS = {
    "Agent": ("name", "type", "is_active", "last_queried", "labels", "core_version", "id"),
    "FlowRun": (
        "name",
        "flow_name",
        "state",
        "state_message",
        "scheduled_start_time",
        "start_time",
        "duration",
        "parameters",
        "labels",
        "id",
    ),
    "FlowVersion": (
        "name",
        "project",
        "version",
        "schedule",
        "is_schedule_active",
        "labels",
        "created",
        "id",
    ),
    "LogRecord": ("timestamp", "level", "name", "message"),
    "TaskRun": (
        "task_name",
        "map_index",
        "state",
        "state_message",
        "start_time",
        "duration",
        "run_count",
        "tags",
        "id",
    ),
}


def table_html(
    items: Sequence[Any], kind: type, now: datetime | None = None, *, is_whole: bool = True
) -> str:
    """A list of results.

    Args:
        items: the results.
        kind: their class.
        is_whole: whether there are no more at the server.
        now: for how long ago a moment was; unset means this machine's time.

    Returns:
        A table of at most `MAX_ROWS`, with a note when there are more.
    """
    rows = rows_html(items, kind, now or datetime.now(UTC))
    more = "" if is_whole else "; there are more (limit=)"
    return element("div", f"{rows}<div>{_count(len(items), kind)}{more}</div>")


def _count(number: int, kind: type) -> str:
    """How many there are, as ``2 flow runs``."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
    many = f"{name.removesuffix('y')}ies" if name.endswith("y") else f"{name}s"
    return f"{number:,} {name if number == 1 else many}" if number else f"no {many}"


def rows_html(items: Sequence[Any], kind: type, now: datetime) -> str:
    """The table alone, and the note that there is more."""
    names = columns_of(kind)
    head = "".join(element("th", safe(name.replace("_", " ")), style=LEFT) for name in names)
    body = "".join(_row(item, names, now) for item in items[:MAX_ROWS])
    table = element("table", f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")
    if len(items) <= MAX_ROWS:
        return table
    return f"{table}<div>Only the first {MAX_ROWS} of {len(items):,} are shown.</div>"


def columns_of(kind: type) -> tuple[str, ...]:
    """The names of the fields that a kind of results is shown by; those that no repr shows are not among them."""
    shown = _COLUMNS.get(kind.__name__)
    return shown or tuple(each.name for each in fields(kind) if each.repr)


def _row(item: Any, names: Sequence[str], now: datetime) -> str:
    cells = (cell(name, getattr(item, name), now=now, is_short=True) for name in names)
    return element("tr", "".join(element("td", each, style=LEFT) for each in cells))
