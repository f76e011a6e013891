"""Changing the key that a database's secrets are encrypted with."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from orchestra_client.config import home
from orchestra_client.errors import ConfigurationError
from orchestra_client.server.rekeying import encrypt_anew
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.migrate import migrate
from orchestra_client.server.vault import VARIABLE, Vault


def rotate_key(url: str) -> None:
    """Encrypt everything in a database anew with the first of several keys, and say what was done.

    Args:
        url: of the database.

    Raises:
        click.UsageError: only one key is configured.
        ConfigurationError: there is no such database, it cannot be used, or no key fits one of its values.
    """
    if "," not in os.environ.get(VARIABLE, ""):
        raise click.UsageError(f"Put the new key before the old one: {VARIABLE}=NEW,OLD.")
    _check_exists(url)
    vault = Vault.open(home(), os.environ)
    with closing(Database(url)) as database:
        migrate(database)
        count = encrypt_anew(database, vault)
    click.echo(f"Encrypted {count} values with the first key. Servers can be started without the others now.")


def _check_exists(url: str) -> None:
    if url == "memory:":
        raise ConfigurationError("memory: is new in every process, so it has no old key.")
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise ConfigurationError(f"There is no database {parsed.database}.")
