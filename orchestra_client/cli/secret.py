"""`orchestra secret`: values that runs need and nobody else sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import nothing, say
from orchestra_client.cli.prompts import confirm, read_hidden
from orchestra_client.cli.stored import json_value_option, match_option, parse_value, print_names
from orchestra_client.errors import NotFound

if TYPE_CHECKING:
    from orchestra_client.cli.options import Connect


@click.group()
def secret() -> None:
    """Keep values that runs need and nobody else sees."""


@secret.command("set")
@click.argument("name", type=filled)
@json_value_option
@connected
def set_secret(connect: Connect, *, name: str, is_json: bool) -> None:
    """Set the secret NAME, over the value it may have.

    The value is asked for, or is all of stdin without its last line break. There is no argument for it: others on
    this machine can read command lines.
    """
    value = parse_value(read_hidden(f"Value of {name}"), is_json=is_json)
    with connect() as client:
        client.set_secret(name, value)
    say(f"The secret '{name}' is set.")


@secret.command("list")
@match_option
@limit_option
@json_option
@connected
def list_secrets(connect: Connect, *, pattern: str | None, limit: int, as_json: bool) -> None:
    """List the names of the secrets; their values are never shown."""
    with connect() as client:
        names = client.secret_names()
    print_names(
        names,
        pattern=pattern,
        limit=limit,
        as_json=as_json,
        none=nothing("secrets", "`orchestra secret set NAME` makes one", is_filtered=bool(pattern)),
    )


@secret.command("delete")
@click.argument("name", type=filled)
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete_secret(connect: Connect, *, name: str, yes: bool) -> None:
    """Delete the secret NAME."""
    confirm(f"Delete the secret '{name}'? Runs that need it will fail.", is_confirmed=yes)
    with connect() as client:
        try:
            client.delete_secret(name)
        except NotFound:
            raise click.ClickException(
                f"There is no secret '{name}'; `orchestra secret list` shows those there are."
            ) from None
    say(f"The secret '{name}' is deleted.")
