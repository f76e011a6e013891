"""How reasons speak of times, labels and agents."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from orchestra_client.durations import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ["MAX_NAMED", "ago", "at", "count", "listed", "quoted", "start_command"]

MAX_NAMED = 5
"""Things of one kind that a reason names."""


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago something was, e.g. ``3 min 5 s ago``; ``never`` for None."""
    return "never" if moment is None else f"{in_words(now - moment)} ago"


def at(moment: datetime, now: datetime) -> str:
    """When something will be, e.g. ``in 2 h 5 min (2026-01-01 12:00:00 UTC)``."""
    return f"in {in_words(moment - now)} ({moment:%Y-%m-%d %H:%M:%S} UTC)"


def quoted(names: Iterable[str]) -> str:
    """Names in quotation marks, with commas."""
    return ", ".join(repr(name) for name in names)


def listed(things: Sequence[str], separator: str = ", ") -> str:
    """The first of some things, and how many more there are."""
    more = len(things) - MAX_NAMED
    return separator.join([*things[:MAX_NAMED], *([f"{more} more"] if more > 0 else [])])


def count(number: int, noun: str) -> str:
    """A number of things, e.g. ``2 task runs``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def start_command(labels: Sequence[str]) -> str:
    """The command that starts an agent with labels."""
    return " ".join(["orchestra agent start", *(f"--label {shlex.quote(label)}" for label in labels)])
