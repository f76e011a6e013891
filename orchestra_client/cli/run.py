"""`orchestra run`: making a flow run, and watching it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.completing import flow_names, project_names
from orchestra_client.cli.hints import agent_start
from orchestra_client.cli.lookup import find_flow, flow_title, is_id_of, read_flow_run
from orchestra_client.cli.moments import later, span
from orchestra_client.cli.options import connected, filled, json_option
from orchestra_client.cli.output import print_json, say
from orchestra_client.cli.parameters import misfits, read_pairs, read_parameter_file, text_of
from orchestra_client.cli.watching import watch_to_the_end
from orchestra_client.errors import BadInput, OrchestraError
from orchestra_client.operations.paging import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import TextIO

    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import FlowVersion

_RUNS_OF_KEY = "query RunsOfKey($key: String!) { flow_run(where: { idempotency_key: { _eq: $key } }) { id } }"
_PARAMETERS = """query Parameters($id: UUID!) {
  flow(where: { id: { _eq: $id } }) { parameters flow_group { default_parameters } }
}"""


@click.command()
@click.argument("flow", metavar="FLOW", type=filled, shell_complete=flow_names)
@click.option(
    "--project",
    type=filled,
    metavar="NAME",
    shell_complete=project_names,
    help="The flow's project, where several flows have the name.",
)
@click.option(
    "--param",
    "-p",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help='A parameter; give it once for each. VALUE is JSON where it reads as JSON, else text: 3 is a number, "3" a text.',
)
@click.option(
    "--param-file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="A JSON object of parameters; - is stdin. --param wins over it.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=filled,
    metavar="LABEL",
    help="Agents with all labels take the run; give it once for each.  [default: the flow's]",
)
@click.option("--name", type=filled, metavar="NAME", help="The run's name.  [default: a made-up one]")
@click.option(
    "--at",
    type=later,
    metavar="WHEN",
    help='When to start: "2 hours", "tomorrow 08:00", 2026-11-21T08:00+01:00.  [default: now]',
)
@click.option(
    "--idempotency-key",
    type=filled,
    metavar="KEY",
    help="With a key that the flow has seen, its run is told and none is made.",
)
@click.option(
    "--watch", "does_watch", is_flag=True, help="Show states, progress and log until the run is finished."
)
@click.option("--no-logs", is_flag=True, help="With --watch: leave the log out.")
@click.option("--timeout", type=span, metavar="DURATION", help='With --watch: so long at most, as "30 min".')
@json_option
@connected
def run(
    connect: Connect,
    *,
    flow: str,
    project: str | None,
    pairs: tuple[str, ...],
    param_file: TextIO | None,
    does_watch: bool,
    no_logs: bool,
    timeout: timedelta | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Make a run of FLOW, and write its id.

    FLOW is a name or a version group for the current version of a flow, or the id of one version.

    With --watch it writes what happens instead, and the exit status tells the run's end: 0 for Success, 1 for Failed,
    Cancelled and the like. Ctrl-C ends the watching, not the run. With --json, too, what happens goes to stderr, and
    the finished run to stdout.
    """
    if not does_watch and (no_logs or timeout is not None):
        raise click.UsageError("--no-logs and --timeout belong to --watch.")
    parameters = _parameters(pairs, param_file)
    with connect() as client:
        found = find_flow(client, flow, project)
        known = _runs_of_key(client, options["idempotency_key"])
        run_id = _create(client, found, is_exact=is_id_of(flow, found), parameters=parameters, **options)
        has_own_line = not (does_watch or as_json)
        say(_created(found, None if has_own_line else run_id, is_new=run_id not in known, at=options["at"]))
        if has_own_line:
            click.echo(run_id)
        _warn_without_agent(client, run_id)
        if as_json and not does_watch:
            print_json(read_flow_run(client, run_id))
    if does_watch:
        watch_to_the_end(connect, run_id, logs=not no_logs, timeout=timeout, as_json=as_json)


def _parameters(pairs: Sequence[str], file: TextIO | None) -> dict[str, Any]:
    given = read_pairs(pairs)
    return read_parameter_file(file.name, text_of(file)) | given if file else given


def _create(
    client: Client,
    flow: FlowVersion,
    *,
    is_exact: bool,
    parameters: dict[str, Any],
    labels: tuple[str, ...],
    name: str | None,
    at: datetime | None,
    idempotency_key: str | None,
) -> str:
    # By its group, the current version is run even if one is registered right now, and a repeat finds its key's run
    # of an earlier version.
    by_group = not is_exact and not flow.is_archived
    try:
        return client.create_flow_run(
            flow_id=None if by_group and flow.version_group_id else flow.id,
            version_group_id=flow.version_group_id if by_group else None,
            parameters=parameters or None,
            labels=labels or None,
            run_name=name,
            scheduled_start_time=at,
            idempotency_key=idempotency_key,
        )
    except BadInput:
        declared, defaults = _declared(client, flow)
        if wrong := misfits(declared, defaults, parameters):
            raise click.UsageError(f"{wrong}\n`orchestra flow show {flow.id}` tells more of them.") from None
        raise


def _declared(client: Client, flow: FlowVersion) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]]:
    """A flow's parameters, and the values that its group has for them."""
    rows = client.graphql(_PARAMETERS, variables={"id": flow.id}).data.to_dict()["flow"]
    of_group = rows[0]["flow_group"] if rows else None
    return (rows[0]["parameters"] or () if rows else ()), (of_group or {}).get("default_parameters") or {}


def _runs_of_key(client: Client, key: str | None) -> set[str]:
    """The runs that were made with an idempotency key before."""
    if key is None:
        return set()
    return {row["id"] for row in client.graphql(_RUNS_OF_KEY, variables={"key": key}).data.flow_run}


def _created(flow: FlowVersion, run_id: str | None, *, is_new: bool, at: datetime | None) -> str:
    """What was done."""
    run = f"flow run {run_id}" if run_id else "flow run"
    if not is_new:
        return f"There is the {run} of {flow_title(flow)} with this key already; none was made."
    made = f"Created {'the' if run_id else 'a'} {run}"
    start = f"; it starts at {at.isoformat(timespec='seconds')}" if at else ""
    return f"{made} of {flow_title(flow)}{start}."


def _warn_without_agent(client: Client, run_id: str) -> None:
    try:
        run, agents = read_flow_run(client, run_id), client.agents(is_active=True, limit=MAX_LIMIT)
    except OrchestraError:
        return  # The run is made. That nobody knows of agents must not make it look otherwise.
    if run and run.state == "Scheduled" and not any(_takes(agent.labels, run.labels) for agent in agents):
        say(f"No agent would take it now; `{agent_start(client, run.labels)}` starts one.")


def _takes(agents: Sequence[str], runs: Sequence[str]) -> bool:
    # An agent with labels leaves alone what has none.
    return set(runs) <= set(agents) and bool(runs) == bool(agents)
