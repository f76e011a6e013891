"""`orchestra flow-run`: what runs, what ran, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.completing import flow_names, project_names
from orchestra_client.cli.flow_run_page import print_page, read_page
from orchestra_client.cli.lookup import check_names, find_flow_run, read_flow_run
from orchestra_client.cli.moments import earlier, span
from orchestra_client.cli.numbers import WholeNumber
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, nothing, print_json, print_list, say, state_style
from orchestra_client.cli.waiting import wait_until_finished
from orchestra_client.cli.watching import follow_log, last, patient, print_log, watch_to_the_end
from orchestra_client.durations import in_words

if TYPE_CHECKING:
    from datetime import timedelta

    from orchestra_client.cli.options import Connect
    from orchestra_client.results import FlowRun

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_COLUMNS = [
    Column("NAME", lambda run: run.name),
    Column("FLOW", lambda run: run.flow_name),
    Column("STATE", lambda run: run.state, state_style),
    Column("SCHEDULED", lambda run: run.scheduled_start_time),
    Column("TOOK", lambda run: in_words(run.duration) if run.duration is not None else None),
    Column("ID", lambda run: run.id),
]


@click.group()
def flow_run() -> None:
    """Look at flow runs, follow their logs, and cancel them."""


def _states(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    from orchestra_client.operations.filters import state_types  # noqa: PLC0415 - only where one is given

    try:
        return given and tuple(state_types(given))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@flow_run.command("list")
@click.option(
    "--flow", type=filled, metavar="NAME", shell_complete=flow_names, help="Runs of the flow of this name."
)
@click.option(
    "--project",
    type=filled,
    metavar="NAME",
    shell_complete=project_names,
    help="Runs of this project's flows.",
)
@click.option("--name", type=filled, metavar="NAME", help="Runs of this name.")
@click.option(
    "--state",
    multiple=True,
    callback=_states,
    metavar="STATE",
    help="Runs in this state, or one below it as TimedOut is below Failed; give it once for each.",
)
@click.option(
    "--label", "labels", multiple=True, type=filled, metavar="LABEL", help="Runs with all of these labels."
)
@click.option(
    "--since",
    type=earlier,
    metavar="WHEN",
    help='Runs that were to start then or later: "1 day" (ago), yesterday, 2026-11-20.',
)
@click.option(
    "--until", type=earlier, metavar="WHEN", help="Runs that were to start before, likewise; or now."
)
@limit_option
@json_option
@connected
def list_flow_runs(
    connect: Connect, *, state: tuple[str, ...], limit: int, as_json: bool, **filters: Any
) -> None:
    """List flow runs, the latest scheduled first.

    Those of the future come before all others; --until now leaves them out.
    """
    since, until = filters["since"], filters["until"]
    if since and until and since >= until:
        raise click.UsageError(f"--since must be before --until, but {since} is not before {until}.")
    labels = filters.pop("labels") or None
    with connect() as client:
        found = client.flow_runs(state=state or None, labels=labels, limit=limit, **filters)
        if not found:
            check_names(client, project=filters["project"], flow=filters["flow"])
    is_filtered = bool(state or labels or any(filters.values()))
    print_list(
        found,
        _COLUMNS,
        limit=limit,
        as_json=as_json,
        none=nothing("flow runs", "`orchestra run FLOW` makes one", is_filtered=is_filtered),
    )


@flow_run.command()
@click.argument("run", type=filled, metavar="RUN")
@json_option
@connected
def show(connect: Connect, *, run: str, as_json: bool) -> None:
    """Show RUN, and why it is not running.

    RUN is an id or a name; of several runs of one name, it is the one that was scheduled last. Its states, its task
    runs, and while it is not finished, what it waits for.
    """
    with connect() as client:
        page = read_page(client, find_flow_run(client, run))
    print_page(page, as_json=as_json)


@flow_run.command()
@click.argument("run", type=filled, metavar="RUN")
@click.option("--follow", "-f", is_flag=True, help="Go on until the run is finished.")
@click.option(
    "--level", type=click.Choice(LEVELS, case_sensitive=False), help="Leave out records below this level."
)
@click.option(
    "--tail", type=WholeNumber(0), metavar="N", help="Only the last N of the records there are now."
)
@click.option("--json", "as_json", is_flag=True, help="Write each record as a line of JSON.")
@connected
def logs(
    connect: Connect, *, run: str, follow: bool, level: str | None, tail: int | None, as_json: bool
) -> None:
    """Write the log of RUN and of its task runs.

    RUN is an id or a name; of several runs of one name, it is the one that was scheduled last. With --follow the exit
    status says nothing of the run's end; `orchestra flow-run watch` does that.
    """
    with connect() as client:
        found = find_flow_run(client, run)
        records = [] if follow else client.get_flow_run_logs(found.id, level)
    if follow:
        follow_log(connect, found.id, min_level=level, tail=tail, as_json=as_json)
        return
    if not records:
        say("There are no such log records.")
    print_log(last(records, tail), as_json=as_json)


@flow_run.command()
@click.argument("run", type=filled, metavar="RUN")
@click.option("--no-logs", is_flag=True, help="Leave the log out.")
@click.option("--timeout", type=span, metavar="DURATION", help='So long at most, as "30 min".')
@json_option
@connected
def watch(connect: Connect, *, run: str, no_logs: bool, timeout: timedelta | None, as_json: bool) -> None:
    """Show what happens to RUN until it is finished.

    RUN is an id or a name; of several runs of one name, it is the one that was scheduled last. The exit status tells its end: 0 for Success, 1 for Failed, Cancelled and the like. Ctrl-C ends the watching, not
    the run. With --json, what happens goes to stderr, and the finished run to stdout.
    """
    with connect() as client:
        found = find_flow_run(client, run)
    watch_to_the_end(connect, found.id, logs=not no_logs, timeout=timeout, as_json=as_json)


@flow_run.command()
@click.argument("runs", type=filled, metavar="RUN...", nargs=-1, required=True)
@click.option("--wait", "does_wait", is_flag=True, help="Wait until all of them are finished.")
@click.option("--timeout", type=span, metavar="DURATION", help='With --wait: so long at most, as "5 min".')
@json_option
@connected
def cancel(
    connect: Connect, *, runs: tuple[str, ...], does_wait: bool, timeout: timedelta | None, as_json: bool
) -> None:
    """Cancel each RUN.

    RUN is an id, or a name that only one run has. What runs is asked to stop, what waits does not begin, and what is
    finished is left as it is. Nothing is cancelled when one of them cannot be found. Ctrl-C and --timeout end the
    waiting, not the cancellation.
    """
    if timeout is not None and not does_wait:
        raise click.UsageError("--timeout belongs to --wait.")
    with connect() as client:
        found = {run.id: run for run in (find_flow_run(client, each, changes=True) for each in runs)}
        for run_id in found:
            client.cancel_flow_run(run_id)
    with patient(connect) if does_wait else connect() as client:
        if does_wait:
            wait_until_finished(client, list(found.values()), timeout)
        now = [read_flow_run(client, run_id) for run_id in found]
    for run in filter(None, now):
        say(f"The flow run {run.name} is {run.state}{_told(found[run.id], run)}.")
    if as_json:
        print_json(now)


def _told(before: FlowRun, now: FlowRun) -> str:
    if now.state == before.state:
        return " as before"
    return ", until it has stopped" if now.state == "Cancelling" else ""


@flow_run.command()
@click.argument("run", type=filled, metavar="RUN")
@connected
def start(connect: Connect, *, run: str) -> None:
    """Let RUN begin now: one that waits for its time or a retry, or is paused.

    RUN is an id, or a name that only one run has. Which agent takes it is decided by its labels, as ever.
    """
    from orchestra_client.states import Paused, Resume, Scheduled  # noqa: PLC0415 - slow to import

    with connect() as client:
        found = find_flow_run(client, run, changes=True)
        now = client.get_flow_run_info(found.id)
        if not now.state.is_pending():
            raise click.ClickException(
                f"The flow run {found.name} is {now.state.type_name}; only one that waits can begin now."
            )
        told = "Somebody let it begin now."
        state = Resume(told) if isinstance(now.state, Paused) else Scheduled(told)
        # With the version, so that a run that an agent takes at this moment is left to it.
        client.set_flow_run_state(found.id, now.version, state)
    say(f"The flow run {found.name} is due now.")


@flow_run.command()
@click.argument("run", type=filled, metavar="RUN")
@click.argument("name", type=filled, metavar="NAME")
@connected
def rename(connect: Connect, *, run: str, name: str) -> None:
    """Call RUN by another NAME.

    RUN is an id, or a name that only one run has.
    """
    with connect() as client:
        found = find_flow_run(client, run, changes=True)
        client.set_flow_run_name(found.id, name)
    say(f"The flow run {found.name} is {name} now.")
