"""Projects: named groups of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks, filters
from orchestra_client.operations.answers import id_of, mutated
from orchestra_client.operations.paging import page
from orchestra_client.results import Project

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records

__all__ = ["create_project", "delete_project", "find_project", "list_projects"]


def create_project(name: str, description: str | None, tenant_id: str | None, *, key: str) -> Operation[str]:
    """Create a project; the result is its id.

    Args:
        name: unique in the tenant.
        description: for people.
        tenant_id: of the session, when there is one.
        key: the same for every repeat of this call.
    """
    given: dict[str, Any] = {"name": checks.filled(name, "project_name"), "description": description}
    if tenant_id is not None:
        given["tenant_id"] = tenant_id
    checks.json_value(description, "project_description")
    # A repeat makes no second project, whatever the server: names are unique.
    return Operation("create_project", {"input": given}, id_of, Repeat.SAFE, key)


def delete_project(project_id: Id) -> Operation[bool]:
    """Delete a project with its flows and runs; the result is whether it worked."""
    given = {"project_id": checks.uuid(project_id, "project_id")}
    return Operation("delete_project", {"input": given}, mutated)


def find_project(name: str) -> Operation[Project | None]:
    """Look a project up by its name."""
    where = {"name": {"_eq": checks.filled(name, "project_name")}}
    return Operation(
        "find_project",
        {"where": where},
        lambda rows: Project(rows[0]["id"], rows[0]["name"]) if rows else None,
    )


def list_projects(*, name: str | None, limit: int, offset: int) -> Operation[Records[Project]]:
    """Read projects by name, with how many flows are current in each."""
    wanted = filters.where({"name": filters.text(name, "name")})
    rows_wanted = page(limit, offset)
    variables = {"where": wanted, **rows_wanted.variables}
    return Operation("list_projects", variables, lambda rows: rows_wanted.read(rows, _project, Project))


def _project(row: dict[str, Any]) -> Project:
    flow_count = row["flows_aggregate"]["aggregate"]["count"]
    return Project(row["id"], row["name"], row["description"], flow_count)
