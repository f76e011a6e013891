"""`orchestra kv`: small JSON documents that runs share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from orchestra_client.cli.options import connected, filled, json_option, limit_option
from orchestra_client.cli.output import nothing, print_json, say
from orchestra_client.cli.prompts import confirm, read_stdin
from orchestra_client.cli.stored import json_value_option, match_option, parse_value, print_names
from orchestra_client.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.cli.options import Connect


@click.group()
def kv() -> None:
    """Keep small values that runs share."""


@kv.command("set")
@click.argument("key", type=filled)
@click.argument("value")
@json_value_option
@connected
def set_value(connect: Connect, *, key: str, value: str, is_json: bool) -> None:
    """Write VALUE under KEY, over the value it may have.

    VALUE is text as it stands, so that 1.10 stays 1.10, unless --json-value says otherwise. `-` reads it from stdin,
    without its last line break. What begins with a dash stands behind `--`, as in `orchestra kv set retries -- -1`.
    """
    text = read_stdin("value") if value == "-" else value
    with connect() as client:
        client.set_key_value(key, parse_value(text, is_json=is_json))
    say(f"The key '{key}' is set.")


@kv.command("get")
@click.argument("key", type=filled)
@click.option("--json", "as_json", is_flag=True, help="Write text as JSON, too.")
@connected
def get_value(connect: Connect, *, key: str, as_json: bool) -> None:
    """Write the value under KEY: text as it stands, anything else as JSON."""
    with connect() as client, _known(key):
        value = client.get_key_value(key)
    if isinstance(value, str) and not as_json:
        click.echo(value)
    else:
        print_json(value)


@kv.command("list")
@match_option
@limit_option
@json_option
@connected
def list_keys(connect: Connect, *, pattern: str | None, limit: int, as_json: bool) -> None:
    """List the keys."""
    with connect() as client:
        keys = client.key_names()
    print_names(
        keys,
        pattern=pattern,
        limit=limit,
        as_json=as_json,
        none=nothing("keys", "`orchestra kv set KEY VALUE` sets one", is_filtered=bool(pattern)),
    )


@kv.command("delete")
@click.argument("key", type=filled)
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete_value(connect: Connect, *, key: str, yes: bool) -> None:
    """Forget KEY and its value."""
    confirm(f"Delete the key '{key}'?", is_confirmed=yes)
    with connect() as client, _known(key):
        client.delete_key_value(key)
    say(f"The key '{key}' is deleted.")


@contextmanager
def _known(key: str) -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise click.ClickException(
            f"There is no key '{key}'; `orchestra kv list` shows those there are."
        ) from None
