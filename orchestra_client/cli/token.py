"""`orchestra token`: API tokens for agents, CI jobs and other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from orchestra_client.cli.moments import positive_span
from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import Column, as_plain, print_json, print_list, say
from orchestra_client.cli.prompts import confirm

if TYPE_CHECKING:
    from datetime import timedelta

    from orchestra_client.cli.options import Connect
    from orchestra_client.client import Client
    from orchestra_client.results import ApiToken, Scope

_COLUMNS = (
    Column("NAME", lambda token: token.name),
    Column("SCOPE", lambda token: token.scope),
    Column("CREATED", lambda token: token.created),
    Column("EXPIRES", lambda token: token.expires_at or "never"),
    Column("ID", lambda token: token.id),
)


@click.group()
def token() -> None:
    """Make API tokens for agents, jobs and machines; revoke them."""


@token.command()
@click.argument("name", type=filled)
@click.option(
    "--scope",
    type=click.Choice(["USER", "TENANT", "RUNNER"], case_sensitive=False),
    default="TENANT",
    show_default=True,
    help="USER acts as you in all your tenants, TENANT in one, RUNNER does what agents and runs need.",
)
@click.option(
    "--expires-in",
    type=positive_span,
    metavar="DURATION",
    help='How long it works, as "90 days".  [default: for ever]',
)
@json_option
@connected
def create(connect: Connect, *, name: str, scope: str, expires_in: timedelta | None, as_json: bool) -> None:
    """Make a token for the purpose NAME, and print it this once.

    Nothing but the token goes to stdout, so that it can be piped to where it belongs: into a file that others cannot
    read, or a store for secrets.
    """
    with connect() as client:
        made = client.create_api_token(name, cast("Scope", scope.upper()), expires_in)
    if as_json:
        print_json({**as_plain(made), "token": made.token})
    else:
        click.echo(made.token)
    say(f"Made the {made.scope} token '{name}'. It is shown only this once.")


@token.command("list")
@click.option("--name", type=filled, metavar="NAME", help="Only tokens of this name.")
@limit_option
@json_option
@connected
def list_tokens(connect: Connect, *, name: str | None, limit: int, as_json: bool) -> None:
    """List the tokens that you may see, without their secret parts."""
    with connect() as client:
        found = [each for each in client.api_tokens() if name in {None, each.name}]
    print_list(found, _COLUMNS, limit=limit, as_json=as_json, none="There are no such tokens.")


@token.command()
@click.argument("name_or_id", type=filled, metavar="TOKEN")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete(connect: Connect, *, name_or_id: str, yes: bool) -> None:
    """Revoke TOKEN, given by its name or id, at once and with every session that was bought with it."""
    with connect() as client:
        found = _find(client, name_or_id)
        confirm(
            f"Revoke the {found.scope} token '{found.name}'? Whoever has it is locked out.", is_confirmed=yes
        )
        client.delete_api_token(found.id)
    say(f"Revoked the token '{found.name}'.")


def _find(client: Client, name_or_id: str) -> ApiToken:
    found = [each for each in client.api_tokens() if name_or_id in {each.id, each.name}]
    if not found:
        raise click.ClickException(
            f"There is no token '{name_or_id}' among those you may see; `orchestra token list` shows them."
        )
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        raise click.ClickException(f"{len(found)} tokens have the name '{name_or_id}'; give an id: {ids}.")
    return found[0]
