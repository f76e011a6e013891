"""`orchestra agent`: running what is due."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal

import click

from orchestra_client.cli.numbers import WholeNumber
from orchestra_client.cli.options import (
    API_SERVER,
    api_server_option,
    connected,
    filled,
    json_option,
    limit_option,
    tenant_of,
    tenant_option,
)
from orchestra_client.cli.output import Column, nothing, print_list
from orchestra_client.cli.processes import log_to_stderr

if TYPE_CHECKING:
    from types import FrameType

    from orchestra_client.cli.options import Connect

LogLevel = Literal["debug", "info", "warning", "error"]


_COLUMNS = [
    Column("NAME", lambda agent: agent.name),
    Column("TYPE", lambda agent: agent.type),
    Column("LABELS", lambda agent: agent.labels),
    Column("LAST ASKED", lambda agent: agent.last_queried),
    Column(
        "STATE",
        lambda agent: "active" if agent.is_active else "silent",
        {"active": "green", "silent": "red"}.get,
    ),
    Column("ID", lambda agent: agent.id),
]


@click.group()
def agent() -> None:
    """Run what is due."""


@agent.command("list")
@click.option(
    "--active/--silent", "is_active", default=None, help="Only those that asked for runs lately, or did not."
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=filled,
    metavar="LABEL",
    help="Only those that have it; give it once for each.",
)
@click.option("--name", type=filled, metavar="NAME", help="Only those of this name.")
@limit_option
@json_option
@connected
def list_agents(
    connect: Connect,
    *,
    is_active: bool | None,
    labels: tuple[str, ...],
    name: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List agents: what they are called, which runs they take, and whether they still ask for any.

    An agent is silent when it has not asked for a minute. One that was started again is listed anew.
    """
    with connect() as client:
        found = client.agents(is_active=is_active, labels=labels or None, name=name, limit=limit)
    is_filtered = bool(is_active is not None or labels or name)
    print_list(
        found,
        _COLUMNS,
        limit=limit,
        as_json=as_json,
        none=nothing("agents", "`orchestra agent start` starts one", is_filtered=is_filtered),
    )


def _address(text: str) -> str:
    from orchestra_client.agent.health import parse_address  # noqa: PLC0415 - only where one is given
    from orchestra_client.errors import ConfigurationError  # noqa: PLC0415 - as above

    try:
        parse_address(filled(text))
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None
    return text


@agent.command()
@click.option(
    "--name",
    type=filled,
    metavar="NAME",
    envvar="ORCHESTRA_AGENT_NAME",
    show_envvar=True,
    help="For people, and for the next start.  [default: this machine's name]",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=filled,
    metavar="LABEL",
    envvar="ORCHESTRA_AGENT_LABELS",
    show_envvar=True,
    help="Take runs all of whose labels are among these; give it once for each. Without any: runs without labels.",
)
@click.option(
    "--limit",
    type=WholeNumber(1),
    envvar="ORCHESTRA_AGENT_LIMIT",
    show_envvar=True,
    help="Runs at the same time.  [default: as many as come]",
)
@click.option(
    "--max-polls", type=WholeNumber(1), help="Ask so many times for runs, then wait for them and end."
)
@click.option(
    "--health-address",
    type=_address,
    metavar="HOST:PORT",
    envvar="ORCHESTRA_AGENT_HEALTH_ADDRESS",
    show_envvar=True,
    help="Answer probes there, as 127.0.0.1:8080.",
)
@api_server_option
@tenant_option
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="An environment variable for all runs, with the agent's own value unless one is given.",
)
@click.option(
    "--working-dir", type=click.Path(exists=True, file_okay=False), help="Where runs start.  [default: here]"
)
@click.option("--show-flow-logs", is_flag=True, help="Print what the runs write.")
@click.option(
    "--show-unmatched/--hide-unmatched",
    default=True,
    help="Tell of each late run why this agent does not take it.  [default: show]",
)
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0.1),
    default=600,
    show_default=True,
    help="Seconds to wait for the runs after SIGTERM or Ctrl-C; a second signal ends them at once.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    envvar="ORCHESTRA_LOG_LEVEL",
    show_envvar=True,
    help="How much is logged, on stderr.",
)
def start(  # noqa: PLR0917 - click passes them by name
    name: str | None,
    labels: tuple[str, ...],
    limit: int | None,
    max_polls: int | None,
    health_address: str | None,
    api_server: str | None,
    tenant: str | None,
    variables: tuple[str, ...],
    working_dir: str | None,
    show_flow_logs: bool,
    show_unmatched: bool,
    drain_timeout: float,
    log_level: LogLevel,
) -> None:
    """Start an agent that runs each flow run in a process of its own, until it gets SIGTERM or Ctrl-C.

    Then it takes no more runs, and waits for those that are under way. It ends with status 0 when the server knows of
    the end of every run.
    """
    from orchestra_client.agent import LocalAgent, Pace  # noqa: PLC0415 - slow to import
    from orchestra_client.agent.base import configured_client  # noqa: PLC0415 - as above

    _set_up_log(log_level)
    # For the advice when its token is refused, as `open_client` notes it for other commands.
    click.get_current_context().meta[API_SERVER] = api_server
    local = LocalAgent(
        name=name,
        labels=labels,
        limit=limit,
        max_polls=max_polls,
        health_address=health_address,
        show_unmatched=show_unmatched,
        env=dict(map(_variable, variables)),
        working_dir=working_dir,
        show_flow_logs=show_flow_logs,
        pace=Pace(drain=drain_timeout),
        open_client=partial(configured_client, api_server, **tenant_of(tenant)),
    )

    def stop(_number: int, _frame: FrameType | None) -> None:
        local.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if not local.start(on_ready=click.echo):
        sys.exit(1)


def _set_up_log(log_level: str) -> None:
    log_to_stderr(log_level)
    if log_level.lower() == "info":
        # It opens several clients, each of which would tell which server it uses, and each request.
        for name in ("orchestra_client", "httpx"):
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("orchestra_client.agent").setLevel(logging.INFO)


def _variable(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not name or (not given and name not in os.environ):
        raise click.UsageError(
            f"--env {text}: there is no such variable here; give it a value, as --env NAME=VALUE."
        )
    return name, value if given else os.environ[name]
