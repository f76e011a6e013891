"""`orchestra auth`: logging in to servers, and out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.options import connected, filled, json_option, server_url
from orchestra_client.cli.output import print_fields, print_json, say
from orchestra_client.cli.prompts import confirm
from orchestra_client.cli.root import NotLoggedIn
from orchestra_client.cli.terminal import is_watched
from orchestra_client.errors import AuthenticationError

if TYPE_CHECKING:
    from orchestra_client.cli.logins import LoginStatus
    from orchestra_client.cli.options import Connect

_ON_THE_LINE = click.core.ParameterSource.COMMANDLINE


@click.group()
def auth() -> None:
    """Log in to servers."""


@auth.command()
@click.option(
    "--api-server",
    type=server_url,
    metavar="URL",
    envvar="ORCHESTRA_API_SERVER",
    show_envvar=True,
    help="Log in to this server.  [default: that of the latest login; asked at a terminal]",
)
@click.option(
    "--tenant",
    type=filled,
    metavar="SLUG",
    envvar="ORCHESTRA_TENANT",
    show_envvar=True,
    help="Act in this tenant, by its slug or id.  [default: the only one; asked where there are several]",
)
@click.option(
    "--with-token",
    is_flag=True,
    help="Ask for the token, or read it from stdin, despite ORCHESTRA_API_TOKEN.",
)
@click.option("--oidc", is_flag=True, help="As a CI job, by the token that the CI gives it.")
@click.option(
    "--audience",
    type=filled,
    metavar="TEXT",
    envvar="ORCHESTRA_OIDC_AUDIENCE",
    show_envvar=True,
    help="With --oidc on GitHub: whom the token is made for.  [default: the server's URL without its path]",
)
@click.option("--yes", is_flag=True, help="Do not ask before a saved login is replaced by a lesser one.")
def login(
    *,
    api_server: str | None,
    tenant: str | None,
    with_token: bool,
    oidc: bool,
    audience: str | None,
    yes: bool,
) -> None:
    """Log in to a server with an API token, or as a CI job, and save the login.

    The token is that of ORCHESTRA_API_TOKEN; or it is typed at a prompt that does not show it; or, where stdin is no
    terminal, read from there. The server checks it before anything is saved, so that a login that fails leaves the
    earlier one as it is. At a terminal you are asked before a login is replaced by one that may do less, or that expires.

    With --oidc, a job of a CI logs in without a lasting secret, once an admin has trusted it with `orchestra tenant
    trust add`. Its token is made by GitHub Actions now (`permissions: id-token: write`), or is in
    ORCHESTRA_OIDC_TOKEN, as GitLab's `id_tokens:` can put it there. The login is short, and nothing renews it.
    """
    from orchestra_client.cli import logging_in  # noqa: PLC0415 - slow to import

    if audience and not oidc and click.get_current_context().get_parameter_source("audience") is _ON_THE_LINE:
        raise click.UsageError("--audience goes with --oidc.")
    server = logging_in.server_to_log_in(api_server)
    if oidc:
        from orchestra_client.cli.oidc import log_in_with_oidc  # noqa: PLC0415 - as above

        log_in_with_oidc(server, tenant, audience=audience, with_token=with_token)
    else:
        logging_in.log_in(server, tenant, with_token=with_token, is_confirmed=yes)


@auth.command()
@click.option(
    "--api-server",
    type=server_url,
    metavar="URL",
    envvar="ORCHESTRA_API_SERVER",
    show_envvar=True,
    help="Log out of this server.  [default: that of the latest login]",
)
@click.option("--all", "everywhere", is_flag=True, help="Log out of every server.")
@click.option(
    "--revoke", is_flag=True, help="End the API token at the server, too, wherever else it is used."
)
@click.option("--yes", is_flag=True, help="Do not ask before a token is revoked.")
def logout(*, api_server: str | None, everywhere: bool, revoke: bool, yes: bool) -> None:
    """Forget a saved login.

    Its API token goes on working, for whoever else has it, unless it is revoked.
    """
    from orchestra_client.auth.resolution import open_store  # noqa: PLC0415 - slow to import
    from orchestra_client.cli import logging_in  # noqa: PLC0415 - as above

    if everywhere and click.get_current_context().get_parameter_source("api_server") is _ON_THE_LINE:
        raise click.UsageError("Give --all or --api-server, not both.")
    store = open_store(os.environ)
    servers = logging_in.servers_to_log_out(store, api_server, everywhere=everywhere)
    if revoke:
        confirm(f"Revoke the API token at {', '.join(servers)}?", is_confirmed=yes)
    for server in servers:
        logging_in.log_out(store, server, is_revoked=revoke)
    if not revoke:
        say("The API token itself still works; --revoke would have ended it.")
    if os.environ.get("ORCHESTRA_API_TOKEN"):
        say("ORCHESTRA_API_TOKEN is set: commands still use that token. Unset it.")


@auth.command()
@json_option
@click.option(
    "--api-server",
    type=server_url,
    metavar="URL",
    help="Tell of this server alone.  [default: all that are known]",
)
def status(*, api_server: str | None, as_json: bool) -> None:
    """Tell who you are: which credential is used, where it is from, for which tenant, and until when.

    First the server that commands use, then those of other saved logins. Ends with status 4 when the first wants a
    login and has none that it takes, and with 1 when it cannot tell. A store of your own wants none.
    """
    from orchestra_client.auth.resolution import open_store  # noqa: PLC0415 - slow to import
    from orchestra_client.cli import logins  # noqa: PLC0415 - as above

    current = logins.current_status(api_server)
    store = open_store(os.environ)
    others = [] if api_server else [server for server in store.servers() if server != current.server]
    known = [current, *(logins.saved_status(store, server) for server in others)]
    if as_json:
        print_json(known)
    else:
        _print_statuses(known)
    if not current.works:
        sys.exit(NotLoggedIn.exit_code if current.is_refused else 1)


def _print_statuses(known: list[LoginStatus]) -> None:
    for number, each in enumerate(known):
        if number:
            click.echo()
        print_fields(_fields(each), as_json=False)
        for warning in each.warnings:
            say(f"Warning: {warning}")


def _fields(status: LoginStatus) -> dict[str, object]:
    until = status.expires_at or ("for ever" if status.scope and status.credential else None)
    return {
        "server": f"{status.server} ({status.server_from})",
        "used": "yes" if status.is_current else "when named with --api-server",
        "works": "yes" if status.works else "no",
        "problem": status.problem,
        "token": f"{status.credential} ({status.credential_from})" if status.credential else "none",
        "tenant": status.tenant or status.tenant_id,
        "scope": status.scope,
        "until": until,
        "version": status.server_version,
    }


@auth.command()
@connected
def token(connect: Connect) -> None:
    """Print the token that requests are sent with, for scripts.

    In a tenant this is a session's access token, good for some minutes; else it is the API token itself.
    """
    with connect() as client:
        try:
            click.echo(client.get_auth_token())
        except AuthenticationError as error:
            if error.operation is not None:
                raise
            raise AuthenticationError(
                f"There is no token to print: there is no login for {client.api_server}."
            ) from None
    if is_watched():
        say("Whoever has this token acts as you.")
