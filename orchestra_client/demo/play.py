"""The job itself: register, run, limit, cancel, read back."""

from __future__ import annotations

import runpy
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from orchestra_client.client import Client
from orchestra_client.demo.processes import Machine
from orchestra_client.demo.story import progress, read, tell
from orchestra_client.demo.verdict import faults

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["flow_script", "main"]

_DAY = {"day": "2026-11-20"}
_ENDS = {"Success", "Failed", "Cancelled"}


def flow_script() -> Path:
    """The script with the flow, an example of the repository that travels inside the package."""
    installed = Path(__file__).with_name("orders.py")
    return installed if installed.exists() else Path(__file__).parents[2] / "examples" / "flows" / "orders.py"


def main() -> int:
    """Run the demo.

    Returns:
        The exit status, which says whether all was read back as it should be.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="orchestra-demo-") as folder:
        wrong = _play(Machine(Path(folder)), console)
    for what in wrong:
        console.print(f"[red]Not so: {what}.[/]")
    console.print("[red]This is not right![/]" if wrong else "[green]All of it is as it should be.[/]")
    return 1 if wrong else 0


def _leave(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does: with the processes ended and the folder removed."""
    sys.exit(128 + number)


def _play(machine: Machine, console: Console) -> list[str]:
    """Do all of it; the result is what went wrong."""
    with machine.running_server() as url, Client(url, machine.api_token) as client:
        client.login_to_tenant(tenant_slug="default")
        console.print(f"[bold]1.[/] A server listens on {url}; logged in to its tenant")
        flow_id = _register(client, console)
        client.update_task_tag_limit("warehouse", 1)
        hog = client.create_flow_run(flow_id=flow_id, run_name="hog", parameters={**_DAY, "seconds": 60})
        with machine.running_agent(url) as agent:
            console.print("[bold]3.[/] An agent runs; one slot for #warehouse; two runs:")
            time.sleep(2)
            patient = client.create_flow_run(flow_id=flow_id, run_name="patient", parameters=_DAY)
            _follow(client, console, hog, patient)
        runs = read(client, hog), read(client, patient)
    _tell(console, runs)
    return faults(*runs) + ([] if agent.returncode == 0 else ["the agent ended well"])


def _register(client: Client, console: Console) -> str:
    """Register the flow, twice, as CI does on every merge: what has not changed makes no new version."""
    script = flow_script()
    client.create_project("shop", "Everything that counts orders")
    flow = runpy.run_path(str(script))["flow"]
    first = client.register(flow, project_name="shop", no_url=True)
    again = client.register(flow, project_name="shop", no_url=True)
    console.print(f"[bold]2.[/] Registered {script.name} as flow {first}")
    news = "nothing changed, no new version" if again == first else "a new version?"
    console.print(f"   Registered it again: {news}")
    return first


def _follow(client: Client, console: Console, hog: str, patient: str) -> None:
    """Show both runs while they work; cancel the first one as soon as it holds the slot and the other one waits."""
    is_cancelled = False
    deadline = time.monotonic() + 60
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        while time.monotonic() < deadline:
            runs = [read(client, hog), read(client, patient)]
            live.update(progress(runs))
            if not is_cancelled and _is_waiting(*runs):
                console.print(
                    f"   {runs[0].name} holds the slot of #warehouse and {runs[1].name} waits; cancelling it"
                )
                is_cancelled = bool(client.cancel_flow_run(hog))
            if all(run.state in _ENDS for run in runs):
                return
            time.sleep(0.2)
    raise SystemExit("The runs did not end within a minute.")


def _is_waiting(hog: Any, patient: Any) -> bool:
    """Whether the first run is in the warehouse, and the second has come as far as its door."""
    inside, outside = _children(hog), _children(patient)
    is_at_door = outside.count(("fetch_orders", "Success")) == 3 and ("store", "Running") not in outside
    return ("store", "Running") in inside and is_at_door


def _children(run: Any) -> list[tuple[str, str]]:
    return [(each.task.name, each.state) for each in run.task_runs if each.map_index >= 0]


def _tell(console: Console, runs: tuple[Any, Any]) -> None:
    console.print("[bold]4.[/] Read back from the server:\n")
    for run in runs:
        tell(console, run)
    for record in runs[1].logs:
        console.print(f"[dim]{record.level:<8}[/]{record.message.splitlines()[0]}", soft_wrap=True)
    console.print()
