"""`orchestra server`: a server of your own."""

from __future__ import annotations

import os
from typing import Literal

import click

from orchestra_client.config import home, make_home, normalize_server
from orchestra_client.errors import MissingExtra

LogLevel = Literal["debug", "info", "warning", "error"]


@click.group()
def server() -> None:
    """Run a server of your own."""


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
@click.option(
    "--database",
    envvar="ORCHESTRA_DATABASE",
    show_envvar=True,
    help="sqlite:///PATH, postgresql+psycopg://HOST/NAME or memory:.  [default: orchestra.db in ORCHESTRA_HOME]",
)
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
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    envvar="ORCHESTRA_LOG_LEVEL",
    show_envvar=True,
    help="How much is logged, on stderr. info names each request.",
)
def start(
    host: str, port: int, database: str | None, auth: Literal["token", "none"], log_level: LogLevel
) -> None:
    """Start a server, and run it until it gets SIGTERM or Ctrl-C.

    The first start on a database makes a tenant, an admin user and an API token, which is saved as your login for the
    server's address. To choose the token, set ORCHESTRA_BOOTSTRAP_TOKEN.
    """
    try:
        from orchestra_client.cli import serving  # noqa: PLC0415 (an optional part, and half a second)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestra_client"):
            raise
        raise MissingExtra("server", "orchestra server") from error
    listener = serving.listen(host, port, is_open=auth == "none")
    make_home(os.environ)
    url = normalize_server(database or f"sqlite:///{home() / 'orchestra.db'}", origin="--database")
    serving.serve(listener, url, auth=auth, log_level=log_level)
