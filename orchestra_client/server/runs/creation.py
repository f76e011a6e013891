"""New runs as rows: the flow run Scheduled at version 1, and a Pending task run for each task."""

from __future__ import annotations

from collections import defaultdict
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


def create_runs(session: Session, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Create runs, each with a task run for every task of its flow.

    The number of statements does not grow with that of runs, flows or tasks.

    Args:
        session: a session that writes.
        runs: of each its `flow_id`, found in this session, `name` (None makes one up), `labels`, `parameters`,
            `context`, `run_config`, `idempotency_key`, `auto_scheduled`, `scheduled_start_time` (in the store's text
            form).

    Returns:
        The ids of the flow runs, in the order of `runs`.
    """
    rows = [_flow_run_row(session, run) for run in runs]
    run_ids = session.insert("flow_run", *rows)
    session.insert("flow_run_state", *(_history("flow_run_id", row) for row in rows))
    tasks = defaultdict(list)
    for task in session.rows(_tasks(session.views), flow_ids=list({row["flow_id"] for row in rows})):
        tasks[task["flow_id"]].append(task)
    create_task_runs(session, [(row["id"], task, -1) for row in rows for task in tasks[row["flow_id"]]])
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


def _flow_run_row(session: Session, run: Mapping[str, Any]) -> dict[str, Any]:
    run_id, start = new_id(), run["scheduled_start_time"]
    return {
        **run,
        "id": run_id,
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
    of_flows = tasks.c.flow_id.in_(bindparam("flow_ids", expanding=True))
    return select(tasks.c.flow_id, tasks.c.id, tasks.c.cache_key).where(of_flows)
