"""Options that many commands have: which server, in which tenant, and how results are written.

A command that talks to a server is written so::

    @project.command("list")
    @limit_option
    @json_option
    @connected
    def list_projects(connect: Connect, *, limit: int, as_json: bool) -> None:
        with connect() as client:
            print_list(client.projects(limit=limit), COLUMNS, limit=limit, as_json=as_json, none="There are none.")
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.completing import tenant_slugs
from orchestra_client.cli.numbers import WholeNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.client import Client

    Connect = Callable[..., Client]
    """Opens a client for what the options say; keyword arguments go to `Client`."""

__all__ = [
    "api_server_option",
    "connected",
    "filled",
    "json_option",
    "limit_option",
    "open_client",
    "tenant_of",
    "tenant_option",
]

API_SERVER = "orchestra_client.api_server"
"""Where click's context keeps which server a command was given, for what is told about an error."""

IMPATIENCE = 5.0
"""Seconds of retries for somebody who watches. Where nobody does, as in CI, the client's own minute holds."""


def filled(text: str) -> str:
    """A text that is not empty, as the `type` of an option or argument: an unset variable in a script is none."""
    if not text.strip():
        raise click.BadParameter("it is empty.")
    return text


def server_url(text: str) -> str:
    """The URL of a server, as the `type` of an option; given to the command in its one form."""
    from orchestra_client.config import normalize_server  # noqa: PLC0415 - only where one is given

    return _url(lambda: normalize_server(filled(text), origin="--api-server"))


def database_url(text: str) -> str:
    """The URL of a database, as the `type` of an option; given to the command in its one form."""
    from orchestra_client.config import normalize_database  # noqa: PLC0415 - only where one is given

    return _url(lambda: normalize_database(filled(text), origin="--database"))


def _url(read: Callable[[], str]) -> str:
    from orchestra_client.errors import ConfigurationError  # noqa: PLC0415 - as above

    try:
        return read()
    except ConfigurationError as error:
        # It names the option already.
        raise click.UsageError(str(error)) from None


api_server_option = click.option(
    "--api-server",
    type=server_url,
    metavar="URL",
    help="The server's URL.  [default: ORCHESTRA_API_SERVER, or the saved login's]",
)
"""``--api-server``, passed as `api_server`."""

tenant_option = click.option(
    "--tenant",
    type=filled,
    metavar="SLUG",
    shell_complete=tenant_slugs,
    help="Act in this tenant.  [default: ORCHESTRA_TENANT, or the saved login's]",
)
"""``--tenant``, passed as `tenant`; by its slug or its id."""


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--api-server`` and ``--tenant``, and as its first argument a function that opens the client."""

    @api_server_option
    @tenant_option
    @wraps(command)
    def run(*, api_server: str | None, tenant: str | None, **arguments: Any) -> Any:
        def connect(**settings: Any) -> Client:
            return open_client(api_server, tenant, **settings)

        return command(connect, **arguments)

    return run


def open_client(api_server: str | None, tenant: str | None, **settings: Any) -> Client:
    """Open a client for a command.

    Args:
        api_server: the server's URL; None means what is configured.
        tenant: slug or id of the tenant to act in; None means what is configured.
        settings: further arguments of `Client`.

    Raises:
        ConfigurationError: the server makes no sense.
    """
    from orchestra_client.cli.retry_lines import tell_of_retries_in_words  # noqa: PLC0415 - where a client is opened
    from orchestra_client.cli.terminal import is_attended  # noqa: PLC0415 - as above
    from orchestra_client.client import Client  # noqa: PLC0415 - slow to import
    from orchestra_client.transport import RetryPolicy  # noqa: PLC0415 - as above

    if context := click.get_current_context(silent=True):
        context.meta[API_SERVER] = api_server
    tell_of_retries_in_words()
    if is_attended():
        settings.setdefault("retry", RetryPolicy(budget=IMPATIENCE))
    return Client(api_server, **{**tenant_of(tenant), **settings})


def tenant_of(name: str | None) -> dict[str, Any]:
    """The arguments of `Client` for a tenant that is named by its slug or its id; none for None."""
    if not name:
        return {}
    from uuid import UUID  # noqa: PLC0415 - rarely needed

    try:
        return {"tenant_id": str(UUID(name))}
    except ValueError:
        return {"tenant_slug": name}


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON: everything there is, in one document."
)
"""``--json``, passed as `as_json`."""

limit_option = click.option(
    "--limit",
    type=WholeNumber(1, 10_000),
    default=30,
    show_default=True,
    metavar="N",
    help="Show so many at most.",
)
"""``--limit``, passed as `limit`."""
