# Generated from orchestra_client/_async/projects.py by tools/generate.py: do not edit.
"""Projects: creating and deleting them."""

from __future__ import annotations

from orchestra_client._sync.base import Part
from orchestra_client.operations import projects as operations
from orchestra_client.procedures import projects

__all__ = ["Projects"]


class Projects(Part):
    """The client's methods for projects."""

    def create_project(self, project_name: str, project_description: str | None = None) -> str:
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
        return self._run(projects.create_project(creation, project_name))

    def delete_project(self, project_name: str) -> bool:
        """Delete a project with all its flows and their runs.

        Args:
            project_name: the project's name.

        Returns:
            Whether it is gone.

        Raises:
            NotFound: there is no project of that name in this tenant.
        """
        return self._run(projects.delete_project(project_name))
