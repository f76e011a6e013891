"""`orchestra server`: a server of your own."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

from orchestra_client.cli.numbers import WholeNumber
from orchestra_client.cli.options import database_url, filled
from orchestra_client.config import home, make_home, normalize_database
from orchestra_client.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator

LogLevel = Literal["debug", "info", "warning", "error"]


@click.group()
def server() -> None:
    """Run a server of your own."""


Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _option(name: str, variable: str, **settings: Any) -> Decorator:
    """An option with an environment variable, both of which the help shows."""
    return click.option(name, envvar=variable, show_envvar=True, show_default=True, **settings)


def _options(*options: Decorator) -> Decorator:
    """Several options, in the order of the help."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_SECONDS = click.FloatRange(min=0.1)

_database = _option(
    "--database",
    "ORCHESTRA_DATABASE",
    type=database_url,
    metavar="URL",
    help="sqlite:///PATH, postgresql+psycopg://HOST/NAME or memory:.  [default: orchestra.db in ORCHESTRA_HOME]",
)
_log_level = _option(
    "--log-level",
    "ORCHESTRA_LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    help="How much is logged, on stderr. info names each request.",
)
# The defaults are those of `Settings`.
_limits = _options(
    _option(
        "--max-depth",
        "ORCHESTRA_MAX_DEPTH",
        # What the clients themselves ask has up to 4.
        type=WholeNumber(min=4),
        default=12,
        help="Levels of a query.",
    ),
    _option(
        "--max-body-bytes",
        "ORCHESTRA_MAX_BODY_BYTES",
        type=WholeNumber(min=1024),
        default=32 * 1024 * 1024,
        help="Bytes of a request, also after decompression.",
    ),
    _option(
        "--query-timeout",
        "ORCHESTRA_QUERY_TIMEOUT",
        type=click.FloatRange(min=1),
        default=30,
        help="Seconds for which a query goes on reading.",
    ),
    _option(
        "--request-timeout",
        "ORCHESTRA_REQUEST_TIMEOUT",
        type=click.FloatRange(min=1),
        default=30,
        help="Seconds that a request's head may take, and without progress its body or answer.",
    ),
)
_services = _options(
    _option(
        "--late-limit",
        "ORCHESTRA_LATE_LIMIT",
        type=_SECONDS,
        default=300,
        help="Seconds after its time at which an untaken run is late.",
    ),
    _option(
        "--zombie-limit",
        "ORCHESTRA_ZOMBIE_LIMIT",
        type=_SECONDS,
        default=600,
        help="Seconds without a heartbeat after which a run is dead. Runs beat every 30 s.",
    ),
    _option(
        "--scheduler-interval",
        "ORCHESTRA_SCHEDULER_INTERVAL",
        type=_SECONDS,
        default=15,
        help="Seconds between two looks at the schedules.",
    ),
)


@server.command()
@_option(
    "--host",
    "ORCHESTRA_HOST",
    type=filled,
    metavar="ADDRESS",
    default="127.0.0.1",
    help="Address to listen on. 0.0.0.0 lets other machines in.",
)
@_option(
    "--port",
    "ORCHESTRA_PORT",
    type=WholeNumber(0, 65535),
    default=4200,
    help="Port to listen on. 0 picks a free one.",
)
@_database
@_option(
    "--auth",
    "ORCHESTRA_AUTH",
    type=click.Choice(["token", "none"]),
    default="token",
    help="Whether requests need a token. none is for this machine alone.",
)
@_limits
@_option(
    "--services/--no-services",
    "ORCHESTRA_SERVICES",
    default=True,
    help="Whether to schedule runs and look after dead and late ones here. Of several processes, one at a time does.",
)
@_services
@_log_level
def start(
    *,
    host: str,
    port: int,
    database: str | None,
    auth: Literal["token", "none"],
    max_depth: int,
    max_body_bytes: int,
    query_timeout: float,
    request_timeout: float,
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
        from orchestra_client.server.context import Settings  # noqa: PLC0415 (as above)
        from orchestra_client.server.services import ServiceSettings  # noqa: PLC0415 (as above)
    listener = serving.listen(host, port, is_open=auth == "none")
    settings = Settings(
        auth=auth,
        max_depth=max_depth,
        max_body_bytes=max_body_bytes,
        query_timeout=query_timeout,
        request_timeout=request_timeout,
    )
    own = ServiceSettings(**limits) if services else None
    serving.serve(listener, _url(database), settings, services=own, log_level=log_level)


@server.command("services")
@_database
@_services
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


@server.command("rotate-key")
@_database
def rotate_key(database: str | None) -> None:
    """Encrypt the secrets of a database with another key.

    Restart every server with ORCHESTRA_SECRET_KEY=NEW,OLD, run this with the same, then restart them with NEW alone.
    """
    with _needs_server():
        from orchestra_client.cli import keys  # noqa: PLC0415 (an optional part)
    keys.rotate_key(_url(database))


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
