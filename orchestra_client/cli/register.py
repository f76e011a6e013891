"""`orchestra register`: registering flows, from CI or while they are written."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.completing import project_names
from orchestra_client.cli.options import connected, filled, json_option
from orchestra_client.cli.output import say
from orchestra_client.cli.progress import progress_bar
from orchestra_client.cli.prompts import confirm
from orchestra_client.cli.streams import keep_stdout_clean
from orchestra_client.cli.terminal import can_ask, is_watched
from orchestra_client.errors import OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.cli.options import Connect
    from orchestra_client.cli.registering import Registration
    from orchestra_client.cli.registration_report import Report, Row
    from orchestra_client.client import Client
    from orchestra_client.config import ServerChoice
    from orchestra_client.flows.discovery import Discovery

    Show = Callable[[str, int, int], None]


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-m",
    "--module",
    "modules",
    multiple=True,
    type=filled,
    metavar="MODULE",
    help="A module, or a package with all modules in it; give it once for each.",
)
@click.option(
    "--project",
    required=True,
    type=filled,
    metavar="NAME",
    shell_complete=project_names,
    help="Register in this project.",
)
@click.option("--create-project", is_flag=True, help="Create the project if there is none.")
@click.option("--plan", "is_plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--atomic", is_flag=True, help="Do all of it or nothing.")
@click.option("--prune", is_flag=True, help="Archive the project's other flows.")
@click.option("--force", is_flag=True, help="Make new versions of flows that have not changed, too.")
@click.option("--no-schedule", is_flag=True, help="Let the schedules of new versions make no runs.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=filled,
    metavar="LABEL",
    help="A label that the runs need besides the flows' own; give it once for each.",
)
@click.option("--yes", is_flag=True, help="Do not ask before flows are archived.")
@click.option("--watch", is_flag=True, help="Register again whenever a file is saved, until Ctrl-C.")
@json_option
@connected
def register(
    connect: Connect,
    *,
    paths: tuple[Path, ...],
    modules: tuple[str, ...],
    watch: bool,
    as_json: bool,
    prune: bool,
    yes: bool,
    force: bool,
    labels: tuple[str, ...],
    **options: Any,
) -> None:
    """Register the flows in files, directories and modules: those that have changed.

    A file may have several flows. All Python files in a directory count. Files are run, so keep what is only for
    running them behind `if __name__ == "__main__":`. JSON files with serialized flows can be given, too.
    """
    if not paths and not modules:
        raise click.UsageError("Say which flows: PATH, or -m MODULE.")
    if watch:
        _watch(paths, modules, as_json=as_json)
        return
    compared = {"prune": prune, "force": force, "labels": labels}
    server = _server(is_plan=options["is_plan"])
    with ExitStack() as opened:
        # Before any of the users' code runs: that may change what a server, tenant or credential is found by. A store
        # of one's own is found by the environment alone, which is put back; it is not made before there is a flow.
        client = None if server.is_embedded else opened.enter_context(connect())
        with progress_bar() as show, keep_stdout_clean():
            found = _discover(paths, modules, show)
        client = client or opened.enter_context(connect())
        if prune and not (yes or options["is_plan"] or found.faults or found.imported):
            _confirm_archiving(client, found, project=options["project"], compared=compared)
        with progress_bar() as show:
            report = _report(client, found, show, as_json=as_json, compared=compared, **options)
    _tell(report, as_json=as_json)


def _confirm_archiving(client: Client, found: Discovery, *, project: str, compared: dict[str, Any]) -> None:
    """Name to a person the flows that would be archived; a program has said --prune, and means it."""
    if not can_ask() or not client.projects(name=project):
        return
    planned = client.plan_registration([each.flow for each in found.flows], project, **compared)
    names = [change.name for change in planned.of("archived")]
    if names:
        flows = "the flow" if len(names) == 1 else f"{len(names)} flows"
        confirm(f"Archive {flows} that {project} has besides: {', '.join(names)}?", is_confirmed=False)


def _server(*, is_plan: bool) -> ServerChoice:
    """The server that is meant. Not, for a plan, a file that is not there: opening it would make it."""
    from orchestra_client.auth.resolution import resolve_login  # noqa: PLC0415 - slow

    server = resolve_login(click.get_current_context().params.get("api_server"), None, os.environ).server
    file = server.url.removeprefix("sqlite:///")
    if is_plan and file != server.url and not Path(file).exists():
        raise click.UsageError(
            f"There is no store {file} yet, and a plan makes none. Say which server with --api-server, or register "
            "without --plan, which makes it."
        )
    return server


def _watch(paths: tuple[Path, ...], modules: tuple[str, ...], *, as_json: bool) -> None:
    from orchestra_client.cli.on_save import directories_of, run_on_save  # noqa: PLC0415 - rarely needed

    if as_json:
        raise click.UsageError("--watch has no end, and --json is one document; leave one out.")
    directories = directories_of(paths, modules)
    words = list(sys.argv[1:])
    words.remove("--watch")
    run_on_save(words, directories)


def _discover(paths: tuple[Path, ...], modules: tuple[str, ...], show: Show) -> Discovery:
    from orchestra_client.cli.registration_report import (  # noqa: PLC0415 - slow
        tell_companions,
        tell_faults,
        tell_imported,
    )
    from orchestra_client.flows.discovery import discover  # noqa: PLC0415 - as above

    try:
        found = discover(
            paths, modules, on_source=lambda source, done, total: show(f"Loading {source}", done, total)
        )
    except ModuleNotFoundError as error:
        raise click.UsageError(f"There is no module {error.name!r}.") from None
    tell_imported(found.imported)
    if not found.flows and not found.faults:
        raise click.UsageError(f"There is no flow in {', '.join([*map(str, paths), *modules])}.")
    named = {*map(str, paths), *modules}
    told = [*(each.source for each in found.flows), *(each.source for each in found.faults)]
    for source in found.empty:
        # A package may have its flows in modules of its own.
        if source in named and not any(each.startswith(f"{source}.") for each in told):
            say(f"{source}: there is no flow at its top level.")
    tell_faults(found.faults)
    tell_companions(found.companions)
    return found


def _report(
    client: Client, found: Discovery, show: Show, *, project: str, is_plan: bool, **options: Any
) -> Report:
    """Do it, or tell what would be done."""
    from orchestra_client.cli.github import annotate_failure  # noqa: PLC0415 - slow
    from orchestra_client.cli.registration_report import Report, where_of  # noqa: PLC0415 - as above

    registration = _registration(found, show, project=project, is_plan=is_plan, **options)
    rows: tuple[Row, ...] = ()
    try:
        if registration is not None:
            rows = registration.plan(client) if is_plan else registration.register(client)
    except OrchestraError as error:
        annotate_failure(error)
        raise
    return Report(project, is_plan, rows, found.faults, where_of(client))


def _registration(
    found: Discovery, show: Show, *, is_plan: bool, as_json: bool, compared: dict[str, Any], **options: Any
) -> Registration | None:
    """What is left to do, after flows that could not be loaded; None for nothing."""
    from orchestra_client.cli.registering import Registration  # noqa: PLC0415 - slow
    from orchestra_client.cli.registration_report import print_line  # noqa: PLC0415 - as above

    if not found.flows:
        return None
    if found.faults and options["atomic"] and not is_plan:
        say("Nothing was registered, because not every flow could be loaded.")
        return None
    if found.faults and compared["prune"]:
        # The flows of a file that could not be loaded would be archived.
        say("Nothing is archived, because not every flow could be loaded.")
        compared = {**compared, "prune": False}
    elif found.imported and compared["prune"]:
        # These would be, though they seem to be wanted.
        say(
            "Nothing is archived, because flows are imported from files that were not given; give those, too."
        )
        compared = {**compared, "prune": False}

    def on_flow(row: Row, done: int, total: int) -> None:
        show(f"Registering {row.name}", done, total)
        if not as_json and not is_watched():
            print_line(row)

    return Registration(found.flows, compared=compared, on_flow=on_flow, **options)


def _tell(report: Report, *, as_json: bool) -> None:
    from orchestra_client.cli.github import annotate, summarize  # noqa: PLC0415 - as above
    from orchestra_client.cli.registration_report import print_report  # noqa: PLC0415 - as above

    print_report(report, as_json=as_json)
    annotate(report)
    summarize(report)
    if report.has_failures:
        sys.exit(1)
