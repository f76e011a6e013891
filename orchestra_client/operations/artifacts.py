"""Artifacts: what a task run shows to people, a link or a piece of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of, mutated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operations.checks import Id

__all__ = ["create_task_run_artifact", "delete_task_run_artifact", "update_task_run_artifact"]


def create_task_run_artifact(
    task_run_id: Id, kind: str, data: Mapping[str, Any], tenant_id: Id | None, *, key: str
) -> Operation[str]:
    """Attach an artifact to a task run; the result is its id.

    Args:
        task_run_id: the task run.
        kind: ``link`` or ``markdown``, or what the UI knows besides.
        data: as the kind wants it.
        tenant_id: the run's tenant; None for the session's.
        key: the same for every repeat of this call.
    """
    given: dict[str, Any] = {
        "task_run_id": checks.uuid(task_run_id, "task_run_id"),
        "kind": checks.filled(kind, "kind"),
        "data": checks.json_object(data, "data"),
    }
    if tenant_id is not None:
        given["tenant_id"] = checks.uuid(tenant_id, "tenant_id")
    return Operation("create_task_run_artifact", {"input": given}, id_of, Repeat.KEYED, key)


def update_task_run_artifact(task_run_artifact_id: Id, data: Mapping[str, Any]) -> Operation[bool]:
    """Replace an artifact's data; the result is whether it worked."""
    given = {**_which(task_run_artifact_id), "data": checks.json_object(data, "data")}
    return Operation("update_task_run_artifact", {"input": given}, mutated)


def delete_task_run_artifact(task_run_artifact_id: Id) -> Operation[bool]:
    """Delete an artifact; the result is whether it worked."""
    return Operation("delete_task_run_artifact", {"input": _which(task_run_artifact_id)}, mutated)


def _which(task_run_artifact_id: Id) -> dict[str, Any]:
    return {"task_run_artifact_id": checks.uuid(task_run_artifact_id, "task_run_artifact_id")}
