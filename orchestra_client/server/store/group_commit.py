"""Writers that wait at the same time, committed together.

A commit waits for the disk, and SQLite has one writer at a time: done singly, durable writes come no faster than the
disk confirms them. Whoever finds the database idle leads: it runs everything that is waiting, in one transaction,
and commits once. What arrives meanwhile is the next group. Nobody is told of success before it is on the disk.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from orchestra_client.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from orchestra_client.server.store.database import Database

MAX_GROUP = 64
"""Jobs of one transaction, so that the first does not wait for many others."""

T = TypeVar("T")


class GroupCommit:
    """Runs write jobs.

    Each job runs as if it had a transaction of its own: its changes are kept or undone on their own, and it sees those
    of the jobs before it. On PostgreSQL, which has many writers and groups their commits itself, it does have one.
    Safe to share between threads.

    Args:
        database: where to.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: list[_Job[Any]] = []
        self._is_led = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """The value of `work`, once its changes are on the disk.

        Args:
            work: called with an open write transaction, perhaps in another thread.

        Raises:
            ServerError: the transaction was interrupted; nothing was changed.
            Exception: whatever `work` raised; nothing was changed.
        """
        if not self._database.is_sqlite:
            with self._database.connect(write=True) as connection:
                return work(connection)
        job = _Job(work)
        with self._lock:
            self._waiting.append(job)
            leads, self._is_led = not self._is_led, True
        if not leads:
            self._wait(job)
        if not job.is_done:
            self._lead()
        return job.result()

    def _wait(self, job: _Job[Any]) -> None:
        try:
            job.turn.wait()
        except BaseException:
            # Ctrl-C: nobody may be left to wait for this thread's lead.
            with self._lock:
                is_in_line = job in self._waiting
                if is_in_line:
                    self._waiting.remove(job)
            if is_in_line and job.turn.is_set():
                self._pass_on()
            raise

    def _lead(self) -> None:
        with self._lock:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
        try:
            self._commit(group)
        finally:
            for job in group:
                job.is_done = True
                job.turn.set()
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the first in line lead."""
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._is_led = successor is not None
        if successor:
            successor.turn.set()

    def _commit(self, group: Sequence[_Job[Any]]) -> None:
        try:
            with self._database.connect(write=True) as connection:
                for job in group:
                    job.run(connection)
        except BaseException as error:
            for job in group:
                job.fail(error)
            if not isinstance(error, Exception):
                raise


class _Job(Generic[T]):
    """One job, and what came of it; `turn` comes when it is done, or when its thread is to lead."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self._work = work
        self._value: T | None = None
        self._error: Exception | None = None
        self.turn = threading.Event()
        self.is_done = False

    def run(self, connection: Connection) -> None:
        """Do the work; when it fails, undo it alone."""
        # The driver's own connection: this runs for every write, and SQLAlchemy's savepoints cost as much as a query.
        driver = cast("Any", connection.connection.dbapi_connection)
        driver.execute("SAVEPOINT job")
        try:
            self._value = self._work(connection)
        except Exception as error:
            # A full disk, for one, ends the whole transaction: then nobody's work was done.
            if not driver.in_transaction:
                raise
            driver.execute("ROLLBACK TO job")
            self._error = error
        driver.execute("RELEASE job")

    def fail(self, error: BaseException) -> None:
        """Note that the transaction failed, unless the work had failed before."""
        if self._error is None:
            interrupted = ServerError("The server was interrupted; nothing was changed. Try again.")
            self._error = error if isinstance(error, Exception) else interrupted

    def result(self) -> T:
        """What the work returned.

        Raises:
            Exception: what it raised.
        """
        if self._error is not None:
            raise self._error
        return cast("T", self._value)
