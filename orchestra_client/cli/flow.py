"""`orchestra flow`: the flows that are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra_client.cli.completing import flow_names, project_names
from orchestra_client.cli.flow_page import print_page, read_page, schedule_text
from orchestra_client.cli.lookup import check_names, find_flow, flow_title
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, nothing, print_list, say
from orchestra_client.cli.prompts import confirm

if TYPE_CHECKING:
    from orchestra_client.cli.options import Connect

project_option = click.option(
    "--project",
    type=filled,
    metavar="NAME",
    shell_complete=project_names,
    help="The flow's project.  [default: any]",
)


_COLUMNS = [
    Column("NAME", lambda flow: flow.name),
    Column("PROJECT", lambda flow: flow.project),
    Column("VERSION", lambda flow: flow.version),
    Column("SCHEDULE", lambda flow: schedule_text(flow.schedule, is_active=flow.is_schedule_active)),
    Column("LABELS", lambda flow: flow.labels),
    Column("ID", lambda flow: flow.id),
]


@click.group()
def flow() -> None:
    """Look at flows, and retire them."""


@flow.command("list")
@click.option("--name", type=filled, metavar="NAME", help="Flows of this name.")
@project_option
@click.option("--archived", "is_archived", is_flag=True, help="Versions that are archived, instead.")
@limit_option
@json_option
@connected
def list_flows(
    connect: Connect, *, name: str | None, project: str | None, is_archived: bool, limit: int, as_json: bool
) -> None:
    """List the current version of each flow, by name."""
    with connect() as client:
        found = client.flows(name=name, project=project, is_archived=is_archived, limit=limit)
        if not found:
            check_names(client, project=project)
    is_filtered = bool(name or project or is_archived)
    none = nothing(
        "flows", "`orchestra register --project NAME PATH` registers some", is_filtered=is_filtered
    )
    print_list(found, _COLUMNS, limit=limit, as_json=as_json, none=none)


@flow.command()
@click.argument("flow", type=filled, metavar="FLOW", shell_complete=flow_names)
@project_option
@json_option
@connected
def show(connect: Connect, *, flow: str, project: str | None, as_json: bool) -> None:
    """Show FLOW with what belongs to it.

    FLOW is a name, an id or a version group. Parameters with their defaults, schedule, tasks, versions, and of all
    versions the runs that are next and the latest.
    """
    with connect() as client:
        page = read_page(client, find_flow(client, flow, project))
    print_page(page, as_json=as_json)


@flow.command()
@click.argument("flow", type=filled, metavar="FLOW", shell_complete=flow_names)
@project_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def archive(connect: Connect, *, flow: str, project: str | None, yes: bool) -> None:
    """Take FLOW out of use.

    It gets no more runs; those that its schedule made and that have not begun are deleted, other Scheduled ones cancelled.
    FLOW is a name or a version group for the current version, or the id of one. Registering the flow again makes a new
    version.
    """
    with connect() as client:
        found = find_flow(client, flow, project)
        if found.is_archived:
            say(f"{flow_title(found)} is archived already.")
            return
        confirm(f"Archive {flow_title(found)}, and cancel or delete its scheduled runs?", is_confirmed=yes)
        client.archive_flow(found.id)
    say(f"Archived {flow_title(found)}.")
