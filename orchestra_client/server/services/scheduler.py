"""The scheduler: a flow with an active schedule always has its next runs waiting."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sqlalchemy import bindparam, func, select

from orchestra_client.server.moments import shifted
from orchestra_client.server.runs.creation import create_runs
from orchestra_client.server.runs.settings import merged_labels, merged_parameters, merged_run_config
from orchestra_client.server.services.forecasts import PREFIX, Forecasts
from orchestra_client.server.services.rounds import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import BindParameter, ColumnElement, RowMapping, Select, Subquery

    from orchestra_client.server.services.forecasts import Appointment
    from orchestra_client.server.services.rounds import Round
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)

_log = logging.getLogger(__name__)


class _Due(NamedTuple):
    """A run that is to be created."""

    flow: RowMapping
    appointment: Appointment

    @property
    def key(self) -> tuple[str, str]:
        return self.flow["id"], self.appointment.key


class Scheduler:
    """Creates the next runs of every active schedule.

    The flow group's schedule goes before the flow's own. A run is known by its flow and its idempotency key, which
    names the moment: each moment has one run, whoever creates it. None is created for a moment that has passed.

    Used by one thread at a time; it remembers what the schedules said.

    Args:
        interval: seconds between rounds.
    """

    name: ClassVar[str] = "scheduler"

    def __init__(self, interval: float = 15) -> None:
        self.interval = interval
        self._forecasts = Forecasts()
        self._complaints: dict[str, str] = {}

    def run_once(self, round: Round) -> Report:  # noqa: A002 (its name everywhere)
        """Create the runs that the schedules of every tenant lack."""
        report = Report()
        for tenant_id in round.tenant_ids():
            with round.read(tenant_id) as session:
                missing = self._missing(session, session.rows(_schedules(session.views)))
                sizes = _sizes(session) if missing else {}
            for chunk in round.chunks(missing, lambda due: 1 + sizes.get(due.flow["id"], 0)):  # noqa: B023 (used up here)
                with round.write(tenant_id) as session:
                    report["Scheduled"] += self._create(session, chunk)
        return +report

    def _create(self, session: Session, chunk: Sequence[_Due]) -> int:
        wanted = {due.key for due in chunk}
        # Held, and looked at again: the schedule may have been changed, or one of the runs created, since we looked.
        ids = list({flow_id for flow_id, _ in wanted})
        flows = session.rows(_held_flows(session.views), ids=ids)
        due = [each for each in self._missing(session, flows, ids=ids) if each.key in wanted]
        runs = [run for each in due if (run := self._run(each))]
        if runs:
            create_runs(session, runs)
        return len(runs)

    def _missing(self, session: Session, flows: Sequence[RowMapping], **ids: Sequence[str]) -> list[_Due]:
        due = [_Due(flow, each) for flow in flows for each in self._appointments(flow, session.now)]
        if not due:
            return []
        starts = [each.appointment.start for each in due]
        keys = _keys(session.views, of_some=bool(ids))
        rows = session.rows(keys, low=_bound(min(starts), -1), high=_bound(max(starts), 1), **ids)
        there = {(row["flow_id"], row["idempotency_key"]) for row in rows}
        return [each for each in due if each.key not in there]

    def _appointments(self, flow: RowMapping, now: str) -> Sequence[Appointment]:
        schedule = flow["group_schedule"] or flow["schedule"]
        try:
            return self._forecasts.of(schedule, now) if schedule else ()
        except Exception as error:  # noqa: BLE001 (one schedule, whatever is wrong with it, must not stop the others)
            self._complain(flow, error)
            return ()

    def _run(self, due: _Due) -> dict[str, Any] | None:
        flow, appointment = due
        try:
            parameters = merged_parameters(
                flow["parameters"], flow["group_parameters"], dict(appointment.parameters)
            )
        except ValueError as error:
            self._complain(flow, error)
            return None
        return {
            "flow_id": flow["id"],
            "name": None,
            "labels": merged_labels(flow, None, appointment.labels),
            "parameters": parameters,
            "context": {},
            "run_config": merged_run_config(flow, None),
            "idempotency_key": appointment.key,
            "auto_scheduled": True,
            "scheduled_start_time": appointment.start,
        }

    def _complain(self, flow: RowMapping, error: Exception) -> None:
        """Log what is wrong with a schedule, once."""
        if self._complaints.get(flow["id"]) != str(error):
            self._complaints[flow["id"]] = str(error)
            _log.warning("Flow %r (%s) cannot be scheduled: %s", flow["name"], flow["id"], error)


def _bound(start: str, seconds: int) -> str:
    # Of whole seconds: digits alone decide how it compares with keys, in any collation.
    return f"{PREFIX}{shifted(start, seconds)[:19]}"


def _sizes(session: Session) -> dict[str, int]:
    """How many tasks each scheduled flow has."""
    return {row["flow_id"]: row["tasks"] for row in session.rows(_task_counts(session.views))}


def _is_scheduled(flows: Subquery) -> ColumnElement[bool]:
    return flows.c.archived.is_(False) & flows.c.is_schedule_active.is_(True)


@cache
def _schedules(views: Views) -> Select[Any]:
    flows, groups = views["flow"], views["flow_group"]
    return (
        select(flows.c.id, flows.c.name, flows.c.schedule, groups.c.schedule.label("group_schedule"))
        .join(groups, groups.c.id == flows.c.flow_group_id)
        .where(_is_scheduled(flows))
        .order_by(flows.c.id)
    )


@cache
def _held_flows(views: Views) -> Select[Any]:
    flows, groups = views["flow"], views["flow_group"]
    return (
        _schedules(views)
        .add_columns(
            flows.c.parameters,
            flows.c.run_config,
            flows.c.environment,
            groups.c.labels.label("group_labels"),
            groups.c.run_config.label("group_run_config"),
            groups.c.default_parameters.label("group_parameters"),
        )
        .where(flows.c.id.in_(_IDS))
        # One that is being changed is left to the next round.
        .with_for_update(of=[flows, groups], skip_locked=True)
    )


@cache
def _keys(views: Views, *, of_some: bool) -> Select[Any]:
    runs, flows = views["flow_run"], views["flow"]
    scheduled = select(flows.c.id).where(_is_scheduled(flows))
    of_flows = runs.c.flow_id.in_(_IDS if of_some else scheduled)
    in_time = runs.c.idempotency_key.between(bindparam("low"), bindparam("high"))
    return select(runs.c.flow_id, runs.c.idempotency_key).where(of_flows, in_time)


@cache
def _task_counts(views: Views) -> Select[Any]:
    tasks, flows = views["task"], views["flow"]
    return (
        select(tasks.c.flow_id, func.count().label("tasks"))
        .select_from(flows)
        .join(tasks, tasks.c.flow_id == flows.c.id)
        .where(_is_scheduled(flows))
        .group_by(tasks.c.flow_id)
    )
