"""Projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from orchestra_client.errors import UniquenessViolation
from orchestra_client.server import checks
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("create_project", creates=True)
def create_project(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A project of a name that the tenant does not have yet."""
    checks.own_tenant(session, input)
    name = checks.name(input["name"], "project's name")
    projects = session.views["project"]
    if session.first(select(projects.c.id).where(projects.c.name == name)):
        raise UniquenessViolation("Uniqueness violation.")
    [project_id] = session.insert("project", {"name": name, "description": input.get("description")})
    return {"id": project_id}


@mutation("delete_project")
def delete_project(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A project with its flows and their runs."""
    session.require("project", input["project_id"], lock=True)
    session.delete("project", [input["project_id"]])
    return {"success": True}
