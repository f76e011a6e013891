"""A watched run in a terminal: its log rolls by above a bar. Needs rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from orchestra_client.states.hierarchy import ANCESTORS
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
    python_hint,
    record_text,
    state_text,
    stopped_text,
    title_text,
)

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TextIO

    from rich.progress import Task

    from orchestra_client.results import LogRecord
    from orchestra_client.watching.events import WatchEvent
    from orchestra_client.watching.lines import Hint

__all__ = ["TerminalDisplay", "record_line"]

# The terminal's own colours, which its owner can read on whatever background it has. Special types come first.
_STYLES = {
    "Cancelling": "yellow",
    "Cancelled": "magenta",
    "Retrying": "yellow",
    "Paused": "yellow",
    "Success": "green",
    "Failed": "red",
    "Running": "blue",
}
_LEVEL_STYLES = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}


def record_line(record: LogRecord) -> Text:
    """A log record with its time, coloured by its level."""
    return _line(record.timestamp, record_text(record), _LEVEL_STYLES.get(record.level or "", ""))


def _line(moment: datetime, text: str, style: str) -> Text:
    # Text, not markup: what stands in brackets in a log is no style.
    return Text.assemble((f"{moment_text(moment)} ", "dim"), (text, style))


class TerminalDisplay:
    """Prints states and log records, and keeps a line below them with a bar, counts by state and the time so far.

    Colours follow `NO_COLOR`. Not safe to share between threads.

    Args:
        stream: a terminal; unset means standard output.
        hint: says how to go on when the watching is stopped; unset speaks Python.
    """

    def __init__(self, stream: TextIO | None = None, *, hint: Hint = python_hint) -> None:
        self._console = Console(file=stream, highlight=False)
        self._hint = hint
        self._progress = Progress(
            SpinnerColumn(),
            _Description(),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _Counts(),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._bar = self._progress.add_task("", total=None, counts={}, state="")
        self._progress.start()

    def update(self, event: WatchEvent) -> None:
        """Show what happened."""
        match event:
            case StateChanged():
                style = _style(event.state.type_name)
                self._print(_line(event.timestamp, state_text(event), style))
                self._progress.update(self._bar, description=title_text(event), state=event.state.type_name)
            case LogsWritten():
                for record in event.records:
                    self._print(record_line(record))
            case TaskRunsProgressed():
                self._progress.update(
                    self._bar, completed=event.finished, total=event.total or None, counts=event.counts
                )
            case WaitExplained():
                self._print(_line(event.timestamp, explained_text(event), "yellow"))
            case WatchingStopped():
                self._print(Text(stopped_text(event, self._hint), style="bold"))

    def close(self) -> None:
        """Leave the last line as it is."""
        self._progress.stop()

    def _print(self, line: Text) -> None:
        # Long lines are the terminal's to wrap.
        self._console.print(line, soft_wrap=True)


class _Description(ProgressColumn):
    """The run's name and state."""

    def render(self, task: Task) -> Text:
        state: str = task.fields["state"]
        return Text.assemble(f"{task.description} ", (state, _style(state)))


class _Counts(ProgressColumn):
    """How many task runs are in a state that has not ended well."""

    def render(self, task: Task) -> Text:
        counts = task.fields["counts"].items()
        parts = [(f"{name} {count} ", _style(name)) for name, count in counts if _style(name) != "green"]
        return Text.assemble(*parts)


def _style(type_name: str) -> str:
    lineage = ANCESTORS.get(type_name, ())
    return next((style for name, style in _STYLES.items() if name in lineage), "")
