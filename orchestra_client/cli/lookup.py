"""Finding the flow or flow run that somebody names on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import click

from orchestra_client.cli.output import in_one_line, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.client import Client
    from orchestra_client.results import FlowRun, FlowVersion

__all__ = [
    "check_names",
    "find_flow",
    "find_flow_run",
    "flow_title",
    "is_id_of",
    "read_flow_run",
    "versioned",
]

_MOST = 10
"""So many candidates are named at most."""


def find_flow(client: Client, wanted: str, project: str | None = None) -> FlowVersion:
    """Find a flow.

    Args:
        client: of the flow's tenant.
        wanted: the id of one version; or the name of a flow, or its version group, for the current version.
        project: the project's name; None means any.

    Returns:
        The flow; archived only when its own id was given, or when all versions are.

    Raises:
        click.ClickException: there is none, or several are called so.
    """
    if is_id(wanted) and (found := client.flows(flow_id=wanted, project=project, is_archived=None)):
        return found[0]
    found = client.flows(name=wanted, project=project, limit=_MOST)
    found = found or client.flows(version_group_id=wanted, project=project, limit=_MOST)
    if not found:
        return _archived(client, wanted, project)
    if len(found) > 1:
        raise _several(f"flows are called {wanted!r}", "an id, or --project", map(_flow_line, found))
    return found[0]


def _archived(client: Client, wanted: str, project: str | None) -> FlowVersion:
    """The newest of what is out of use."""
    found = client.flows(name=wanted, project=project, is_archived=True)
    found = found or client.flows(version_group_id=wanted, project=project, is_archived=True)
    if not found:
        where = f" in the project {project!r}" if project else ""
        raise click.ClickException(
            f"No flow{where} has the name, id or version group {wanted!r}. `orchestra flow list` shows those there are."
        )
    return max(found, key=lambda flow: flow.version)


def find_flow_run(client: Client, wanted: str, *, changes: bool = False) -> FlowRun:
    """Find a flow run.

    Args:
        client: of the run's tenant.
        wanted: its id or its name. Of several that are called so, it is the one that was scheduled last.
        changes: whether something is done to it; then several of one name are an error.

    Raises:
        click.ClickException: there is none, or several to choose from.
    """
    if is_id(wanted) and (run := read_flow_run(client, wanted)):
        return run
    found = client.flow_runs(name=wanted, limit=_MOST)
    if not found:
        raise click.ClickException(
            f"No flow run has the name or id {wanted!r}. `orchestra flow-run list` shows those there are."
        )
    if len(found) > 1:
        if changes:
            raise _several(f"flow runs are called {wanted!r}", "an id", map(_run_line, found))
        say(f"Several flow runs are called {wanted!r}; this is the latest.")
    return found[0]


def check_names(client: Client, *, project: str | None = None, flow: str | None = None) -> None:
    """Tell a list that is empty because of a typo from one that is just empty.

    Args:
        client: of the tenant.
        project: a project's name that was given as a filter.
        flow: a flow's name, likewise.

    Raises:
        click.ClickException: there is no such project, or no such flow in it.
    """
    if project is not None and not client.projects(name=project):
        raise click.ClickException(
            f"There is no project {project!r}. `orchestra project list` shows those there are."
        )
    if flow is None:
        return
    if not any(client.flows(name=flow, project=project, is_archived=each, limit=1) for each in (False, True)):
        where = f" in the project {project!r}" if project else ""
        raise click.ClickException(
            f"There is no flow {flow!r}{where}. `orchestra flow list` shows those there are."
        )


def read_flow_run(client: Client, flow_run_id: str) -> FlowRun | None:
    """Read a flow run by its id; None when there is none."""
    found = client.flow_runs(flow_run_id=flow_run_id)
    return found[0] if found else None


def is_id(text: str) -> bool:
    """Whether a text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def is_id_of(text: str, flow: FlowVersion) -> bool:
    """Whether a text names just this version of a flow."""
    return is_id(text) and UUID(text) == UUID(flow.id)


def flow_title(flow: FlowVersion) -> str:
    """Which flow it is, for people: ``orders (project shop, version 3)``."""
    return versioned(flow.name, flow.project, flow.version)


def versioned(name: str | None, project: str | None, version: int | None) -> str:
    """A version of a flow, for people."""
    where = f"project {project}, " if project else ""
    return f"{name} ({where}version {version})"


def _flow_line(flow: FlowVersion) -> str:
    return f"{flow.id}  {flow_title(flow)}"


def _run_line(run: FlowRun) -> str:
    return f"{run.id}  {run.flow_name}, {run.state}, scheduled for {run.scheduled_start_time}"


def _several(what: str, instead: str, candidates: Iterable[str]) -> click.ClickException:
    lines = [f"Several {what}; say which by {instead}:", *map(in_one_line, candidates)]
    return click.ClickException("\n  ".join(lines))
