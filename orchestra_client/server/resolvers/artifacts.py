"""Artifacts: what a task run shows to people, a link or a piece of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.server import checks
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("create_task_run_artifact", creates=True)
def create_task_run_artifact(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """An artifact of a task run."""
    checks.own_tenant(session, input)
    session.require("task_run", input["task_run_id"], lock=True)
    kind = checks.name(input["kind"], "artifact's kind")
    artifact = {"task_run_id": input["task_run_id"], "kind": kind, "data": input.get("data")}
    [artifact_id] = session.insert("task_run_artifact", artifact)
    return {"id": artifact_id}


@mutation("update_task_run_artifact")
def update_task_run_artifact(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """New data for an artifact."""
    session.require("task_run_artifact", input["task_run_artifact_id"], lock=True)
    session.update("task_run_artifact", {"id": input["task_run_artifact_id"], "data": input["data"]})
    return {"success": True}


@mutation("delete_task_run_artifact")
def delete_task_run_artifact(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Remove an artifact."""
    session.require("task_run_artifact", input["task_run_artifact_id"], lock=True)
    session.delete("task_run_artifact", [input["task_run_artifact_id"]])
    return {"success": True}
