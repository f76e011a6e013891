"""Lazarus: flow runs whose process is gone, and that nothing will wake, begin anew."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import and_, exists, or_, select

from orchestra_client.server.services.rounds import Report
from orchestra_client.server.services.silence import is_silent, of_groups_with, since_last_beat
from orchestra_client.server.services.sweeps import Sweep, proposal
from orchestra_client.server.transitions.applying import apply_proposals
from orchestra_client.server.transitions.runs import FlowRun
from orchestra_client.states.hierarchy import RUNNING, SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Select

    from orchestra_client.server.services.rounds import Round
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views
    from orchestra_client.server.transitions.reading import Proposal

MAX_RESURRECTIONS = 3
"""How often one flow run begins anew; after that it has Failed."""


class Lazarus:
    """Reschedules flow runs that have fallen silent.

    A Running or Submitted flow run that has not beaten for the limit is Scheduled again, for now, unless it waits for
    something: a task run that runs, beats, or is yet to be started by an agent. Those that are Running and dead are
    the zombie reaper's first. A process that lives on all the same finds its version gone, and stops. A flow group can
    be exempt (`lazarus_enabled`; also `heartbeat_enabled`, for who does not beat is not silent).

    Args:
        limit: seconds without a beat, several times the 30 s between two of them.
        interval: seconds between rounds.
    """

    name: ClassVar[str] = "lazarus"

    def __init__(self, limit: float = 600, interval: float = 30) -> None:
        self._limit = limit
        self.interval = interval

    def run_once(self, round: Round) -> Report:  # noqa: A002 (its name everywhere)
        """Reschedule the lost runs of every tenant."""
        report = Report()
        deadline = round.silence_deadline(self._limit)
        for tenant_id in round.tenant_ids() if deadline else ():
            report += _LOST.over(round, tenant_id, deadline=deadline)
        return report


def _resurrect(session: Session, lost: Sequence[RowMapping]) -> Report:
    proposals = [_verdict(run, session.now) for run in lost]
    outcomes = apply_proposals(session, FlowRun, proposals)
    accepted = [
        (run, proposed.state.type)
        for run, proposed, outcome in zip(lost, proposals, outcomes, strict=True)
        if outcome.status == "SUCCESS"
    ]
    risen = [
        {"id": run["id"], "times_resurrected": run["times_resurrected"] + 1}
        for run, type_name in accepted
        if type_name == "Scheduled"
    ]
    session.update("flow_run", *risen)
    return Report(type_name for _, type_name in accepted)


def _verdict(run: RowMapping, now: str) -> Proposal:
    age = since_last_beat(run["heartbeat"], now=now)
    lost = f"Flow run {run['name']!r} ({run['id']}) was {run['state']}, but its last heartbeat is {age} old."
    times = run["times_resurrected"]
    if times >= MAX_RESURRECTIONS:
        return proposal(run, "Failed", f"{lost} It was rescheduled {times} times before, and not once again.")
    again = f"{lost} It is rescheduled: {times + 1} of at most {MAX_RESURRECTIONS} times."
    return proposal(run, "Scheduled", again, start_time=now)


@cache
def _lost(views: Views) -> Select[Any]:
    task_runs, flow_runs = views["task_run"], views["flow_run"]
    # An agent looks for task runs to start among Running flow runs alone, so a Submitted one waits for none.
    will_start = and_(flow_runs.c.state == "Running", task_runs.c.state.in_(sorted(SCHEDULED | {"Queued"})))
    waits = exists(
        select(task_runs.c.id).where(
            task_runs.c.flow_run_id == flow_runs.c.id,
            or_(task_runs.c.state.in_(sorted(RUNNING)), will_start, ~is_silent(task_runs)),
        )
    )
    names = ("id", "version", "name", "state", "heartbeat", "times_resurrected")
    statement = (
        select(*(flow_runs.c[name] for name in names))
        .select_from(flow_runs)
        .where(flow_runs.c.state.in_(("Running", "Submitted")), is_silent(flow_runs), ~waits)
    )
    return of_groups_with(statement, views, "heartbeat_enabled", "lazarus_enabled")


_LOST = Sweep(_lost, "flow_run", ("flow_run",), _resurrect)
