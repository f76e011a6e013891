"""Migrations: the schema they lead to, several processes at once, and databases to leave alone."""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from orchestra_client.errors import ConfigurationError
from orchestra_client.server.store import migrate as migrate_module
from orchestra_client.server.store import migrations
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.migrate import HEAD, VERSION_TABLE, migrate
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.store.views import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def upgrade(database: Database, revision: str) -> None:
    """Bring a database to a revision by all that are before it, as earlier versions have done."""
    config = Config()
    config.set_main_option("script_location", "orchestra_client.server.store:migrations")
    with database.connect(write=True) as connection:
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, revision)


@pytest.fixture
def upgraded(url) -> Iterator[Database]:
    """An empty database of each kind that has gone through all revisions."""
    with closing(Database(url)) as database:
        upgrade(database, "head")
        yield database


@pytest.fixture(params=["new", "upgraded"])
def either(request, url) -> Iterator[Database]:
    """A database of each kind, made today or gone through all revisions."""
    with closing(Database(url)) as database:
        if request.param == "upgraded":
            upgrade(database, "head")
        migrate(database)
        yield database


def test_the_schema_is_that_of_the_tables(either):
    options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    with either.connect(write=False) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_constraints_and_indexes_carry_the_same_names(either):
    with either.connect(write=False) as connection:
        inspector = inspect(connection)
        for table in metadata.tables.values():
            names = {each["name"] for each in inspector.get_foreign_keys(table.name)}
            names |= {each["name"] for each in inspector.get_unique_constraints(table.name)}
            names |= {each["name"] for each in inspector.get_indexes(table.name)}
            names.add(inspector.get_pk_constraint(table.name)["name"])
            assert {str(each.name) for each in (*table.constraints, *table.indexes)} <= names


def test_a_new_database_is_like_one_that_has_grown_with_the_versions(url, upgraded, tmp_path: Path):
    """Neither has a table, a column or a rule that the other one lacks, whatever the tables' description says."""
    if not upgraded.is_sqlite:
        pytest.skip("goes through all revisions, too")
    with closing(Database(f"sqlite:///{tmp_path / 'new.db'}")) as new:
        migrate(new)
        assert described(new) == described(upgraded)


def described(database: Database) -> dict[str, object]:
    """All that SQLite knows of the tables, in no order."""
    with database.connect(write=False) as connection:
        inspector = inspect(connection)
        aspects = (
            inspector.get_columns,
            inspector.get_foreign_keys,
            inspector.get_unique_constraints,
            inspector.get_check_constraints,
            inspector.get_indexes,
        )
        return {
            f"{table} {aspect.__name__}": sorted(
                map(repr, [{**each, "type": str(each.get("type"))} for each in aspect(table)])
            )
            for table in inspector.get_table_names()
            for aspect in aspects
        }


def test_the_newest_revision_is_the_one_that_the_code_expects():
    [folder] = migrations.__path__
    assert ScriptDirectory(folder).get_current_head() == HEAD


def test_migrating_again_changes_nothing_and_loads_no_alembic(database, monkeypatch):
    monkeypatch.setitem(sys.modules, "alembic", None)
    migrate(database)


def test_a_new_file_needs_no_alembic(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "alembic", None)
    with closing(Database(f"sqlite:///{tmp_path / 'new.db'}")) as database:
        migrate(database)
        with database.connect(write=False) as connection:
            assert connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == HEAD


def test_a_user_and_its_default_membership_refer_to_each_other(database):
    tables = metadata.tables
    at = database.now()
    with database.connect(write=True) as connection:
        for table, row in (
            ("tenant", {"id": "t", "created": at, "updated": at, "name": "t", "slug": "t"}),
            ("user", {"id": "u", "created": at, "updated": at, "username": "u"}),
            ("membership", {"id": "m", "created": at, "user_id": "u", "tenant_id": "t"}),
        ):
            connection.execute(tables[table].insert(), row)
        connection.execute(tables["user"].update().values(default_membership_id="m"))
        connection.execute(tables["tenant"].delete())
        assert connection.execute(text('SELECT id, default_membership_id FROM "user"')).all() == [("u", None)]


def test_json_is_kept_exactly(database):
    values = [12345678901234567890123, 1.0, 0.1, "1", "null", True, [1.0, {"a": None}], {"b": 1, "a": 2}]
    with database.connect(write=True) as connection:
        connection.execute(
            metadata.tables["tenant"].insert(),
            {"id": "t", "created": database.now(), "updated": database.now(), "name": "t", "slug": "t"},
        )
    with database.write(Scope("t")) as session:
        ids = session.insert(
            "key_value", *({"key": str(n), "value": value} for n, value in enumerate(values))
        )
        read = [session.require("key_value", id)["value"] for id in ids]
    assert read == values
    assert list(map(type, read)) == list(map(type, values))


def test_api_tokens_outlive_the_reference_that_they_are_given(url):
    if url == "memory:":
        pytest.skip("is always new")
    with closing(Database(url)) as database:
        at = database.now()
        upgrade(database, "0003")
        with database.connect(write=True) as connection:
            insert = "INSERT INTO api_token (id, created, name, scope, digest) VALUES ('a', :at, 'ci', 'USER', 'd')"
            connection.execute(text(insert), {"at": at})
        migrate(database)
        with database.connect(write=False) as connection:
            kept = text("SELECT id, name, scope, digest, oidc_trust_id FROM api_token")
            assert connection.execute(kept).all() == [("a", "ci", "USER", "d", None)]


def test_a_newer_database_is_refused_and_left_alone(url):
    if url == "memory:":
        pytest.skip("is always new")
    with closing(Database(url)) as database:
        migrate(database)
        with database.connect(write=True) as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        with pytest.raises(ConfigurationError, match=r"revision 9999.*newer version wrote it. Upgrade"):
            migrate(database)
        with database.connect(write=False) as connection:
            assert connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == "9999"


def test_another_programs_database_is_refused(url):
    if url == "memory:":
        pytest.skip("is always new")
    with closing(Database(url)) as database:
        with database.connect(write=True) as connection:
            connection.execute(text("CREATE TABLE places (url TEXT)"))
        with pytest.raises(
            ConfigurationError, match=r"belongs to another program .*'places'.*use a new or empty one"
        ):
            migrate(database)


def test_another_programs_file_stays_as_it_was(tmp_path: Path):
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE places (url TEXT)")
    before = path.read_bytes()
    with closing(Database(f"sqlite:///{path}")) as database, pytest.raises(ConfigurationError):
        migrate(database)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["places.sqlite"]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 100)
    with (
        closing(Database(f"sqlite:///{path}")) as database,
        pytest.raises(ConfigurationError, match=r"notes\.txt cannot"),
    ):
        migrate(database)
    assert path.read_text().startswith("Dear diary")


def test_an_empty_file_is_a_new_database(tmp_path: Path):
    path = tmp_path / "touched.db"
    path.touch()
    with closing(Database(f"sqlite:///{path}")) as database:
        migrate(database)
        migrate(database)


def fail(*_args, **_options):
    raise RuntimeError("the disk is full")


def test_a_failed_migration_leaves_all_as_it_was(url, monkeypatch):
    if url == "memory:":
        pytest.skip("is not migrated")
    from alembic import op

    with closing(Database(url)) as database:
        upgrade(database, "0002")
        before = described(database)
        with monkeypatch.context() as patch:
            # The last thing that a revision after it does.
            patch.setattr(op, "create_index", fail)
            with pytest.raises(RuntimeError, match="disk is full"):
                migrate(database)
        assert described(database) == before
        migrate(database)


def test_a_failed_creation_leaves_nothing_behind(url, monkeypatch):
    if url == "memory:":
        pytest.skip("is gone with its process")
    from alembic import op

    with closing(Database(url)) as database:
        with monkeypatch.context() as patch:
            patch.setattr(op, "create_index", fail)
            statements = migrate_module._creation()
            patch.setattr(migrate_module, "_creation", lambda: (*statements, "CREATE TABLE project (id)"))
            with pytest.raises((RuntimeError, OperationalError), match=r"disk is full|already exists"):
                migrate(database)
        with database.connect(write=False) as connection:
            assert inspect(connection).get_table_names() == []
        migrate(database)


def _migrate(url: str, gate, outcomes) -> None:
    gate.wait()
    try:
        with closing(Database(url)) as database:
            migrate(database)
        outcomes.put("migrated")
    except BaseException as error:
        outcomes.put(repr(error))


@pytest.mark.slow
def test_processes_that_start_together_migrate_once(url):
    if url == "memory:":
        pytest.skip("belongs to one process")
    context = multiprocessing.get_context("spawn")
    gate, outcomes = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_migrate, args=(url, gate, outcomes)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [outcomes.get(timeout=60) for _ in processes] == ["migrated"] * 4
    for process in processes:
        process.join()
    with closing(Database(url)) as database, database.connect(write=False) as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {VERSION_TABLE}")) == 1
