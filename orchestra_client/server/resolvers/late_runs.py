"""Late runs: which wait although their time has come, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput
from orchestra_client.server.moments import shifted
from orchestra_client.server.registry import query
from orchestra_client.server.runs.lateness import AGENT_SILENCE, asking_agents, late_runs, reason

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

MAX_RUNS = 1000
"""Runs of one answer."""

MAX_SECONDS = 366 * 24 * 3600
"""The longest lateness that can be asked for."""


@query("late_flow_runs")
def late_flow_runs(
    session: Session, context: Context, overdue_seconds: int = 300, limit: int = 100
) -> list[dict[str, Any]]:
    """The flow runs that no agent has taken so long after their time, the longest waiting first."""
    if not 0 <= overdue_seconds <= MAX_SECONDS:
        raise BadInput(f"overdue_seconds must be from 0 to {MAX_SECONDS}.")
    if not 1 <= limit <= MAX_RUNS:
        raise BadInput(f"limit must be from 1 to {MAX_RUNS}.")
    due = shifted(session.now, -overdue_seconds)
    runs = session.rows(late_runs(session.views).limit(limit), due=due)
    agents = asking_agents(session, shifted(session.now, -AGENT_SILENCE)) if runs else []
    return [
        {
            "flow_run_id": run["id"],
            "name": run["name"],
            "labels": run["labels"],
            "due": run["state_start_time"],
            "reason": reason(run["labels"], agents),
        }
        for run in runs
    ]
