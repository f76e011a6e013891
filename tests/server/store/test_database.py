"""Transactions: what a read sees, and the wait of those who open a new file together."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.store import sqlite
from orchestra_client.server.store.database import MAX_WAL, Database
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.store.views import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_read_sees_one_state_of_the_database(backend, database):
    if backend == "memory":
        pytest.skip("has one connection, so nobody writes while it is read")
    at = database.now()
    tenant = {"id": "t", "created": at, "updated": at, "name": "t", "slug": "t"}
    with database.connect(write=True) as connection:
        connection.execute(metadata.tables["tenant"].insert(), tenant)
    scope = Scope("t", ("t",))
    with database.read(scope) as reader:
        assert reader.get("project", "none") is None
        with database.write(scope) as writer:
            [project] = writer.insert("project", {"name": "new"})
        assert reader.get("project", project) is None
    with database.read(scope) as reader:
        assert reader.require("project", project)["name"] == "new"


def test_the_switch_to_a_write_ahead_log_waits_for_others(tmp_path: Path):
    path = tmp_path / "new.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        closing(sqlite3.connect(path, timeout=0)) as connection,
    ):
        other.execute("CREATE TABLE t (c)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite.use_wal(connection, timeout=0)
        threading.Timer(0.1, other.execute, ["COMMIT"]).start()
        sqlite.use_wal(connection, timeout=30)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_that_each_connection_would_have_its_own_of_is_refused(url):
    with pytest.raises(ConfigurationError, match="memory:"):
        Database(url)


def test_the_log_of_a_large_transaction_shrinks_again(tmp_path: Path) -> None:
    """Given a transaction larger than the log may stay, when others follow it, then the log is cut."""
    path = tmp_path / "store.db"
    database = Database(f"sqlite:///{path}")
    wal = path.with_name("store.db-wal")
    with database.connect(write=True) as connection:
        connection.execute(text("CREATE TABLE large (content BLOB)"))
        for _ in range(MAX_WAL // 1_000_000 + 10):
            connection.execute(text("INSERT INTO large VALUES (zeroblob(1000000))"))
    large = wal.stat().st_size

    for _ in range(2):
        with database.connect(write=True) as connection:
            connection.execute(text("INSERT INTO large VALUES (x'00')"))

    assert wal.stat().st_size <= MAX_WAL < large
    database.close()


@pytest.fixture
def everybodys_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_new_file_and_those_beside_it_are_for_their_owner_alone(tmp_path: Path, everybodys_umask):
    database = Database(f"sqlite:///{tmp_path}/runs.db")
    with closing(database), database.connect(write=True) as connection:
        metadata.create_all(connection)
        modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in tmp_path.iterdir()}

    assert modes == dict.fromkeys(("runs.db", "runs.db-shm", "runs.db-wal"), "0o600")


def test_the_mode_of_a_file_that_is_there_is_its_owners_choice(tmp_path: Path, everybodys_umask):
    path = tmp_path / "runs.db"
    path.touch(0o640)

    with closing(Database(f"sqlite:///{path}")) as database, database.connect(write=True) as connection:
        metadata.create_all(connection)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_path_that_is_a_uri_makes_no_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    url = "sqlite:///file:runs.db?uri=true"

    with closing(Database(url)) as database, database.connect(write=True) as connection:
        metadata.create_all(connection)

    assert {path.name for path in tmp_path.iterdir()} <= {"runs.db", "runs.db-shm", "runs.db-wal"}
