"""`orchestra server`: a server of your own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import click

from orchestra_client.config import home, make_home, normalize_database
from orchestra_client.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LogLevel = Literal["debug", "info", "warning", "error"]


@click.group()
def server() -> None:
    """Run a server of your own."""


_SECONDS = click.FloatRange(min=0.1)

_database = click.option(
    "--database",
    envvar="ORCHESTRA_DATABASE",
    show_envvar=True,
    help="sqlite:///PATH, postgresql+psycopg://HOST/NAME or memory:.  [default: orchestra.db in ORCHESTRA_HOME]",
)
_log_level = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    envvar="ORCHESTRA_LOG_LEVEL",
    show_envvar=True,
    help="How much is logged, on stderr. info names each request.",
)


def _service_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how the background services are set up."""
    for name, variable, default, text in (
        (
            "--late-limit",
            "ORCHESTRA_LATE_LIMIT",
            300,
            "Seconds after its time at which an untaken run is late.",
        ),
        (
            "--zombie-limit",
            "ORCHESTRA_ZOMBIE_LIMIT",
            600,
            "Seconds without a heartbeat after which a run is dead. Runs beat every 30 s.",
        ),
        (
            "--scheduler-interval",
            "ORCHESTRA_SCHEDULER_INTERVAL",
            15,
            "Seconds between two looks at the schedules.",
        ),
    ):
        command = click.option(
            name,
            type=_SECONDS,
            default=default,
            show_default=True,
            envvar=variable,
            show_envvar=True,
            help=text,
        )(command)
    return command


@server.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="ORCHESTRA_HOST",
    show_envvar=True,
    help="Address to listen on. 0.0.0.0 lets other machines in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4200,
    show_default=True,
    envvar="ORCHESTRA_PORT",
    show_envvar=True,
    help="Port to listen on. 0 picks a free one.",
)
@_database
@click.option(
    "--auth",
    type=click.Choice(["token", "none"]),
    default="token",
    show_default=True,
    envvar="ORCHESTRA_AUTH",
    show_envvar=True,
    help="Whether requests need a token. none is for this machine alone.",
)
@click.option(
    "--services/--no-services",
    default=True,
    show_default=True,
    envvar="ORCHESTRA_SERVICES",
    show_envvar=True,
    help="Whether to schedule runs and look after dead and late ones here. Of several processes, one at a time does.",
)
@_service_options
@_log_level
def start(
    *,
    host: str,
    port: int,
    database: str | None,
    auth: Literal["token", "none"],
    services: bool,
    log_level: LogLevel,
    **limits: float,
) -> None:
    """Start a server, and run it until it gets SIGTERM or Ctrl-C.

    The first start on a database makes a tenant, an admin user and an API token, which is saved as your login for the
    server's address. To choose the token, set ORCHESTRA_BOOTSTRAP_TOKEN.
    """
    with _needs_server():
        from orchestra_client.cli import serving  # noqa: PLC0415 (an optional part, and half a second)
        from orchestra_client.server.services import ServiceSettings  # noqa: PLC0415 (as above)
    listener = serving.listen(host, port, is_open=auth == "none")
    settings = ServiceSettings(**limits) if services else None
    serving.serve(listener, _url(database), auth=auth, services=settings, log_level=log_level)


@server.command("services")
@_database
@_service_options
@_log_level
def run_services(database: str | None, log_level: LogLevel, **limits: float) -> None:
    """Run the services of servers that were started with --no-services, on their database.

    They schedule runs and look after dead and late ones, until SIGTERM or Ctrl-C. Any number of processes may run
    them: of each service, one does the work at a time, and another takes over when it is gone.
    """
    with _needs_server():
        from orchestra_client.cli import services  # noqa: PLC0415 (an optional part)
        from orchestra_client.server.services import ServiceSettings  # noqa: PLC0415 (as above)
    services.run_services(_url(database), ServiceSettings(**limits), log_level=log_level)


@contextmanager
def _needs_server() -> Iterator[None]:
    """Tell what to install when a part of the server cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestra_client"):
            raise
        raise MissingExtra("server", "orchestra server") from error


def _url(database: str | None) -> str:
    make_home(os.environ)
    return normalize_database(database or f"sqlite:///{home() / 'orchestra.db'}", origin="--database")
