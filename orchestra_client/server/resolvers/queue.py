"""The queue: which runs an agent should start, and who holds the slots that others wait for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, literal_column, select, true, union_all

from orchestra_client.server import checks
from orchestra_client.server.moments import shifted
from orchestra_client.server.registry import mutation, query
from orchestra_client.server.store.arrays import elements, is_subset, length
from orchestra_client.states.hierarchy import RUNNING, SCHEDULED

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement, Select, Subquery

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

Input = dict[str, Any]

MAX_RUNS = 100
"""Runs of one answer: more than an agent starts between two polls, and the rest is still there at the next."""

_SILENCE = 75.0
"""Seconds without a beat after which agents, ours and older ones, may take up a run that is still Running."""

_WAITING = sorted(SCHEDULED | {"Queued"})


@mutation("get_runs_in_queue")
def get_runs_in_queue(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The runs that are due for an agent with these labels, earliest first, at most `MAX_RUNS`.

    A run is due when it waits for a time that has passed, or when it is Running and one of its task runs does. Its
    labels are among the agent's; a run without labels is for agents without labels. A Running one whose process still
    beats comes after all others: most likely nobody has to take it up, and it must not stand in anyone's way.
    """
    checks.own_tenant(session, input)
    labels = sorted(set(input.get("labels") or []))
    _note_query(session, input.get("agent_id") or context.credentials.agent_id)
    statement = _due_runs(session.views, session.dialect, is_labelled=bool(labels))
    parameters = {"labels": labels} if labels else {}
    silent_since = shifted(session.now, -_SILENCE)
    before = input.get("before") or session.now
    rows = session.rows(statement, before=before, silent_since=silent_since, **parameters)
    return {"flow_run_ids": [row["id"] for row in rows]}


@query("task_tag_slots")
def task_tag_slots(session: Session, context: Context, tag: str | None = None) -> list[dict[str, Any]]:
    """The running task runs that hold a slot of each limited tag, or that have `tag`, longest running first."""
    statement = _slots(session.views, session.dialect, of_one_tag=tag is not None)
    parameters = {} if tag is None else {"tag": tag}
    return [dict(row) for row in session.rows(statement, **parameters)]


def _note_query(session: Session, agent_id: str | None) -> None:
    if agent_id is not None:
        session.update("agent", {"id": agent_id.lower(), "last_queried": session.now})


@cache
def _due_runs(views: Views, dialect: str, *, is_labelled: bool) -> Select[Any]:
    flow_runs, task_runs = views["flow_run"], views["task_run"]
    before: BindParameter[str] = bindparam("before")
    matches = _matches(flow_runs, dialect, is_labelled=is_labelled)
    waiting = select(
        flow_runs.c.id, flow_runs.c.state_start_time.label("due"), literal_column("0").label("is_live")
    ).where(flow_runs.c.state.in_(_WAITING), flow_runs.c.state_start_time <= before, matches)
    beats = case((flow_runs.c.heartbeat > bindparam("silent_since"), 1), else_=0)
    resuming = (
        select(
            flow_runs.c.id,
            func.min(task_runs.c.state_start_time).label("due"),
            func.max(beats).label("is_live"),
        )
        .join(task_runs, task_runs.c.flow_run_id == flow_runs.c.id)
        .where(
            flow_runs.c.state == "Running",
            task_runs.c.state.in_(_WAITING),
            task_runs.c.state_start_time <= before,
            matches,
        )
        .group_by(flow_runs.c.id)
    )
    due = union_all(waiting, resuming).subquery("due_runs")
    return select(due.c.id).order_by(due.c.is_live, due.c.due, due.c.id).limit(literal_column(str(MAX_RUNS)))


def _matches(flow_runs: Subquery, dialect: str, *, is_labelled: bool) -> ColumnElement[bool]:
    count = length(flow_runs.c.labels, dialect)
    if not is_labelled:
        return count == 0
    return (count > 0) & is_subset(flow_runs.c.labels, "labels", dialect)


@cache
def _slots(views: Views, dialect: str, *, of_one_tag: bool) -> Select[Any]:
    runs, tasks, limits = views["task_run"], views["task"], views["task_tag_limit"]
    flow_runs = views["flow_run"]
    tags = elements(tasks.c.tags, dialect, "tags")
    statement = (
        select(
            tags.c.value.label("tag"),
            runs.c.id.label("task_run_id"),
            runs.c.flow_run_id,
            flow_runs.c.name.label("flow_run_name"),
            tasks.c.name.label("task_name"),
            runs.c.map_index,
            runs.c.state_timestamp.label("since"),
            runs.c.heartbeat,
        )
        .select_from(runs)
        .join(tasks, tasks.c.id == runs.c.task_id)
        .join(flow_runs, flow_runs.c.id == runs.c.flow_run_id)
        .join(tags, true())
        .where(runs.c.state.in_(sorted(RUNNING)))
        .order_by(tags.c.value, runs.c.state_timestamp, runs.c.id)
    )
    if of_one_tag:
        return statement.where(tags.c.value == bindparam("tag"))
    return statement.join(limits, limits.c.tag == tags.c.value)
