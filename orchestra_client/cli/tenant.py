"""`orchestra tenant`: who shares flows, runs and secrets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.completing import tenant_slugs
from orchestra_client.cli.options import connected, filled, json_option, limit_option, open_client
from orchestra_client.cli.output import Column, print_json, print_list, say
from orchestra_client.cli.prompts import choose
from orchestra_client.cli.root import NotLoggedIn
from orchestra_client.cli.trust import trust
from orchestra_client.errors import ConfigurationError, NoSuchTenant

if TYPE_CHECKING:
    from orchestra_client.auth.resolution import Login
    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import Tenant


_COLUMNS = (
    Column("SLUG", lambda row: row["slug"]),
    Column("NAME", lambda row: row["name"]),
    Column("CURRENT", lambda row: "*" if row["is_current"] else ""),
    Column("ID", lambda row: row["id"]),
)


@click.group()
def tenant() -> None:
    """See, choose and make tenants."""


tenant.add_command(trust)


@tenant.command("list")
@click.option("--name", type=filled, metavar="NAME", help="Only the tenant of this name or slug.")
@limit_option
@json_option
@connected
def list_tenants(connect: Connect, *, name: str | None, limit: int, as_json: bool) -> None:
    """List the tenants that you can act in; the current one has a star."""
    with connect() as client:
        found = [each for each in client.get_available_tenants() if name in {None, each.name, each.slug}]
        current = _current_id(client)
    rows = [
        {"slug": each.slug, "name": each.name, "id": each.id, "is_current": each.id == current}
        for each in found
    ]
    print_list(rows, _COLUMNS, limit=limit, as_json=as_json, none="There are no such tenants.")


def _current_id(client: Client) -> str | None:
    try:
        answer = client.graphql("query auth_info { auth_info { tenant_id } }")
    except NoSuchTenant as error:
        # The list is what helps now.
        say(f"Warning: {error}")
        return None
    current: str | None = answer.data.auth_info.tenant_id
    return current


@tenant.command()
@click.argument("slug", type=filled, required=False, shell_complete=tenant_slugs)
@click.option(
    "--api-server",
    type=filled,
    metavar="URL",
    help="Whose saved login to change.  [default: the one that is used]",
)
def switch(*, slug: str | None, api_server: str | None) -> None:
    """Act in the tenant SLUG from now on; its id will do, too.

    The tenant is kept with your saved login, and stays what it was when the switch fails.
    """
    from orchestra_client.auth.resolution import resolve_login  # noqa: PLC0415 - slow to import
    from orchestra_client.cli.logins import find_tenant  # noqa: PLC0415 - as above

    _check_is_saved(resolve_login(api_server, None, os.environ))
    with open_client(api_server, None) as client:
        tenants = client.get_available_tenants()
        chosen = find_tenant(tenants, slug) if slug else _choose_tenant(tenants)
        client.login_to_tenant(tenant_id=chosen.id)
    say(f"Switched to the tenant {chosen.slug} at {client.api_server}.")
    if os.environ.get("ORCHESTRA_TENANT", chosen.slug) not in {chosen.slug, chosen.id}:
        say("Warning: ORCHESTRA_TENANT is set, and wins over this choice. Unset it.")


def _check_is_saved(login: Login) -> None:
    from orchestra_client.auth.session import CredentialSource  # noqa: PLC0415 - slow to import

    if login.server.is_embedded:
        raise ConfigurationError("A store of your own remembers no tenant; say --tenant with each command.")
    if login.credentials.source is CredentialSource.ENVIRONMENT:
        raise ConfigurationError(
            "Your login is ORCHESTRA_API_TOKEN, and no tenant is saved with it. Set ORCHESTRA_TENANT instead, or unset "
            "ORCHESTRA_API_TOKEN and use `orchestra auth login`."
        )
    if login.credentials.api_token is None:
        raise NotLoggedIn(
            f"There is no saved login for {login.server.shown} to keep a tenant with. Log in with `orchestra auth "
            "login`, or set ORCHESTRA_TENANT."
        )


def _choose_tenant(tenants: list[Tenant]) -> Tenant:
    slugs = [each.slug for each in tenants]
    if not slugs:
        raise NoSuchTenant("This token sees no tenant at all.")
    return tenants[choose("Which tenant?", slugs, instead="its SLUG")]


@tenant.command()
@click.argument("name", type=filled)
@click.option(
    "--slug",
    type=filled,
    metavar="SLUG",
    help="What it is called in URLs and commands.  [default: made of the name]",
)
@json_option
@connected
def create(connect: Connect, *, name: str, slug: str | None, as_json: bool) -> None:
    """Make a tenant called NAME, of which you become a member, and print its id."""
    from orchestra_client.pages import slug_of  # noqa: PLC0415 - slow to import

    with connect() as client:
        tenant_id = client.create_tenant(name, slug)
    slug = slug or slug_of(name)
    say(f"Created the tenant {slug}. Act in it with `orchestra tenant switch {slug}`.")
    if as_json:
        print_json({"id": tenant_id, "name": name, "slug": slug})
    else:
        click.echo(tenant_id)
