"""Task runs: making those of mapped tasks, naming them, reading one for a runner."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.errors import BadInput, NotFound
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation, query
from orchestra_client.server.resolvers.tables import resolve_rows
from orchestra_client.server.runs.creation import create_task_runs

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo
    from sqlalchemy import RowMapping, Select

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

Input = dict[str, Any]


@mutation("get_or_create_task_run")
def get_or_create_task_run(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The task run of a task and map index in a flow run, made Pending at version 0 where there is none."""
    return {"id": _get_or_create(session, input)["id"]}


@mutation("get_or_create_task_run_info")
def get_or_create_task_run_info(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """As `get_or_create_task_run`, with the state and version that a runner starts from."""
    return _get_or_create(session, input)


@mutation("set_task_run_name")
def set_task_run_name(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Rename a task run."""
    name = checks.name(input["name"], "task run's name")
    if not session.update("task_run", {"id": input["task_run_id"], "name": name}):
        raise _not_found(input["task_run_id"])
    return {"success": True}


@query("get_task_run_info")
def get_task_run_info(session: Session, context: Context, task_run_id: str) -> dict[str, Any]:
    """A task run's state and version, and its task."""
    row = session.first(_info(session.views), id=task_run_id)
    if row is None:
        raise _not_found(task_run_id)
    return dict(row)


@query("mapped_children")
def mapped_children(
    session: Session, context: Context, info: GraphQLResolveInfo[Any], task_run_id: str
) -> list[dict[str, Any]]:
    """The task runs that a mapped task run was split into, by map index."""
    parent = session.require("task_run", task_run_id)
    runs = session.views["task_run"]
    criterion = (
        (runs.c.flow_run_id == parent["flow_run_id"])
        & (runs.c.task_id == parent["task_id"])
        & (runs.c.map_index >= 0)
    )
    return resolve_rows(session, info, "task_run", criterion, {"map_index": "asc"})


def _not_found(run_id: str) -> NotFound:
    return NotFound(f"No task run has the ID {run_id}.")


def _get_or_create(session: Session, input: Input) -> dict[str, Any]:  # noqa: A002
    flow_run_id, task_id, map_index = input["flow_run_id"], input["task_id"], _map_index(input)
    wanted = {"flow_run_id": flow_run_id, "task_id": task_id, "map_index": map_index}
    row = session.first(_run(session.writable), **wanted)
    if row is None:
        # Whoever wants the same one waits here, and finds it afterwards (PostgreSQL; SQLite has one writer).
        flow_id = session.scalar(_flow_of(session.writable), id=flow_run_id)
        row = session.first(_run(session.writable), **wanted)
    if row is None:
        task = _task(session, task_id, flow_run_id, flow_id)
        create_task_runs(session, [(flow_run_id, task, map_index)])
        row = session.first(_run(session.writable), **wanted)
        assert row is not None
    return dict(row)


def _map_index(input: Input) -> int:  # noqa: A002
    map_index = input.get("map_index")
    if map_index is None:
        return -1
    if map_index < -1:
        raise BadInput("A map_index counts from 0; -1 stands for a task run that is not mapped.")
    return int(map_index)


def _task(session: Session, task_id: str, flow_run_id: str, flow_id: str | None) -> RowMapping:
    if flow_id is None:
        raise NotFound(f"No flow run has the ID {flow_run_id}.")
    task = session.first(_task_of(session.views), id=task_id, flow_id=flow_id)
    if task is None:
        raise NotFound(f"The flow of flow run {flow_run_id} has no task with the ID {task_id}.")
    return task


@cache
def _run(views: Views) -> Select[Any]:
    runs = views["task_run"]
    return select(runs.c.id, runs.c.version, runs.c.state, runs.c.serialized_state).where(
        runs.c.flow_run_id == bindparam("flow_run_id"),
        runs.c.task_id == bindparam("task_id"),
        runs.c.map_index == bindparam("map_index"),
    )


@cache
def _flow_of(views: Views) -> Select[Any]:
    runs = views["flow_run"]
    return select(runs.c.flow_id).where(runs.c.id == bindparam("id")).with_for_update(key_share=True)


@cache
def _task_of(views: Views) -> Select[Any]:
    tasks = views["task"]
    return select(tasks.c.id, tasks.c.cache_key).where(
        tasks.c.id == bindparam("id"), tasks.c.flow_id == bindparam("flow_id")
    )


@cache
def _info(views: Views) -> Select[Any]:
    runs, tasks = views["task_run"], views["task"]
    return (
        select(
            runs.c.id,
            runs.c.task_id,
            tasks.c.slug.label("task_slug"),
            runs.c.version,
            runs.c.state,
            runs.c.serialized_state,
        )
        .join(tasks, tasks.c.id == runs.c.task_id)
        .where(runs.c.id == bindparam("id"))
    )
