"""The runs of a batch and the store: loaded and locked in one statement, written in two."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, true

from orchestra_client.server.store.arrays import elements
from orchestra_client.server.transitions.deciding import Surroundings
from orchestra_client.server.transitions.outcomes import Outcome, accepted
from orchestra_client.server.transitions.runs import FINAL, TaskRun
from orchestra_client.server.transitions.slots import TagSlots
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import TypeVar

    from sqlalchemy import BindParameter, ColumnElement, FromClause, Select

    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views
    from orchestra_client.server.transitions.reading import Proposal
    from orchestra_client.server.transitions.runs import Run

    AnyRun = TypeVar("AnyRun", bound=Run)

REPEAT_WINDOW = 1000
"""How many states of a run a repeat is looked for in, from the latest back: only a long loop has more."""

_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_TAGS: BindParameter[list[str]] = bindparam("tags", expanding=True)


def load_runs(session: Session, run_type: type[AnyRun], ids: Iterable[str]) -> dict[str, AnyRun]:
    """Runs that this session may change, locked until the transaction ends.

    Returns:
        The runs by id, without those that are not there.
    """
    named = _named(set(ids))
    rows = session.rows(_runs(session.writable, run_type.table, run_type.loaded, *named), **named)
    return {row["id"]: run_type(**row) for row in rows}


def load_unfinished(session: Session, flow_run_ids: Sequence[str]) -> list[TaskRun]:
    """The task runs of some flow runs that have not come to an end, locked until the transaction ends."""
    rows = session.rows(_unfinished(session.writable), ids=flow_run_ids)
    return [TaskRun(**row) for row in rows]


def load_answers(
    session: Session, run_type: type[Run], proposals: Sequence[Proposal]
) -> dict[tuple[str, str], Outcome]:
    """What those of some proposals that were accepted once before were answered, by run and transition id."""
    statement = _transitions(session.writable, run_type.table)
    rows = session.rows(
        statement,
        ids=[proposal.run_id for proposal in proposals],
        transition_ids=[proposal.transition_id for proposal in proposals],
    )
    return {(row[run_type.id_name], row["transition_id"]): accepted(row["version"]) for row in rows}


def load_surroundings(session: Session, task_run_ids: Collection[str]) -> dict[str, Surroundings]:
    """The flow run and the tags of task runs, by the task run's id."""
    named = _named(task_run_ids)
    rows = session.rows(_surroundings(session.views, *named), **named)
    return {row["id"]: Surroundings(row["flow_run_id"], row["state"], row["tags"]) for row in rows}


def load_slots(session: Session, tags: Collection[str]) -> TagSlots:
    """The slots of those of some tags that are limited; their limits are held until the transaction ends."""
    if not tags:
        return TagSlots({}, {})
    limits = {
        row["tag"]: row["limit"] for row in session.rows(_limits(session.tenant_views), tags=list(tags))
    }
    if not limits:
        return TagSlots({}, {})
    rows = session.rows(_holders(session.tenant_views, session.dialect), tags=list(limits))
    return TagSlots(limits, {row["tag"]: row["held"] for row in rows})


def save(session: Session, changed: Collection[Run], history: Sequence[dict[str, Any]]) -> None:
    """Write the runs that changed, all of one kind, and the states they entered."""
    if not changed:
        return
    table = next(iter(changed)).table
    session.update(table, *(run.row() for run in changed))
    session.insert(f"{table}_state", *history)


def _named(ids: Collection[str]) -> dict[str, object]:
    """The parameter that ids are bound to: a list's SQL is made anew each time, which a single id can be spared."""
    return {"id": next(iter(ids))} if len(ids) == 1 else {"ids": list(ids)}


def _has_id(runs: FromClause, parameter: str) -> ColumnElement[bool]:
    return runs.c.id == bindparam("id") if parameter == "id" else runs.c.id.in_(_IDS)


# Statements are built once per set of views; the store finds their compiled form by identity.


@cache
def _runs(views: Views, table: str, columns: tuple[str, ...], parameter: str) -> Select[Any]:
    runs = views[table]
    # In one order, so that two batches over the same runs wait for each other instead of locking up; and only
    # against other changes, so that logs and states that refer to the runs can be added meanwhile.
    statement = select(*(runs.c[name] for name in columns)).order_by(runs.c.id)
    return statement.where(_has_id(runs, parameter)).with_for_update(key_share=True)


@cache
def _unfinished(views: Views) -> Select[Any]:
    runs = views["task_run"]
    statement = select(*(runs.c[name] for name in TaskRun.loaded)).order_by(runs.c.id)
    has_no_end = runs.c.state.is_(None) | runs.c.state.not_in(sorted(FINAL))
    return statement.where(runs.c.flow_run_id.in_(_IDS), has_no_end).with_for_update(key_share=True)


@cache
def _transitions(views: Views, table: str) -> Select[Any]:
    runs, states = views[table], views[f"{table}_state"]
    run_id = states.c[f"{table}_id"]
    recent = (run_id == runs.c.id) & (states.c.version > runs.c.version - REPEAT_WINDOW)
    return (
        select(run_id, states.c.transition_id, states.c.version)
        .join_from(runs, states, recent)
        .where(runs.c.id.in_(_IDS), states.c.transition_id.in_(bindparam("transition_ids", expanding=True)))
    )


@cache
def _surroundings(views: Views, parameter: str) -> Select[Any]:
    task_runs, flow_runs, tasks = views["task_run"], views["flow_run"], views["task"]
    return (
        select(task_runs.c.id, task_runs.c.flow_run_id, flow_runs.c.state, tasks.c.tags)
        .join(flow_runs, flow_runs.c.id == task_runs.c.flow_run_id)
        .join(tasks, tasks.c.id == task_runs.c.task_id)
        .where(_has_id(task_runs, parameter))
    )


@cache
def _limits(views: Views) -> Select[Any]:
    limits = views["task_tag_limit"]
    statement = select(limits.c.tag, limits.c.limit).where(limits.c.tag.in_(_TAGS))
    # Whoever wants a slot of the same tag waits here until this transaction has taken its own.
    return statement.order_by(limits.c.tag).with_for_update(key_share=True)


@cache
def _holders(views: Views, dialect: str) -> Select[Any]:
    task_runs, tasks = views["task_run"], views["task"]
    tags = elements(tasks.c.tags, dialect, "tags")
    return (
        select(tags.c.value.label("tag"), func.count().label("held"))
        .select_from(task_runs)
        .join(tasks, tasks.c.id == task_runs.c.task_id)
        .join(tags, true())
        .where(task_runs.c.state.in_(sorted(RUNNING)), tags.c.value.in_(_TAGS))
        .group_by(tags.c.value)
    )
