"""What `orchestra flow-run show` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.lookup import versioned
from orchestra_client.cli.output import Column, as_plain, print_fields, print_json, say, state_style
from orchestra_client.cli.sections import instant, print_section
from orchestra_client.durations import in_words
from orchestra_client.states.hierarchy import FINISHED
from orchestra_client.watching.lines import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.client import Client
    from orchestra_client.results import FlowRun

__all__ = ["print_page", "read_page"]

_MOST = 1000
"""So many task runs are shown at most."""

_PAGE = """query FlowRunPage($where: flow_run_bool_exp!) {
  flow_run(where: $where) {
    created context run_config idempotency_key auto_scheduled times_resurrected
    agent { name }
    states(order_by: [{ version: asc }]) { version state message timestamp }
  }
}"""


def read_page(client: Client, run: FlowRun) -> dict[str, Any]:
    """Read all that belongs to a flow run.

    Args:
        client: of the run's tenant.
        run: the run.

    Returns:
        The run's fields; how it was made; its `agent_name`; its `states` from the first; its `task_runs`; and the
        `reasons` why it is not finished, none when it is.
    """
    data = client.graphql(_PAGE, variables={"where": {"id": {"_eq": run.id}}}).data.to_dict()
    [row] = data["flow_run"]
    agent = row.pop("agent") or {}
    is_finished = run.state in FINISHED
    return {
        **as_plain(run),
        **row,
        "agent_name": agent.get("name"),
        "task_runs": as_plain(client.task_runs(run.id, limit=_MOST)),
        "reasons": [] if is_finished else as_plain(client.explain_flow_run(run.id).reasons),
    }


_STATES = [
    Column("STATE", lambda row: row["state"], state_style),
    Column("ENTERED", lambda row: instant(row["timestamp"])),
    Column("MESSAGE", lambda row: row["message"], wraps=True),
]


def _task(row: Mapping[str, Any]) -> str:
    place = "" if row["map_index"] < 0 else f"[{row['map_index']}]"
    return f"{row['task_name'] or row['task_slug']}{place}"


_TASK_RUNS = [
    Column("TASK", _task),
    Column("STATE", lambda row: row["state"], state_style),
    Column("STARTED", lambda row: instant(row["start_time"])),
    Column("TOOK", lambda row: _took(row["duration"])),
    Column("TRIES", lambda row: row["run_count"] or None),
    Column("MESSAGE", lambda row: row["state_message"], wraps=True),
]


def print_page(page: Mapping[str, Any], *, as_json: bool) -> None:
    """Write what `read_page` read."""
    if as_json:
        print_json(page)
        return
    print_fields(_fields(page), as_json=False)
    print_section("States", page["states"], _STATES)
    print_section("Task runs", page["task_runs"], _TASK_RUNS)
    if len(page["task_runs"]) == _MOST:
        say(f"Only the first {_MOST} task runs are shown.")
    for reason in page["reasons"]:
        click.echo(printable(f"\n{reason['message']}\n{reason['advice']}"))


def _fields(page: Mapping[str, Any]) -> dict[str, Any]:
    message = f": {page['state_message']}" if page["state_message"] else ""
    return {
        "Name": page["name"],
        "ID": page["id"],
        "Flow": versioned(page["flow_name"], page["project"], page["flow_version"]),
        "State": f"{page['state']}{message}",
        "Scheduled": instant(page["scheduled_start_time"]),
        "Started": instant(page["start_time"]),
        "Ended": instant(page["end_time"]),
        "Took": _took(page["duration"]),
        "Labels": page["labels"] or None,
        "Parameters": page["parameters"] or None,
        "Agent": page["agent_name"] or page["agent_id"],
        "Resurrected": page["times_resurrected"] or None,
    }


def _took(seconds: float | None) -> str | None:
    return None if seconds is None else in_words(seconds)
