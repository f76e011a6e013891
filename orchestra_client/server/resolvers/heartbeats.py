"""Heartbeats: a run says that it lives. It never changes the state, so a finished run stays finished."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from orchestra_client.errors import NotFound, PayloadTooLarge
from orchestra_client.server.registry import mutation
from orchestra_client.server.transitions.runs import FINAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session
    from orchestra_client.server.store.views import Views

Input = dict[str, Any]

MAX_HEARTBEATS = 10_000
"""Runs of one request."""


@mutation("update_flow_run_heartbeat")
def update_flow_run_heartbeat(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Note that a flow run lives; no success for one that is finished."""
    return _beat_one(session, "flow_run", input["flow_run_id"])


@mutation("update_task_run_heartbeat")
def update_task_run_heartbeat(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Note that a task run lives; no success for one that is finished."""
    return _beat_one(session, "task_run", input["task_run_id"])


@mutation("update_heartbeats")
def update_heartbeats(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Note that many runs live; each is answered with its state and version, so that it learns of its own end."""
    flow_run_ids, task_run_ids = input.get("flow_run_ids") or [], input.get("task_run_ids") or []
    count = len(flow_run_ids) + len(task_run_ids)
    if count > MAX_HEARTBEATS:
        raise PayloadTooLarge(
            f"{count} heartbeats are too many for one request; send at most {MAX_HEARTBEATS}."
        )
    beats = _beat(session, "flow_run", flow_run_ids) + _beat(session, "task_run", task_run_ids)
    return {"heartbeats": beats}


def _beat_one(session: Session, table: str, run_id: str) -> dict[str, Any]:
    [beat] = _beat(session, table, [run_id])
    if beat["version"] is None:
        raise NotFound(beat["message"])
    return {"success": beat["success"], "error": beat["message"]}


def _beat(session: Session, table: str, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    if not run_ids:
        return []
    runs = {row["id"]: row for row in session.rows(_runs(session.writable, table), ids=list(set(run_ids)))}
    alive = [run_id for run_id, row in runs.items() if row["state"] not in FINAL]
    session.update(table, *({"id": run_id, "heartbeat": session.now} for run_id in alive))
    return [_payload(table, run_id, runs.get(run_id)) for run_id in run_ids]


def _payload(table: str, run_id: str, row: Any) -> dict[str, Any]:
    noun = table.replace("_", " ")
    if row is None:
        message: str | None = f"No {noun} has the ID {run_id}."
        return {"id": run_id, "success": False, "state": None, "version": None, "message": message}
    is_final = row["state"] in FINAL
    message = f"The {noun} is finished: it is {row['state']}." if is_final else None
    return {**row, "success": not is_final, "message": message}


@cache
def _runs(views: Views, table: str) -> Select[Any]:
    runs = views[table]
    statement = select(runs.c.id, runs.c.state, runs.c.version).order_by(runs.c.id)
    return statement.where(runs.c.id.in_(bindparam("ids", expanding=True))).with_for_update(key_share=True)
