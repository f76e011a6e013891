"""Watching a flow run: what happens as events, and displays that show them.

A display is anything with `update(event)` and `close()`; `Client.watch_flow_run` takes one, or chooses it by where the
program runs.
"""

from __future__ import annotations

from orchestra_client.watching.display import Display, display_for, shown_on
from orchestra_client.watching.events import (
    LogsWritten,
    Looked,
    StateChanged,
    TaskRunsProgressed,
    WaitExplained,
    WatchEvent,
    WatchingStopped,
)

__all__ = [
    "Display",
    "LogsWritten",
    "Looked",
    "StateChanged",
    "TaskRunsProgressed",
    "WaitExplained",
    "WatchEvent",
    "WatchingStopped",
    "display_for",
    "shown_on",
]
