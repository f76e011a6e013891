"""The keys that sessions are signed with: in the database, encrypted, shared by all server processes."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select

from orchestra_client.server.store.tables import signing_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.vault import Vault

_NEWEST = select(signing_key).order_by(signing_key.c.created.desc(), signing_key.c.id).limit(1)
_BY_ID = select(signing_key.c.ciphertext).where(signing_key.c.id == bindparam("id"))


class SigningKeys:
    """Finds signing keys by their id and makes the first one.

    Safe to share between threads: two that decrypt the same key at once only do it twice.

    Args:
        vault: decrypts the keys.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, bytes] = {}

    def current(self, connection: Connection, *, now: str) -> tuple[str, bytes]:
        """The id and the bytes of the key to sign with; made in this write transaction when there is none."""
        row = connection.execute(_NEWEST).first()
        if row is not None:
            return row.id, self._vault.decrypt(row.ciphertext)
        kid, key = str(uuid.uuid4()), secrets.token_bytes(32)
        ciphertext = self._vault.encrypt(key)
        connection.execute(insert(signing_key), {"id": kid, "created": now, "ciphertext": ciphertext})
        # Not remembered: the transaction may yet roll back.
        return kid, key

    def find(self, connection: Connection, kid: str | None) -> bytes | None:
        """The key of that id, or None where there is none."""
        if kid is None or kid in self._known:
            return self._known.get(kid or "")
        ciphertext = connection.execute(_BY_ID, {"id": kid}).scalar()
        if ciphertext is None:
            return None
        return self._known.setdefault(kid, self._vault.decrypt(ciphertext))

    def check(self, connection: Connection) -> bool:
        """Whether there is a key; a wrong key of the vault shows here, at the start, and not in a request.

        Raises:
            ConfigurationError: the vault cannot decrypt what the database holds.
        """
        ciphertexts = connection.execute(select(signing_key.c.ciphertext)).scalars().all()
        return bool([self._vault.decrypt(ciphertext) for ciphertext in ciphertexts])
