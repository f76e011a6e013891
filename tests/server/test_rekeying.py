"""Encrypting a database anew with another key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.access import bootstrap
from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.rekeying import ENCRYPTED, encrypt_anew
from orchestra_client.server.service import GraphQLRequest, Service
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    from orchestra_client.server.store.database import Database

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()
SET = 'mutation { set_secret(input: {name: "KEY", value: "v"}) { success } }'
CREATE = 'mutation { create_project(input: {name: "p"}) { id } }'


def ask(database: Database, query: str, *keys: bytes) -> object:
    service = Service(database, Vault(keys, source="the test"), Settings(auth="none"))
    answer = service.execute(GraphQLRequest(query), Credentials(idempotency_key="k"))
    assert "errors" not in answer.body, answer.body
    return answer.body["data"]


@pytest.fixture
def used(database: Database) -> Database:
    """With a secret, a signing key and a kept answer, all under the old key."""
    bootstrap(database, Vault([OLD], source="the test"), Settings(auth="none"))
    ask(database, SET, OLD)
    ask(database, CREATE, OLD)
    return database


def test_the_new_key_alone_reads_everything_afterwards(used: Database) -> None:
    first = ask(used, CREATE, OLD)

    assert encrypt_anew(used, Vault([NEW, OLD], source="the test")) == 3

    assert ask(used, '{ secret_value(name: "KEY") }', NEW) == {"secret_value": "v"}
    assert ask(used, CREATE, NEW) == first


def test_nothing_is_left_for_the_old_key(used: Database) -> None:
    encrypt_anew(used, Vault([NEW, OLD], source="the test"))

    old = Vault([OLD], source="the test")
    with used.connect(write=False) as connection:
        for table in ENCRYPTED:
            for ciphertext in connection.scalars(select(table.c.ciphertext)):
                with pytest.raises(ConfigurationError):
                    old.decrypt(ciphertext)


def test_a_key_that_does_not_fit_changes_nothing(used: Database) -> None:
    with pytest.raises(ConfigurationError, match="cannot decrypt"):
        encrypt_anew(used, Vault([NEW], source="the test"))

    assert ask(used, '{ secret_value(name: "KEY") }', OLD) == {"secret_value": "v"}


def test_every_table_with_a_ciphertext_is_encrypted_anew() -> None:
    assert {table.name for table in metadata.tables.values() if "ciphertext" in table.c} == {
        table.name for table in ENCRYPTED
    }
