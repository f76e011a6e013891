"""Logging in to a server and out of it: what is asked, what is checked, and what is saved when all is well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from orchestra_client.auth.resolution import open_store
from orchestra_client.cli.logins import facts_of, find_tenant, reason_of
from orchestra_client.cli.options import IMPATIENCE, open_client
from orchestra_client.cli.output import say
from orchestra_client.cli.prompts import choose, read_hidden
from orchestra_client.cli.replacing import see_to_replaced
from orchestra_client.cli.root import NotLoggedIn
from orchestra_client.cli.terminal import can_ask
from orchestra_client.config import normalize_server
from orchestra_client.errors import AuthenticationError, ConfigurationError, mask_token
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from orchestra_client.auth.store import CredentialStore
    from orchestra_client.client import Client
    from orchestra_client.results import Tenant

__all__ = ["log_in", "log_out", "server_to_log_in", "servers_to_log_out"]

DEFAULT_SERVER = "http://127.0.0.1:4200"
"""Where `orchestra server start` listens."""

_VARIABLE = "ORCHESTRA_API_TOKEN"


def server_to_log_in(api_server: str | None) -> str:
    """The server that is meant: the given one, or what somebody answers, or that of the latest login.

    Raises:
        click.UsageError: nobody says, or it is a store, which asks for no login.
        ConfigurationError: the URL makes no sense.
    """
    saved = None if api_server else open_store(os.environ).active_server
    if api_server is None and can_ask():
        api_server = click.prompt("Server", default=saved or DEFAULT_SERVER, err=True)
    if not (api_server or saved):
        raise click.UsageError("Which server? Say --api-server URL, or set ORCHESTRA_API_SERVER.")
    url = normalize_server(api_server or saved or "", origin="--api-server")
    if not url.startswith("http"):
        raise click.UsageError("A store of your own asks for no login; use it with --api-server as it is.")
    return url


def log_in(server: str, tenant: str | None, *, with_token: bool, is_confirmed: bool = False) -> None:
    """Ask for a token, check it with the server, and save it.

    Args:
        server: the URL, normalized.
        tenant: slug or id of the tenant to act in; None asks where there is a choice.
        with_token: read the token from stdin whatever the environment holds.
        is_confirmed: do not ask before a saved login is replaced.

    Raises:
        NotLoggedIn: the server refuses the token; what was saved before is untouched, as with every other error.
        click.UsageError: no token was given, or nobody can choose the tenant.
    """
    token = _token(with_token=with_token)
    with open_client(server, None, api_token=token) as client:
        chosen = _accepted_tenant(client, tenant)
        see_to_replaced(client, open_store(os.environ), server, token, is_confirmed=is_confirmed)
        client.save_api_token()
    place = f", tenant {chosen.slug}" if chosen else ""
    say(f"Logged in to {server}{place}, with {mask_token(token)}. Saved in {open_store(os.environ).path}.")
    if os.environ.get(_VARIABLE, token) != token:
        say(f"{_VARIABLE} is set to another token, which wins over this login; unset it.")


def _token(*, with_token: bool) -> str:
    token = os.environ.get(_VARIABLE, "").strip()
    if with_token or not token:
        return read_hidden("API token")
    say(f"Taking the token {mask_token(token)} of {_VARIABLE}; --with-token asks for another.")
    return token


def _accepted_tenant(client: Client, name: str | None) -> Tenant | None:
    """Log in to the tenant that is meant; None where the token sees none."""
    try:
        tenants = client.get_available_tenants()
    except AuthenticationError as error:
        raise NotLoggedIn(f"{reason_of(error)}\nNothing was saved.") from None
    if name is None and not tenants:
        return None
    tenant = _tenant(tenants, name)
    client.login_to_tenant(tenant_id=tenant.id)
    return tenant


def _tenant(tenants: list[Tenant], name: str | None) -> Tenant:
    if name is not None:
        return find_tenant(tenants, name)
    if len(tenants) == 1:
        return tenants[0]
    slugs = [tenant.slug for tenant in tenants]
    return tenants[choose("Which tenant?", slugs, instead="--tenant SLUG")]


def servers_to_log_out(store: CredentialStore, api_server: str | None, *, everywhere: bool) -> list[str]:
    """The servers whose logins are meant.

    Args:
        store: the saved logins.
        api_server: the URL that was given; None means the latest login's, or the only one's, or asks.
        everywhere: all of them.

    Raises:
        NotLoggedIn: there is no login, or none for that server.
        click.UsageError: there are several, and nobody can choose.
    """
    saved = store.servers()
    if everywhere or not saved:
        wanted = saved
    elif api_server:
        url = normalize_server(api_server, origin="--api-server")
        wanted = [url] if url in saved else []
    else:
        wanted = [store.active_server or _choose_server(saved)]
    if not wanted:
        raise NotLoggedIn(
            f"There is no saved login{f' for {api_server}' if api_server else ''} in {store.path}."
        )
    return wanted


def _choose_server(saved: list[str]) -> str:
    if len(saved) == 1:
        return saved[0]
    return saved[choose("Log out of which server?", saved, instead="--api-server URL")]


def log_out(store: CredentialStore, server: str, *, is_revoked: bool) -> None:
    """Forget a saved login.

    Args:
        store: the saved logins.
        server: one of its servers.
        is_revoked: end the token at the server first, with every session opened with it.

    Raises:
        OrchestraError: the token could not be revoked; the login stays.
    """
    saved = store.load(server)
    if is_revoked and saved and saved.api_token:
        _revoke(server, saved.api_token)
    store.forget(server)
    say(f"Forgot the login for {server}.")


def _revoke(server: str, token: str) -> None:
    with open_client(server, None, api_token=token, retry=RetryPolicy(budget=IMPATIENCE)) as client:
        # As the token itself, whatever ORCHESTRA_TENANT says.
        client.logout_from_tenant()
        try:
            token_id = facts_of(client, token).id
        except AuthenticationError:
            say(f"{server} does not take {mask_token(token)} any more.")
            return
        if token_id is None:
            raise ConfigurationError(
                f"{server} does not tell the token's id; revoke it there, and leave out --revoke."
            )
        client.delete_api_token(token_id)
    say(f"Revoked {mask_token(token)} at {server}.")
