"""Late-run marking: a run that no agent takes says so in its own log, once, and why."""

from __future__ import annotations

import uuid
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import String, cast, exists, select

from orchestra_client.server.moments import elapsed, shifted
from orchestra_client.server.runs.lateness import AGENT_SILENCE, asking_agents, late_runs, reason
from orchestra_client.server.services.rounds import Report
from orchestra_client.server.services.sweeps import Sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Select

    from orchestra_client.server.services.rounds import Round
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

LOGGER = "orchestra.late-runs"
"""The name on the records."""


class LateRuns:
    """Writes a warning to the log of each run that waits for longer than the limit, once for each time it waits.

    State and version stay as they are; who wants to know what is late now asks the API for `late_flow_runs`.

    Args:
        limit: seconds after a run's time.
        interval: seconds between rounds.
    """

    name: ClassVar[str] = "late-runs"

    def __init__(self, limit: float = 300, interval: float = 60) -> None:
        self._limit = limit
        self.interval = interval

    def run_once(self, round: Round) -> Report:  # noqa: A002 (its name everywhere)
        """Mark the late runs of every tenant."""
        report = Report()
        due = shifted(round.now, -self._limit)
        for tenant_id in round.tenant_ids():
            report += _UNMARKED.over(round, tenant_id, due=due)
        return report


def _mark(session: Session, late: Sequence[RowMapping]) -> Report:
    agents = asking_agents(session, shifted(session.now, -AGENT_SILENCE)) if late else []
    session.insert("log", *(_record(run, reason(run["labels"], agents), session.now) for run in late))
    return Report({"late": len(late)}) if late else Report()


def _record(run: RowMapping, why: str, now: str) -> dict[str, Any]:
    age = elapsed(run["state_start_time"], now)
    return {
        # The same for whoever marks it: the database keeps one.
        "id": str(uuid.uuid5(uuid.UUID(run["id"]), f"late {run['version']}")),
        "flow_run_id": run["id"],
        "task_run_id": None,
        "timestamp": now,
        "name": LOGGER,
        "level": "WARNING",
        "message": f"Flow run {run['name']!r} ({run['id']}) is {age} late. {why}",
        # As a text, which both kinds of database compare alike.
        "info": {"version": str(run["version"])},
    }


@cache
def _unmarked(views: Views) -> Select[Any]:
    runs, logs = views["flow_run"], views["log"]
    mark = exists(
        select(logs.c.id).where(
            logs.c.flow_run_id == runs.c.id,
            logs.c.timestamp >= runs.c.state_timestamp,
            logs.c.name == LOGGER,
            logs.c.info["version"].as_string() == cast(runs.c.version, String),
        )
    )
    return late_runs(views).where(~mark)


_UNMARKED = Sweep(_unmarked, "flow_run", ("flow_run",), _mark)
