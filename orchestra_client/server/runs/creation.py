"""New runs as rows: the flow run Scheduled at version 1, and a Pending task run for each task."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.server.runs.names import run_name
from orchestra_client.server.store.ids import new_id
from orchestra_client.server.transitions.serialized import serialized_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Select

    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

_SCHEDULED = "The flow run was scheduled."
_CREATED = "The task run was created."


def create_runs(session: Session, flow_id: str, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Create runs of one flow, each with a task run for every task.

    The number of statements does not grow with that of runs or tasks.

    Args:
        session: a session that writes.
        flow_id: the flow, found in this session.
        runs: of each its `name` (None makes one up), `labels`, `parameters`, `context`, `run_config`,
            `idempotency_key`, `auto_scheduled`, `scheduled_start_time` (in the store's text form).

    Returns:
        The ids of the flow runs, in the order of `runs`.
    """
    rows = [_flow_run_row(session, flow_id, run) for run in runs]
    run_ids = session.insert("flow_run", *rows)
    session.insert("flow_run_state", *(_history("flow_run_id", row) for row in rows))
    tasks = session.rows(_tasks(session.views), flow_id=flow_id)
    create_task_runs(session, [(run_id, task, -1) for run_id in run_ids for task in tasks])
    return run_ids


def create_task_runs(session: Session, wanted: Sequence[tuple[str, Mapping[Any, Any], int]]) -> list[str]:
    """Create Pending task runs.

    Args:
        session: a session that writes.
        wanted: of each the flow run's id, the task's `id` and `cache_key`, and the map index.

    Returns:
        Their ids, in order.
    """
    rows = [_task_run_row(session, run_id, task, map_index) for run_id, task, map_index in wanted]
    session.insert("task_run", *rows)
    session.insert("task_run_state", *(_history("task_run_id", row) for row in rows))
    return [row["id"] for row in rows]


def _flow_run_row(session: Session, flow_id: str, run: Mapping[str, Any]) -> dict[str, Any]:
    run_id, start = new_id(), run["scheduled_start_time"]
    return {
        **run,
        "id": run_id,
        "flow_id": flow_id,
        "name": run["name"] or run_name(run_id),
        "version": 1,
        "state": "Scheduled",
        "state_timestamp": session.now,
        "state_message": _SCHEDULED,
        "state_start_time": start,
        "serialized_state": serialized_state("Scheduled", _SCHEDULED, start_time=start),
        "times_resurrected": 0,
    }


def _task_run_row(
    session: Session, flow_run_id: str, task: Mapping[Any, Any], map_index: int
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "flow_run_id": flow_run_id,
        "task_id": task["id"],
        "map_index": map_index,
        "cache_key": task["cache_key"],
        "version": 0,
        "state": "Pending",
        "state_timestamp": session.now,
        "state_message": _CREATED,
        "state_start_time": None,
        "serialized_state": serialized_state("Pending", _CREATED),
        "run_count": 0,
    }


def _history(id_name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        id_name: row["id"],
        "timestamp": row["state_timestamp"],
        "version": row["version"],
        "state": row["state"],
        "message": row["state_message"],
        "start_time": row["state_start_time"],
        "serialized_state": row["serialized_state"],
        "transition_id": None,
    }


@cache
def _tasks(views: Views) -> Select[Any]:
    tasks = views["task"]
    return select(tasks.c.id, tasks.c.cache_key).where(tasks.c.flow_id == bindparam("flow_id"))
