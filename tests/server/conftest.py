"""Databases for the server's tests: SQLite in memory and in a file, and PostgreSQL where one is given.

`make test-postgres` starts one and gives it; by hand it is

ORCHESTRA_TEST_POSTGRES=postgresql+psycopg://user@localhost/database pytest tests/server
"""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import text

from orchestra_client.server.store.database import Database
from orchestra_client.server.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# Read now: no test sees the environment of whoever runs it.
POSTGRES = os.environ.get("ORCHESTRA_TEST_POSTGRES")

IF_POSTGRES = ["postgresql"] if POSTGRES else []
BACKENDS = ["memory", "file", *IF_POSTGRES]


@contextmanager
def _new_url(backend: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, on PostgreSQL a schema of its own, which is dropped in the end."""
    if backend == "memory":
        yield "memory:"
        return
    name = f"test_{uuid.uuid4().hex}"
    if backend == "file":
        yield f"sqlite:///{folder / name}.db"
        return
    assert POSTGRES
    owner = Database(POSTGRES)
    with owner.connect(write=True) as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        yield f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options={quote(f'-csearch_path={name}')}"
    finally:
        with owner.connect(write=True) as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        owner.close()


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database; a test that asks for it runs on each kind."""
    return str(request.param)


@pytest.fixture(scope="session")
def new_url() -> Callable[[str, Path], AbstractContextManager[str]]:
    """Gives the URL of an empty database of a kind, its file in a folder, for as long as it is open."""
    return _new_url


@pytest.fixture
def url(backend: str, tmp_path: Path) -> Iterator[str]:
    """Where an empty database of each kind is, with nothing in it yet."""
    with _new_url(backend, tmp_path) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty, migrated database of each kind."""
    database = Database(url)
    migrate(database)
    yield database
    database.close()
