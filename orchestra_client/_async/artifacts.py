"""Artifacts: what a task run shows to people, a link or a piece of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._async.base import AsyncPart
from orchestra_client.errors import Unsuccessful
from orchestra_client.operations import artifacts
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operations.checks import Id

__all__ = ["AsyncArtifacts"]


class AsyncArtifacts(AsyncPart):
    """The client's methods for artifacts."""

    async def create_task_run_artifact(
        self, task_run_id: Id, kind: str, data: Mapping[str, Any], tenant_id: Id | None = None
    ) -> str:
        """Attach an artifact to a task run. A lost answer never attaches it twice.

        Args:
            task_run_id: the task run.
            kind: ``link`` or ``markdown``, or what else shows it.
            data: what is shown, as the kind wants it; a JSON object.
            tenant_id: the run's tenant; unset means the one you are in.

        Returns:
            The id of the artifact.

        Raises:
            NotFound: there is no such task run in this tenant.
            BadInput: an id is no UUID, the kind is empty, or the data is not JSON. Also a ValueError.
        """
        key = self._session.new_id()
        return await self._execute(
            artifacts.create_task_run_artifact(task_run_id, kind, data, tenant_id, key=key)
        )

    async def update_task_run_artifact(self, task_run_artifact_id: Id, data: Mapping[str, Any]) -> None:
        """Replace what an artifact shows.

        Args:
            task_run_artifact_id: the artifact.
            data: what is shown from now on; a JSON object.

        Raises:
            NotFound: there is no such artifact in this tenant.
            BadInput: the id is no UUID, or the data is not JSON. Also a ValueError.
        """
        if not await self._execute(artifacts.update_task_run_artifact(task_run_artifact_id, data)):
            raise Unsuccessful(f"the artifact {task_run_artifact_id} was not changed")

    async def delete_task_run_artifact(self, task_run_artifact_id: Id) -> None:
        """Delete an artifact.

        Args:
            task_run_artifact_id: the artifact.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such artifact in this tenant.
        """
        if not await self._run(delete(artifacts.delete_task_run_artifact(task_run_artifact_id))):
            raise Unsuccessful(f"the artifact {task_run_artifact_id} was not deleted")
