"""Projects: creating, listing and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations import projects as operations
from orchestra_client.procedures import projects

if TYPE_CHECKING:
    from orchestra_client.records import Records
    from orchestra_client.results import Project

__all__ = ["AsyncProjects"]


class AsyncProjects(AsyncPart):
    """The client's methods for projects."""

    async def create_project(self, project_name: str, project_description: str | None = None) -> str:
        """Create a project, unless there is one of that name.

        Args:
            project_name: not empty.
            project_description: for people; that of an existing project stays as it is.

        Returns:
            The id of the new or the existing project.

        Raises:
            BadInput: the name is empty.
            ClientError: the API refused it.
        """
        creation = operations.create_project(
            project_name, project_description, self._session.tenant_id, key=self._session.new_id()
        )
        return await self._run(projects.create_project(creation, project_name))

    async def delete_project(self, project_name: str) -> bool:
        """Delete a project with all its flows and their runs.

        Args:
            project_name: the project's name.

        Returns:
            Whether it is gone.

        Raises:
            NotFound: there is no project of that name in this tenant.
        """
        return await self._run(projects.delete_project(project_name))

    async def projects(
        self, *, name: str | None = None, limit: int = 100, offset: int = 0
    ) -> Records[Project]:
        """List projects.

        Args:
            name: of the one to find; unset means all.
            limit: how many at most, from 1 to 10000; `is_whole` of the result tells whether there are more.
            offset: how many to leave out first.

        Returns:
            The projects in the order of their names, each with its description and the number of its flows.

        Raises:
            BadInput: a filter makes no sense. Nothing was sent. Also a ValueError.
        """
        return await self._execute(operations.list_projects(name=name, limit=limit, offset=offset))
