"""`orchestra project`: named groups of flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra_client.cli.completing import project_names
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, nothing, print_json, print_list, say
from orchestra_client.cli.prompts import confirm
from orchestra_client.errors import NotFound

if TYPE_CHECKING:
    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import Project

_COLUMNS = (
    Column("NAME", lambda project: project.name),
    Column("FLOWS", lambda project: project.flow_count),
    Column("DESCRIPTION", lambda project: project.description),
    Column("ID", lambda project: project.id),
)

# Versions of one flow share a flow group.
_CONTENT = """
query content($project_id: UUID!) {
  flow_aggregate(where: { project_id: { _eq: $project_id } }) {
    aggregate { count(columns: flow_group_id, distinct: true) }
  }
  flow_run_aggregate(where: { flow: { project_id: { _eq: $project_id } } }) { aggregate { count } }
}
"""


@click.group()
def project() -> None:
    """See, make and delete projects."""


@project.command("list")
@click.option("--name", type=filled, metavar="NAME", help="Only the project of this name.")
@limit_option
@json_option
@connected
def list_projects(connect: Connect, *, name: str | None, limit: int, as_json: bool) -> None:
    """List projects, each with the number of its flows."""
    with connect() as client:
        found = client.projects(name=name, limit=limit)
    print_list(
        found,
        _COLUMNS,
        limit=limit,
        as_json=as_json,
        none=nothing("projects", "`orchestra project create NAME` makes one", is_filtered=bool(name)),
    )


@project.command()
@click.argument("name", type=filled)
@click.option("--description", help="What it is for.")
@json_option
@connected
def create(connect: Connect, *, name: str, description: str | None, as_json: bool) -> None:
    """Make a project called NAME, unless there is one, and print its id."""
    with connect() as client:
        is_there = bool(client.projects(name=name))
        project_id = client.create_project(name, description)
    say(f"There is a project '{name}' already." if is_there else f"Created the project '{name}'.")
    if as_json:
        print_json({"id": project_id, "name": name, "is_new": not is_there})
    else:
        click.echo(project_id)


@project.command()
@click.argument("name", type=filled, shell_complete=project_names)
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete(connect: Connect, *, name: str, yes: bool) -> None:
    """Delete the project NAME with all its flows and their runs, for good."""
    with connect() as client:
        found = client.projects(name=name)
        if not found:
            raise NotFound(f"There is no project {name!r} in this tenant.")
        content = _content(client, found[0])
        confirm(f"Delete the project '{name}' with {content}?", is_confirmed=yes)
        client.delete_project(name)
    say(f"Deleted the project '{name}' with {content}.")


def _content(client: Client, found: Project) -> str:
    counted = client.graphql(_CONTENT, variables={"project_id": found.id}).data
    flows = counted.flow_aggregate.aggregate["count"]
    runs = counted.flow_run_aggregate.aggregate["count"]
    return f"{flows} flow{'' if flows == 1 else 's'} and {runs} flow run{'' if runs == 1 else 's'}"
