"""The main job from start to finish, with real processes. Copy what you need.

Starts a server and an agent, registers the flow of `flows/orders.py` as a CI job would, and creates two runs of it. The
first holds the only slot of a tag limit until it is cancelled; the second gets the slot then and finishes::

    python examples/demo.py

Then it reads the story of both runs back. Exit status 0 only when everything in it is right.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import runpy
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).parent / "flows" / "orders.py"
COLOURS = {"Success": "green", "Running": "blue", "Cancelled": "dim", "Failed": "red", "Retrying": "magenta"}
STORY = """query($id: UUID!) { flow_run_by_pk(id: $id) {
    name state states(order_by: {version: asc}) { state timestamp }
    task_runs(order_by: [{start_time: asc_nulls_last}, {map_index: asc}]) {
        id state map_index start_time end_time duration task { name tags mapped } states(order_by: {version: asc}) { state } }
    logs(order_by: {timestamp: asc}) { level message } } }"""
console = Console(highlight=False)


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start an `orchestra` command as a process of its own."""
    command = [str(Path(sys.executable).with_name("orchestra")), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """A server process with its own database; yields its URL and ends the process afterwards."""
    process = start("server", "start", "--port", "0")
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("Listening on ")), None)
        if ready is None:
            raise SystemExit("The server did not start; run `orchestra server start` to see why.")
        yield ready.removeprefix("Listening on ").strip()
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def running_agent(url: str) -> Iterator[subprocess.Popen[str]]:
    """An agent process that takes runs from the server; told to end, it sees its runs through first."""
    process = start("agent", "start", "--name", "demo", "--drain-timeout", "10", "--api-server", url)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def register(client: Client) -> str:
    """Register the example's flow, twice, as CI does on every merge: what has not changed makes no new version."""
    client.create_project("shop", "Everything that counts orders")
    flow = runpy.run_path(str(SCRIPT))["flow"]
    first = client.register(flow, project_name="shop", no_url=True)
    again = client.register(flow, project_name="shop", no_url=True)
    console.print(f"[bold]2.[/] Registered {SCRIPT.name} as flow {first}")
    console.print(
        "   Registered it again: "
        + ("nothing changed, no new version" if again == first else "a new version?")
    )
    return first


def read(client: Client, flow_run_id: str) -> Any:
    """All that the server knows of a run."""
    return client.graphql(STORY, variables={"id": flow_run_id}).data.flow_run_by_pk


def follow(client: Client, hog: str, patient: str) -> None:
    """Show both runs while they work; cancel the first one as soon as it holds the slot and the other one waits."""
    is_cancelled = False
    deadline = time.monotonic() + 60
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while time.monotonic() < deadline:
            runs = [read(client, hog), read(client, patient)]
            live.update(progress(runs))
            if not is_cancelled and is_waiting(runs):
                console.print(
                    f"   {runs[0].name} holds the slot of #warehouse and {runs[1].name} waits; cancelling it"
                )
                is_cancelled = bool(client.cancel_flow_run(hog))
            if all(run.state in {"Success", "Failed", "Cancelled"} for run in runs):
                return
            time.sleep(0.2)
    raise SystemExit("The runs did not end within a minute.")


def is_waiting(runs: list[Any]) -> bool:
    """Whether the first run is in the warehouse, and the second has come as far as its door."""
    hog, patient = ([(t.task.name, t.state) for t in run.task_runs if t.map_index >= 0] for run in runs)
    is_at_door = patient.count(("fetch_orders", "Success")) == 3 and ("store", "Running") not in patient
    return ("store", "Running") in hog and is_at_door


def progress(runs: list[Any]) -> Table:
    """How far both runs are, in one line each."""
    table = Table(box=None, padding=(0, 2, 0, 3), show_header=False)
    for run in runs:
        marks = "".join(f"[{COLOURS.get(t.state, 'yellow')}]●[/]" for t in run.task_runs)
        table.add_row(run.name, f"[{COLOURS.get(run.state, 'yellow')}]{run.state}[/]", marks)
    return table


def story(run: Any) -> Table:
    """A run's task runs with their states and times."""
    title = f"[bold]{run.name}[/]  {path(run.states)}"
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left"
    )
    for heading in ("task run", "began", "seconds", "states"):
        table.add_column(heading, no_wrap=heading != "states")
    for t in run.task_runs:
        if t.state == "Mapped":
            continue  # its children tell more
        child = f"[dim]\\[{t.map_index}][/]" if t.map_index >= 0 else ""
        tags = "".join(f" [dim]#{tag}[/]" for tag in t.task.tags)
        began = clock(t.start_time) if t.start_time else ""
        seconds = f"{t.duration:.3f}" if t.duration is not None else ""
        table.add_row(t.task.name + child + tags, began, seconds, path(t.states[1:]))
    return table


def path(states: list[Any]) -> str:
    """The types of states, in their colours."""
    return " → ".join(f"[{COLOURS.get(s.state, 'yellow')}]{s.state}[/]" for s in states)


def clock(timestamp: str) -> str:
    """The time of day of a timestamp, to the millisecond."""
    return f"{datetime.fromisoformat(timestamp):%H:%M:%S.%f}"[:-3]


def faults(hog: Any, patient: Any) -> list[str]:
    """What is not as it should be in the stories of the two runs."""
    children = [t for t in patient.task_runs if t.map_index >= 0]
    stored = [
        t for run in (hog, patient) for t in run.task_runs if "warehouse" in t.task.tags and t.start_time
    ]
    turns = sorted((t.start_time, t.end_time) for t in stored)
    messages = [record.message for record in patient.logs]
    checks = {
        "the first run was cancelled": hog.state == "Cancelled",
        "none of its task runs is left running": all(t.state != "Running" for t in hog.task_runs),
        "the second run ended well": patient.state == "Success",
        "three shops were fetched and stored": [t.state for t in children] == ["Success"] * 6,
        "one shop was tried again": [t.map_index for t in children if is_retried(t)] == [2],
        "one at a time was in the warehouse": all(a[1] <= b[0] for a, b in itertools.pairwise(turns)),
        "the logs tell the sum": messages.count("40 orders in all") == 1,
        "the logs tell of the shop that failed": any("does not answer" in message for message in messages),
    }
    return [what for what, is_so in checks.items() if not is_so]


def is_retried(task_run: Any) -> bool:
    """Whether a task run was tried more than once."""
    return "Retrying" in [state.state for state in task_run.states]


def main() -> int:
    """Run the demo; the exit status says whether all was read back as it should be."""
    with tempfile.TemporaryDirectory(prefix="orchestra-demo-") as folder:
        for name in [name for name in os.environ if name.startswith("ORCHESTRA_")]:
            del os.environ[name]  # whatever else is configured on this machine
        os.environ["ORCHESTRA_HOME"] = folder  # where the server will save our login
        with running_server() as url, Client(api_server=url) as client:
            client.login_to_tenant(tenant_slug="default")
            console.print(f"[bold]1.[/] A server listens on {url}; logged in to its tenant")
            flow_id = register(client)
            client.update_task_tag_limit("warehouse", 1)
            day = {"day": "2026-11-20"}
            hog = client.create_flow_run(flow_id=flow_id, run_name="hog", parameters={**day, "seconds": 60})
            with running_agent(url) as agent:
                console.print("[bold]3.[/] An agent runs; one slot for #warehouse; two runs:")
                time.sleep(2)
                patient = client.create_flow_run(flow_id=flow_id, run_name="patient", parameters=day)
                follow(client, hog, patient)
            runs = read(client, hog), read(client, patient)
    console.print("[bold]4.[/] Read back from the server:\n")
    for run in runs:
        console.print(story(run))
    for record in runs[1].logs:
        console.print(f"[dim]{record.level:<8}[/]{record.message.splitlines()[0]}", soft_wrap=True)
    console.print()
    wrong = faults(*runs) + ([] if agent.returncode == 0 else ["the agent ended well"])
    for what in wrong:
        console.print(f"[red]Not so: {what}.[/]")
    console.print("[red]This is not right![/]" if wrong else "[green]All of it is as it should be.[/]")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
