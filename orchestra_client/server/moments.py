"""Times in the store's text form, and how far apart they are."""

from __future__ import annotations

import datetime as dt

from orchestra_client.server.store.types import format_time


def shifted(moment: str, seconds: float) -> str:
    """The time that many seconds after `moment`, before it when they are negative."""
    return format_time(dt.datetime.fromisoformat(moment) + dt.timedelta(seconds=seconds))


def elapsed(start: str, end: str) -> str:
    """How long it is from one time to a later one, for people: the two largest units, e.g. ``"12 min 5 s"``."""
    seconds = max(0, int((dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()))
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
