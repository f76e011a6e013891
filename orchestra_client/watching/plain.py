"""A watched run as lines of text, for pipes and files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from orchestra_client.watching.events import (
    LogsWritten,
    StateChanged,
    TaskRunsProgressed,
    WaitExplained,
    WatchingStopped,
)
from orchestra_client.watching.lines import (
    explained_text,
    moment_text,
    progress_text,
    python_hint,
    record_text,
    state_text,
    stopped_text,
)

if TYPE_CHECKING:
    from typing import TextIO

    from orchestra_client.watching.events import WatchEvent
    from orchestra_client.watching.lines import Hint

__all__ = ["PlainDisplay"]

_STEPS = 10


class PlainDisplay:
    """Writes a line for each state and log record, and one for each tenth of the task runs that has finished.

    Not safe to share between threads.

    Args:
        stream: where to; unset means standard output.
        hint: says how to go on when the watching is stopped; unset speaks Python.
    """

    def __init__(self, stream: TextIO | None = None, *, hint: Hint = python_hint) -> None:
        self._stream = stream or sys.stdout
        self._hint = hint
        self._told: tuple[int, int] | None = None

    def update(self, event: WatchEvent) -> None:
        """Write what happened."""
        match event:
            case StateChanged():
                self._write(f"{moment_text(event.timestamp)} {state_text(event)}")
            case LogsWritten():
                for record in event.records:
                    self._write(f"{moment_text(record.timestamp)} {record_text(record)}")
            case TaskRunsProgressed():
                self._write_progress(event)
            case WaitExplained():
                self._write(f"{moment_text(event.timestamp)} {explained_text(event)}")
            case WatchingStopped():
                self._write(stopped_text(event, self._hint))
        self._stream.flush()

    def close(self) -> None:
        """Do nothing: the stream is its owner's."""

    def _write_progress(self, event: TaskRunsProgressed) -> None:
        if not event.total:
            return
        # A line for each of ten thousand mapped task runs would bury the log.
        told = (event.finished * _STEPS // event.total, event.failed)
        if told != self._told:
            self._told = told
            self._write(progress_text(event))

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
