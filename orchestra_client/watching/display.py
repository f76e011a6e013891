"""What shows a watched run, and which display suits where the program runs."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from orchestra_client.surroundings import in_notebook
from orchestra_client.watching.events import StateChanged, WatchingStopped
from orchestra_client.watching.lines import python_hint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from orchestra_client.watching.events import WatchEvent
    from orchestra_client.watching.lines import Hint

__all__ = ["Display", "display_for", "shown_on"]


class Display(Protocol):
    """Shows what happens to a watched run."""

    def update(self, event: WatchEvent) -> object:
        """Show an event. Called in order, by one thread, in an asynchronous client by its event loop.

        Args:
            event: what happened.
        """
        ...

    def close(self) -> object:
        """Come to an end; nothing happens any more. Called once, also after an error."""
        ...


def display_for(stream: TextIO | None = None, *, hint: Hint = python_hint) -> Display:
    """The display that suits where this program runs.

    Args:
        stream: where to write; unset means standard output, or the cell of a notebook.
        hint: takes the flow run's id, and says how to go on when the watching is stopped; unset speaks Python.

    Returns:
        In a notebook a bar of tqdm, in a terminal one of rich; plain lines anywhere else, or where these two are
        not installed.
    """
    # Imported where they are chosen: the rich and tqdm that a pipe does without are slow, and may be missing.
    if stream is None and in_notebook() and find_spec("tqdm"):
        from orchestra_client.watching.notebook import NotebookDisplay  # noqa: PLC0415 - as said above

        return NotebookDisplay(hint=hint)
    if _is_terminal(stream or sys.stdout) and find_spec("rich"):
        from orchestra_client.watching.terminal import TerminalDisplay  # noqa: PLC0415 - as said above

        return TerminalDisplay(stream, hint=hint)
    from orchestra_client.watching.plain import PlainDisplay  # noqa: PLC0415 - as said above

    return PlainDisplay(stream, hint=hint)


@contextmanager
def shown_on(display: Display | None, flow_run_id: str, *, hint: Hint = python_hint) -> Iterator[Display]:
    """A display for the length of a `with` block; it is closed in the end.

    Args:
        display: the one to use; None means the one that suits.
        flow_run_id: the run that is watched.
        hint: as of `display_for`, for the display that suits.

    Yields:
        What passes events on to it.
    """
    shown = _Shown(display or display_for(hint=hint))
    try:
        yield shown
    except BaseException as error:
        # Ctrl-C, or the cancellation of the task that watches. An error speaks for itself.
        if not isinstance(error, Exception) and not shown.has_ended:
            shown.update(WatchingStopped(flow_run_id))
        raise
    finally:
        shown.close()


class _Shown:
    """A display, and whether the end of the run was told on it."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.has_ended = False

    def update(self, event: WatchEvent) -> None:
        if isinstance(event, StateChanged):
            self.has_ended = event.state.is_finished()
        self._display.update(event)

    def close(self) -> None:
        self._display.close()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
