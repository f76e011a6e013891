"""Brings a database to the schema that this version works with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_mock_engine, inspect, text
from sqlalchemy.engine import make_url

from orchestra_client._version import __version__
from orchestra_client.errors import ConfigurationError
from orchestra_client.server.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection
    from sqlalchemy.schema import ExecutableDDLElement

    from orchestra_client.server.store.database import Database

HEAD = "0005"
"""The newest revision in `migrations/versions`, which a test keeps true; known here so as not to import Alembic."""
VERSION_TABLE = "orchestra_revision"
"""Where a database's revision is noted; Alembic's usual name may be another program's."""

# Any number, as long as every process takes the same one.
_ADVISORY_LOCK = 0x6F72636865737472


def migrate(database: Database) -> None:
    """Bring `database` to the schema of this version; at once when it is there already.

    Any number of processes may do so at the same time: one does the work, in one transaction, and the others wait.

    Raises:
        ConfigurationError: the database holds something else, or was written by a newer version. Nothing was changed.
    """
    _check_file(database.url)
    with database.connect(write=False) as connection:
        if _revision(connection) == HEAD:
            return
    with database.connect(write=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        revision = _revision(connection)
        if revision is None and connection.dialect.name == "sqlite":
            _create(connection)
        elif revision != HEAD:
            _upgrade(connection, revision)


def _create(connection: Connection) -> None:
    """Make an empty SQLite database one of this version; going through all revisions takes twenty times as long."""
    for statement in _creation():
        connection.exec_driver_sql(statement)


@cache
def _creation() -> tuple[str, ...]:
    """The statements that make it one; writing them takes longer than executing them."""
    statements = [
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')",  # noqa: S608 (constants)
    ]

    def note(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        statements.append(str(element.compile(dialect=engine.dialect)))

    engine = create_mock_engine("sqlite://", note)
    t.metadata.create_all(engine, checkfirst=False)
    return tuple(statements)


def _check_file(url: str) -> None:
    """Refuse a file of another program before it is opened in earnest, which would change its journal mode."""
    if url == "memory:":
        return
    parsed = make_url(url)
    path = Path(parsed.database or "")
    if parsed.get_backend_name() != "sqlite" or not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            _check_tables({name for (name,) in rows})
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"{path} cannot be read as an SQLite database ({error}); use another path."
        ) from None


def _check_tables(tables: Collection[str]) -> None:
    if tables and VERSION_TABLE not in tables:
        raise ConfigurationError(
            f"The database belongs to another program (it has a table {min(tables)!r}); use a new or empty one."
        )


def _revision(connection: Connection) -> str | None:
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        _check_tables(inspector.get_table_names())
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 (a constant)
    return revision


def _upgrade(connection: Connection, revision: str | None) -> None:
    # Alembic takes a fifth of a second to import, and only an older database needs it, or a new one on PostgreSQL.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "orchestra_client.server.store:migrations")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision not in {None, *known}:
        raise ConfigurationError(
            f"The database is at revision {revision}, which orchestra-client {__version__} does not know: a newer "
            "version wrote it. Upgrade orchestra-client, or use another database."
        )
    command.upgrade(config, "head")
