"""What the server knows of a run, read back and shown."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from orchestra_client.client import Client

__all__ = ["progress", "read", "tell"]

_STORY = """query($id: UUID!) { flow_run_by_pk(id: $id) {
    name state states(order_by: {version: asc}) { state timestamp }
    task_runs(order_by: [{start_time: asc_nulls_last}, {map_index: asc}]) {
        id state map_index start_time end_time duration task { name tags mapped } states(order_by: {version: asc}) { state } }
    logs(order_by: {timestamp: asc}) { level message } } }"""

_COLOURS = {
    "Success": "green",
    "Running": "blue",
    "Cancelled": "dim",
    "Failed": "red",
    "Retrying": "magenta",
}


def read(client: Client, flow_run_id: str) -> Any:
    """All that the server knows of a run: its states, task runs and logs, readable as attributes."""
    return client.graphql(_STORY, variables={"id": flow_run_id}).data.flow_run_by_pk


def progress(runs: Iterable[Any]) -> Table:
    """How far runs are, in one line each: the run's state, and a dot for each task run."""
    table = Table(box=None, padding=(0, 2, 0, 3), show_header=False)
    for run in runs:
        dots = "".join(_coloured("●", task_run.state) for task_run in run.task_runs)
        table.add_row(run.name, _coloured(run.state, run.state), dots)
    return table


def tell(console: Console, run: Any) -> None:
    """Show a run's task runs with their states and times."""
    title = f"[bold]{run.name}[/]  {_path(run.states)}"
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left"
    )
    for heading in ("task run", "began", "seconds", "states"):
        table.add_column(heading, no_wrap=heading != "states")
    for task_run in run.task_runs:
        if task_run.state != "Mapped":  # its children tell more
            table.add_row(*_row(task_run))
    console.print(table)


def _row(task_run: Any) -> tuple[str, ...]:
    child = f"[dim]\\[{task_run.map_index}][/]" if task_run.map_index >= 0 else ""
    tags = "".join(f" [dim]#{tag}[/]" for tag in task_run.task.tags)
    began = _clock(task_run.start_time) if task_run.start_time else ""
    seconds = f"{task_run.duration:.3f}" if task_run.duration is not None else ""
    return task_run.task.name + child + tags, began, seconds, _path(task_run.states[1:])


def _path(states: list[Any]) -> str:
    """The types of states, in their colours."""
    return " → ".join(_coloured(state.state, state.state) for state in states)


def _coloured(text: str, state: str) -> str:
    return f"[{_COLOURS.get(state, 'yellow')}]{text}[/]"


def _clock(timestamp: str) -> str:
    """The time of day of a timestamp, to the millisecond."""
    return f"{datetime.fromisoformat(timestamp):%H:%M:%S.%f}"[:-3]
