"""A watched run in a notebook's cell: a bar of tqdm above its log. Needs tqdm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tqdm.auto import tqdm

from orchestra_client.watching.events import (
    LogsWritten,
    Looked,
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
    title_text,
)

if TYPE_CHECKING:
    from orchestra_client.watching.events import WatchEvent
    from orchestra_client.watching.lines import Hint

__all__ = ["NotebookDisplay"]

# Without tqdm's rate and forecast, which task runs of all lengths make meaningless.
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


class NotebookDisplay:
    """Shows a bar of `tqdm.auto` with counts by state, and prints states and log records below it.

    Not safe to share between threads.

    Args:
        hint: says how to go on when the watching is stopped; unset speaks Python.
        tqdm_options: for `tqdm`, e.g. ``file=``.
    """

    def __init__(self, *, hint: Hint = python_hint, **tqdm_options: Any) -> None:
        self._hint = hint
        self._last: TaskRunsProgressed | None = None
        self._bar: tqdm[Any] = tqdm(bar_format=_FORMAT, **{"total": 0, **tqdm_options})

    def update(self, event: WatchEvent) -> None:
        """Show what happened."""
        match event:
            case StateChanged():
                self._bar.set_description_str(f"{title_text(event)} {event.state.type_name}")
                self._print(f"{moment_text(event.timestamp)} {state_text(event)}")
            case LogsWritten():
                for record in event.records:
                    self._print(f"{moment_text(record.timestamp)} {record_text(record)}")
            case TaskRunsProgressed():
                self._show_progress(event)
            case WaitExplained():
                self._print(f"{moment_text(event.timestamp)} {explained_text(event)}")
            case Looked():
                # Else the time that is shown would stand still while nothing happens.
                self._bar.refresh()
            case WatchingStopped():
                self._print(stopped_text(event, self._hint))

    def close(self) -> None:
        """Leave the bar as it is, and its figures below: a widget is not kept with the notebook, text is."""
        if self._last is not None and self._last.total:
            self._print(progress_text(self._last))
        self._bar.close()

    def _show_progress(self, event: TaskRunsProgressed) -> None:
        self._last = event
        if event.total != self._bar.total:
            # The widget learns of its new length by a reset alone, which also forgets since when it runs.
            started = self._bar.start_t
            self._bar.reset(event.total)
            self._bar.start_t = started
        self._bar.n = event.finished
        self._bar.set_postfix(dict(event.counts), refresh=False)
        self._bar.refresh()

    def _print(self, line: str) -> None:
        self._bar.write(line)
