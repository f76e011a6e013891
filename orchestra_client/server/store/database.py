"""The database: connections, transactions, and the schema brought up to date."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from orchestra_client.errors import ConfigurationError, MissingExtra
from orchestra_client.server.store import json, sqlite
from orchestra_client.server.store.session import Session
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client.server.store.views import Scope

BUSY_TIMEOUT = 30.0
"""Seconds that a writer waits for the writers of other processes on the same file."""


MAX_WAL = 64 * 1024 * 1024
"""Bytes that the write-ahead log of an SQLite file keeps once it was written back."""

POOL_SIZE = 32
"""Connections kept ready; making one costs more than a transition does."""


class Database:
    """An SQLite file, a database in memory, or a PostgreSQL database.

    Safe to share between threads, not across a fork. Writers of this process queue on a lock, so that SQLite's
    own polling is met only between processes; every write transaction takes the database's write lock at its
    start, which makes a read followed by a write in it one decision.

    Args:
        url: an SQLAlchemy URL (``sqlite:///runs.db``, ``postgresql+psycopg://…``), or ``memory:``.
        clock: tells the time of a transaction, as an aware datetime.

    Raises:
        ConfigurationError: the URL is not one of these, or its folder does not exist.
        MissingExtra: the driver of PostgreSQL is not installed.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self.url = url
        self._clock = clock
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._reading = _reading(self._engine)
        self._single = threading.RLock() if isinstance(self._engine.pool, StaticPool) else None
        self._writer = self._single or threading.RLock()

    def __str__(self) -> str:
        # Without a password.
        return self.url if self.url == "memory:" else make_url(self.url).render_as_string()

    def now(self) -> str:
        """The time in the store's text form."""
        return format_time(self._clock())

    @contextmanager
    def read(self, scope: Scope) -> Iterator[Session]:
        """A session that sees one state of the database throughout and writes nothing."""
        with self.connect(write=False) as connection:
            yield Session(connection, scope, now=self.now(), can_write=False)

    @contextmanager
    def write(self, scope: Scope) -> Iterator[Session]:
        """A session whose changes are all kept when the block ends, and none when it raises."""
        with self.connect(write=True) as connection:
            yield Session(connection, scope, now=self.now(), can_write=True)

    @contextmanager
    def connect(self, *, write: bool) -> Iterator[Connection]:
        """A transaction without a scope: for credentials and migrations, never for resolvers."""
        lock = self._writer if write and self.is_sqlite else self._single
        with lock or _NO_LOCK, (self._engine if write else self._reading).begin() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection; a database in memory is gone."""
        self._engine.dispose()


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


_NO_LOCK = _NoLock()


def _engine(url: str) -> Engine:
    options: dict[str, Any] = {
        "json_serializer": json.dumps,
        "json_deserializer": json.loads,
        # What is stored is nobody's business in a log.
        "hide_parameters": True,
    }
    if url == "memory:":
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, **options
        )
    else:
        engine = _with_driver(_checked(url), pool_size=POOL_SIZE, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _reading(engine: Engine) -> Engine:
    """The same engine and its connections, for transactions that write nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(orchestra_write=False)
    # PostgreSQL would otherwise show each statement of a read what was committed just before it.
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _with_driver(url: str, **options: Any) -> Engine:
    try:
        return create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise MissingExtra("postgres", "A database on PostgreSQL") from error


def _checked(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(_advice(url)) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise ConfigurationError(_advice(url))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            # Each connection would have a database of its own.
            raise ConfigurationError(_advice(url))
        path = Path(str(parsed.database)).resolve()
        if not path.parent.is_dir():
            raise ConfigurationError(f"There is no folder {path.parent} for the database; create it first.")
        if not str(parsed.database).startswith("file:"):
            _make_private(path)
    return url


def _make_private(path: Path) -> None:
    """Make a file for its owner alone, unless there is one.

    It will hold hashes of tokens, logs and secrets. SQLite gives the files that it puts beside it the same mode.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        # It exists, and its mode is its owner's choice; or it cannot be made, which opening it tells.
        return


def _advice(url: str) -> str:
    shown = url.rsplit("@", maxsplit=1)[-1]
    return f"{shown!r} is not a database; use sqlite:///path/to/file.db, postgresql+psycopg://host/name or memory:"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling would begin too late; `_begin_sqlite` does it.
    connection.isolation_level = None
    sqlite.use_wal(connection, timeout=BUSY_TIMEOUT)
    for pragma in (
        # A transition that was answered survives the loss of power, not only of the process.
        "synchronous=FULL",
        "foreign_keys=ON",
        # One large transaction makes the log as large; without a limit it would stay so for good.
        f"journal_size_limit={MAX_WAL}",
        f"busy_timeout={int(BUSY_TIMEOUT * 1000)}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    sqlite.add_functions(connection)


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get("orchestra_write", True)
    statement = "BEGIN IMMEDIATE" if is_write else "BEGIN"
    # The driver's own connection: this runs twice in every request, and costs SQLAlchemy as much as a query.
    driver = cast("Any", connection.connection.dbapi_connection)
    try:
        driver.execute(statement)
    except sqlite3.OperationalError as error:
        raise OperationalError(statement, None, error) from error
