"""A flow run driven by hand, call by call, on a server of its own. Copy what you need.

Starts a real server process on a loopback port, logs in, registers a flow, runs it by hand through the queue with
versions, heartbeats, logs and a tag limit, reads everything back and compares it with what was written::

    python examples/by_hand.py

Exit status 0 only when what was read is what was written.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from orchestra_client import Client
from orchestra_client.states import Queued, Running, State, Submitted, Success

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.graphql import GraphQLResult

FLOW = Path(__file__).parent / "flows" / "daily_sales.json"
LABELS = ["reporting"]
COLUMNS = ("Submitted", "Running", "Success")
COLOURS = {"Submitted": "yellow", "Running": "blue", "Success": "green"}
console = Console(highlight=False)


@dataclass
class Story:
    """What was written, to be held against what is read back.

    Attributes:
        flow_states: the types of the flow run's states, in order.
        task_states: the same per task slug.
        logs: the messages, in order.
    """

    flow_states: list[str] = field(default_factory=lambda: ["Scheduled"])
    task_states: dict[str, list[str]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """A server process with its own database; yields its URL and ends the process afterwards."""
    command = [str(Path(sys.executable).with_name("orchestra")), "server", "start", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("Listening on ")), None)
        if ready is None:
            raise SystemExit("The server did not start; run `orchestra server start` to see why.")
        yield ready.removeprefix("Listening on ").strip()
    finally:
        process.terminate()
        process.wait(timeout=30)


class Runner:
    """Drives one flow run by hand, as an agent's runner would, and keeps the story of it."""

    def __init__(self, client: Client, flow_run_id: str) -> None:
        self.client = client
        self.flow_run_id = flow_run_id
        self.story = Story()
        info = client.get_flow_run_info(flow_run_id)
        self.flow_version = info.version
        self.tasks = {run.task_slug or "": run for run in info.task_runs}
        self.versions = {slug: run.version for slug, run in self.tasks.items()}
        self.story.task_states = {slug: ["Pending"] for slug in self.tasks}

    def flow(self, state: State) -> None:
        """Set the flow run's state at the version we know; anyone else's change would be refused."""
        self.client.set_flow_run_state(self.flow_run_id, version=self.flow_version, state=state)
        self.flow_version += 1
        self.story.flow_states.append(type(state).__name__)

    def task(self, slug: str, state: State) -> State:
        """Set a task run's state; a Queued answer means that a tag limit has no slot free."""
        run = self.tasks[slug]
        answer = self.client.set_task_run_state(run.id, version=self.versions[slug], state=state)
        if not isinstance(answer, Queued):
            self.versions[slug] += 1
            self.story.task_states[slug].append(type(state).__name__)
        return answer

    def start(self, slug: str) -> State:
        """Submit a task run, unless that was done before, and ask for it to run."""
        if self.versions[slug] == 0:
            self.task(slug, Submitted())
        answer = self.task(slug, Running(message=f"{slug} is working"))
        if not isinstance(answer, Queued):
            self.log(slug, f"{slug} began")
        return answer

    def finish(self, slug: str) -> None:
        """Beat once more and end a task run well."""
        self.client.update_task_run_heartbeat(self.tasks[slug].id)
        self.log(slug, f"{slug} is done")
        self.task(slug, Success(message="All rows passed."))

    def log(self, slug: str, message: str) -> None:
        """Send one log record of a task run."""
        record = {
            "flow_run_id": self.flow_run_id,
            "task_run_id": self.tasks[slug].id,
            "timestamp": datetime.now(UTC).isoformat(),
            "name": "orchestra.demo",
            "level": "INFO",
            "message": message,
        }
        self.client.write_run_logs([record])
        self.story.logs.append(message)


def run_flow(runner: Runner) -> None:
    """Take the run through its tasks; two of them share a tag that lets one run at a time."""
    runner.flow(Submitted(message="Taken from the queue"))
    runner.flow(Running(message="Running flow."))
    runner.client.update_flow_run_heartbeat(runner.flow_run_id)
    for slug in ("day", "region", "extract_orders-1", "clean_orders-1"):
        runner.start(slug)
        runner.finish(slug)
    loading, totals = "load_orders-warehouse-1", "refresh_totals-warehouse-1"
    runner.start(loading)
    refused = runner.start(totals)
    if not isinstance(refused, Queued):
        raise SystemExit("The tag limit let two task runs in; it should have queued the second.")
    console.print("   refresh_totals is [yellow]QUEUED[/] behind load_orders: one slot for #warehouse")
    runner.finish(loading)
    runner.start(totals)
    console.print("   refresh_totals is [green]let in[/], now that load_orders is done")
    runner.finish(totals)
    runner.start("send_report-1")
    runner.finish("send_report-1")
    runner.flow(Success(message="All reference tasks succeeded."))


def read_back(client: Client, flow_run_id: str) -> tuple[Story, Table]:
    """Everything the server knows of the run, as a story and as a table for people."""
    run = client.graphql(
        """query($id: UUID!) { flow_run_by_pk(id: $id) {
            name version duration states(order_by: {version: asc}) { state timestamp }
            task_runs(order_by: {start_time: asc}) {
                version duration task { name slug tags } states(order_by: {version: asc}) { state timestamp } } } }""",
        variables={"id": flow_run_id},
    ).data.flow_run_by_pk
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=f"daily-sales / {run.name}",
        title_style="bold",
    )
    for heading in ("task run", *COLUMNS, "seconds", "version"):
        table.add_column(heading, no_wrap=True, header_style=COLOURS.get(heading, "bold"))
    for task_run in run.task_runs:
        tags = "".join(f"\n[dim]#{tag}[/]" for tag in task_run.task.tags)
        table.add_row(task_run.task.name + tags, *_times(task_run))
    table.add_section()
    table.add_row("[bold]the flow run[/]", *_times(run))
    story = Story(
        flow_states=[state.state for state in run.states],
        task_states={t.task.slug: [state.state for state in t.states] for t in run.task_runs},
        logs=[record.message or "" for record in client.get_flow_run_logs(flow_run_id)],
    )
    return story, table


def _times(run: GraphQLResult) -> list[str]:
    """When a run entered each state of the table, how long it worked, and its version."""
    entered = {state.state: datetime.fromisoformat(state.timestamp) for state in run.states}
    clocks = [f"{entered[name]:%H:%M:%S}.{entered[name].microsecond // 1000:03}" for name in COLUMNS]
    return [*clocks, f"{run.duration:.3f}", str(run.version)]


def main() -> int:
    """Run the demo; the exit status says whether all was read back as written."""
    with tempfile.TemporaryDirectory(prefix="orchestra-demo-") as folder:
        for name in [name for name in os.environ if name.startswith("ORCHESTRA_")]:
            del os.environ[name]  # whatever else is configured on this machine
        os.environ["ORCHESTRA_HOME"] = folder  # where the server will save our login
        with running_server() as url, Client(api_server=url) as client:
            console.print(f"[bold]1.[/] A server listens on {url}")
            client.login_to_tenant(tenant_slug="default")
            console.print(
                "[bold]2.[/] Logged in to the tenant [cyan]default[/] with the API token of the first start"
            )
            client.create_project("sales", "Everything that counts orders")
            flow_id = client.register(json.loads(FLOW.read_text()), project_name="sales", no_url=True)
            console.print(f"[bold]3.[/] Registered {FLOW.name} as flow {flow_id}")
            client.update_task_tag_limit("warehouse", 1)
            client.register_agent("LocalAgent", name="demo", labels=LABELS)
            flow_run_id = client.create_flow_run(flow_id=flow_id, parameters={"day": "2026-11-20"})
            queue = client.get_runs_in_queue(labels=LABELS)
            console.print(
                f"[bold]4.[/] One agent, one slot for #warehouse, {len(queue)} run in the queue; running it:"
            )
            runner = Runner(client, flow_run_id)
            run_flow(runner)
            story, table = read_back(client, flow_run_id)
    console.print("[bold]5.[/] Read back from the server:\n")
    console.print(table)
    is_right = queue == [flow_run_id] and story == runner.story
    verdict = (
        "[green]What was read is what was written[/]" if is_right else "[red]This is not what was written![/]"
    )
    console.print(f"{verdict} ({len(story.task_states)} task runs, {len(story.logs)} log records).")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
