"""The zombie reaper: what runs in a process that has fallen silent is tried again, or has come to its end.

Slots of tag limits are counted from states, so those of a dead holder return with its state.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import exists, select

from orchestra_client.server.moments import shifted
from orchestra_client.server.services.rounds import Report
from orchestra_client.server.services.silence import is_silent, of_groups_with, since_last_beat
from orchestra_client.server.services.sweeps import Sweep, proposal, propose
from orchestra_client.server.transitions.runs import FlowRun, TaskRun
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Select

    from orchestra_client.server.services.rounds import Round
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views
    from orchestra_client.server.transitions.reading import Proposal


class ZombieReaper:
    """Ends what no longer lives.

    A Running task run is dead when neither it nor its flow run has beaten for the limit. It becomes Retrying when it
    has retries left and its flow run is Running, else Failed. A flow run that was told to stop, and is silent with
    all its task runs, becomes Cancelled. A flow group can be exempt (`heartbeat_enabled`).

    Args:
        limit: seconds without a beat, several times the 30 s between two of them.
        interval: seconds between rounds.
    """

    name: ClassVar[str] = "zombie-reaper"

    def __init__(self, limit: float = 600, interval: float = 30) -> None:
        self._limit = limit
        self.interval = interval

    def run_once(self, round: Round) -> Report:  # noqa: A002 (its name everywhere)
        """End the dead of every tenant."""
        report = Report()
        deadline = round.silence_deadline(self._limit)
        for tenant_id in round.tenant_ids() if deadline else ():
            for sweep in (_TASK_RUNS, _CANCELLING):
                report += sweep.over(round, tenant_id, deadline=deadline)
        return report


def _reap(session: Session, dead: Sequence[RowMapping]) -> Report:
    return propose(session, TaskRun, [_verdict(row, session.now) for row in dead])


def _verdict(run: RowMapping, now: str) -> Proposal:
    age = since_last_beat(run["heartbeat"], run["flow_run_heartbeat"], now=now)
    flow_run = f"flow run {run['flow_run_name']!r} ({run['flow_run_id']})"
    dead = f"Task run {_name(run)!r} ({run['id']}) of {flow_run} was Running, but its last heartbeat is {age} old."
    if run["flow_run_state"] != "Running":
        return proposal(
            run, "Failed", f"{dead} It is not tried again: its flow run is {run['flow_run_state']}."
        )
    if run["run_count"] > run["max_retries"]:
        return proposal(run, "Failed", f"{dead} It has no retries left.")
    start = shifted(now, run["retry_delay"] or 0)
    again = f"{dead} It is tried again: retry {run['run_count']} of {run['max_retries']}."
    return proposal(run, "Retrying", again, start_time=start, run_count=run["run_count"])


def _name(run: RowMapping) -> str:
    name = run["name"] or run["task_name"]
    return name if run["map_index"] < 0 else f"{name}[{run['map_index']}]"


def _finish(session: Session, dead: Sequence[RowMapping]) -> Report:
    return propose(session, FlowRun, [_end(row, session.now) for row in dead])


def _end(run: RowMapping, now: str) -> Proposal:
    age = since_last_beat(run["heartbeat"], now=now)
    told = f"Flow run {run['name']!r} ({run['id']}) was told to stop, and its last heartbeat is {age} old."
    return proposal(run, "Cancelled", f"{told} Nobody is left to stop, so it is Cancelled.")


@cache
def _dead_task_runs(views: Views) -> Select[Any]:
    task_runs, flow_runs, tasks = views["task_run"], views["flow_run"], views["task"]
    statement = (
        select(
            *(task_runs.c[name] for name in ("id", "version", "name", "map_index", "run_count", "heartbeat")),
            tasks.c.name.label("task_name"),
            tasks.c.max_retries,
            tasks.c.retry_delay,
            flow_runs.c.id.label("flow_run_id"),
            flow_runs.c.name.label("flow_run_name"),
            flow_runs.c.state.label("flow_run_state"),
            flow_runs.c.heartbeat.label("flow_run_heartbeat"),
        )
        .select_from(task_runs)
        .join(tasks, tasks.c.id == task_runs.c.task_id)
        .join(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)
        .where(
            task_runs.c.state.in_(sorted(RUNNING)),
            # These end together with their flow run.
            flow_runs.c.state != "Cancelling",
            is_silent(task_runs),
            is_silent(flow_runs),
        )
    )
    return of_groups_with(statement, views, "heartbeat_enabled")


@cache
def _dead_cancelling(views: Views) -> Select[Any]:
    task_runs, flow_runs = views["task_run"], views["flow_run"]
    living = exists(
        select(task_runs.c.id).where(
            task_runs.c.flow_run_id == flow_runs.c.id,
            task_runs.c.state.in_(sorted(RUNNING)),
            ~is_silent(task_runs),
        )
    )
    statement = (
        select(*(flow_runs.c[name] for name in ("id", "version", "name", "heartbeat")))
        .select_from(flow_runs)
        .where(flow_runs.c.state == "Cancelling", is_silent(flow_runs), ~living)
    )
    return of_groups_with(statement, views, "heartbeat_enabled")


_TASK_RUNS = Sweep(_dead_task_runs, "task_run", ("task_run", "flow_run"), _reap)
_CANCELLING = Sweep(_dead_cancelling, "flow_run", ("flow_run",), _finish)
