"""Encrypting anew what a database keeps encrypted, so that an old key can go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from orchestra_client.server.store import tables as t

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, Table

    from orchestra_client.server.store.database import Database
    from orchestra_client.server.vault import Vault

ENCRYPTED = (t.secret, t.signing_key, t.answer)
"""The tables that keep a `ciphertext`."""


def encrypt_anew(database: Database, vault: Vault) -> int:
    """Encrypt everything with the first key of a vault, in one transaction, whichever of its keys it needed before.

    Servers may go on working meanwhile if they have all of the keys.

    Args:
        database: migrated.
        vault: has the keys.

    Returns:
        How many values there are.

    Raises:
        ConfigurationError: none of the keys fits one of the values. Nothing was changed.
    """
    with database.connect(write=True) as connection:
        return sum(_encrypt_table(connection, table, vault) for table in ENCRYPTED)


def _encrypt_table(connection: Connection, table: Table, vault: Vault) -> int:
    key = list(table.primary_key.columns)
    # Held, so that a value which is written meanwhile is not undone.
    statement = select(*key, table.c.ciphertext).with_for_update()
    rows = connection.execute(statement).mappings().all()
    if rows:
        is_it = (column == bindparam(f"old_{column.name}") for column in key)
        renewed = update(table).where(*is_it).values(ciphertext=bindparam("renewed"))
        connection.execute(renewed, [_parameters(row, vault) for row in rows])
    return len(rows)


def _parameters(row: RowMapping, vault: Vault) -> dict[str, Any]:
    renewed = vault.encrypt(vault.decrypt(row["ciphertext"]))
    return {**{f"old_{name}": value for name, value in row.items()}, "renewed": renewed}
