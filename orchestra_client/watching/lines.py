"""What happened to a run as lines of text."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.errors import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeAlias

    from orchestra_client.results import LogRecord
    from orchestra_client.watching.events import (
        StateChanged,
        TaskRunsProgressed,
        WaitExplained,
        WatchingStopped,
    )

    Hint: TypeAlias = Callable[[str], str]
    """Takes a flow run's id, and says how to go on with it."""

__all__ = [
    "async_python_hint",
    "explained_text",
    "moment_text",
    "printable",
    "progress_text",
    "python_hint",
    "record_text",
    "state_text",
    "stopped_text",
    "title_text",
]

_LEVEL_WIDTH = 8
_SOON = timedelta(seconds=1)


def printable(text: str | None) -> str:
    """A text that cannot move the cursor, change colours or paint over what stands above, and shows no token."""
    # What was to return to the margin, as a progress bar does, begins a line of its own.
    masked = mask_secrets(text or "").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in masked
    )


def _in_one_line(name: str | None) -> str:
    return " ".join(printable(name).split("\n"))


def _indented(text: str) -> str:
    """Lines after the first stand away from the margin: they are no news of their own, and no command to a CI."""
    return text.replace("\n", "\n    ")


def moment_text(moment: datetime) -> str:
    """A moment in UTC to the second, as ``2026-11-20 07:30:00Z``."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def title_text(event: StateChanged) -> str:
    """Which run it is: the flow's name and the run's."""
    return _in_one_line(f"{event.flow_name} {event.name}" if event.flow_name else event.name)


def state_text(event: StateChanged) -> str:
    """The state, what it says, and for when it is, if that is to come: ``Failed: some tasks failed``."""
    message = _indented(printable(event.state.message))
    text = f"{event.state.type_name}: {message}" if message else event.state.type_name
    start: datetime | None = getattr(event.state, "start_time", None)
    if start is None or start - event.timestamp < _SOON:
        return text
    return f"{text} (for {moment_text(start)})"


def record_text(record: LogRecord) -> str:
    """A record without its time: ``INFO     orders: 3 loaded``."""
    name = f"{_in_one_line(record.name)}: " if record.name else ""
    return f"{record.level or '':<{_LEVEL_WIDTH}} {name}{_indented(printable(record.message))}"


def progress_text(event: TaskRunsProgressed) -> str:
    """How far the task runs are: ``3 of 12 task runs finished (Success 3, Running 2, Pending 7)``."""
    if not event.total:
        return "no task runs"
    counts = ", ".join(f"{type_name} {count}" for type_name, count in event.counts.items())
    runs = "task run" if event.total == 1 else "task runs"
    return f"{event.finished} of {event.total} {runs} finished ({counts})"


def explained_text(event: WaitExplained) -> str:
    """Why nobody has taken a run that is due, and what to do about it, in two lines."""
    reason = event.explanation.reasons[0]
    return _indented(printable(f"Not taken yet: {reason.message}\n{reason.advice}"))


def stopped_text(event: WatchingStopped, hint: Hint) -> str:
    """That the watching has stopped and the run has not."""
    return f"Stopped watching; the flow run goes on. {hint(event.flow_run_id)}"


def python_hint(flow_run_id: str) -> str:
    """How to go on with a run in Python."""
    return _hint(flow_run_id, "")


def async_python_hint(flow_run_id: str) -> str:
    """The same for an asynchronous client, whose calls do nothing until they are awaited."""
    return _hint(flow_run_id, "await ")


def _hint(flow_run_id: str, call: str) -> str:
    return (
        f'Watch it again with {call}client.watch_flow_run("{flow_run_id}"), '
        f'or end it with {call}client.cancel_flow_run("{flow_run_id}").'
    )
