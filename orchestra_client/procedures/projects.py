"""Projects by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import ClientError, NotFound
from orchestra_client.operations import projects
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from orchestra_client.operation import Operation, Procedure
    from orchestra_client.results import Project

__all__ = ["create_project", "delete_project"]


def create_project(creation: Operation[str], name: str) -> Procedure[str]:
    """Create a project, or find the one of that name.

    Args:
        creation: creates it.
        name: the project's.

    Returns:
        The id of the new or the existing project.
    """
    try:
        project_id: str = yield creation
    except ClientError:
        # Older servers give a taken name no code of its own, so whether it is taken is asked.
        existing: Project | None = yield projects.find_project(name)
        if existing is None:
            raise
        return existing.id
    return project_id


def delete_project(name: str) -> Procedure[bool]:
    """Delete the project of a name, with its flows and runs.

    Raises:
        NotFound: there is none.
    """
    project: Project | None = yield projects.find_project(name)
    if project is None:
        raise NotFound(f"there is no project {name!r} in this tenant", operation="delete_project")
    return (yield from delete(projects.delete_project(project.id)))
