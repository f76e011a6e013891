"""Writers that wait at the same time: kept or undone each on its own, and committed together."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from orchestra_client.server.store.database import Database
from orchestra_client.server.store.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/runs.db")
    with database.connect(write=True) as connection:
        connection.exec_driver_sql("CREATE TABLE done (job INTEGER PRIMARY KEY)")
    yield database
    database.close()


class Crowd:
    """Threads whose jobs wait while another one is under way, so that they become one group."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writers = GroupCommit(database)
        self.values: dict[int, int] = {}
        self.errors: dict[int, BaseException] = {}

    def run(self, works: dict[int, Callable[[Connection], int]]) -> None:
        entered, release = threading.Event(), threading.Event()

        def first(connection: Connection) -> int:
            entered.set()
            release.wait(10)
            return 0

        leader = threading.Thread(target=self.writers.run, args=(first,))
        leader.start()
        entered.wait(10)
        threads = [threading.Thread(target=self._one, args=item) for item in works.items()]
        for thread in threads:
            thread.start()
        while len(self.writers._waiting) < len(works):
            pass
        release.set()
        for thread in (leader, *threads):
            thread.join(10)
            assert not thread.is_alive()

    def _one(self, number: int, work: Callable[[Connection], int]) -> None:
        try:
            self.values[number] = self.writers.run(work)
        except BaseException as error:
            self.errors[number] = error

    @property
    def done(self) -> set[int]:
        with self.database.connect(write=False) as connection:
            return set(connection.scalars(text("SELECT job FROM done")))


@pytest.fixture
def crowd(database: Database) -> Crowd:
    return Crowd(database)


def adding(number: int) -> Callable[[Connection], int]:
    def add(connection: Connection) -> int:
        connection.execute(text("INSERT INTO done VALUES (:number)"), {"number": number})
        return number

    return add


def test_every_job_is_done_and_gets_its_own_value(crowd: Crowd) -> None:
    crowd.run({number: adding(number) for number in range(100)})
    assert crowd.values == {number: number for number in range(100)}
    assert crowd.done == set(range(100))


def test_a_job_that_fails_is_undone_alone(crowd: Crowd) -> None:
    def fail(connection: Connection) -> int:
        adding(1)(connection)
        raise ValueError("no")

    crowd.run({0: adding(0), 1: fail, 2: adding(2)})
    assert crowd.done == {0, 2}
    assert str(crowd.errors[1]) == "no"


def test_a_job_sees_what_those_before_it_did(crowd: Crowd) -> None:
    numbers = itertools.count()

    def count(connection: Connection) -> int:
        adding(next(numbers))(connection)
        return connection.scalar(text("SELECT count(*) FROM done")) or 0

    crowd.run(dict.fromkeys(range(5), count))
    assert sorted(crowd.values.values()) == [1, 2, 3, 4, 5]


def test_a_transaction_that_ends_early_is_nobodys_success(crowd: Crowd) -> None:
    def end(connection: Connection) -> int:
        connection.connection.dbapi_connection.execute("ROLLBACK")  # type: ignore[union-attr]
        raise OperationalError("disk full", None, Exception())

    crowd.run({0: adding(0), 1: end, 2: adding(2)})
    assert crowd.done == set()
    assert set(crowd.errors) == {0, 1, 2}
    assert crowd.writers.run(adding(9)) == 9
    assert crowd.done == {9}


def test_an_interrupted_leader_leaves_the_others_with_an_answer(crowd: Crowd) -> None:
    def interrupt(connection: Connection) -> int:
        raise KeyboardInterrupt

    crowd.run({0: adding(0), 1: interrupt, 2: adding(2)})
    assert crowd.done == set()
    assert any("Try again" in str(error) for error in crowd.errors.values())
    assert crowd.writers.run(adding(9)) == 9


def test_what_is_answered_is_on_the_disk(crowd: Crowd, tmp_path: Path) -> None:
    crowd.writers.run(adding(1))
    other = Database(f"sqlite:///{tmp_path}/runs.db")
    with other.connect(write=False) as connection:
        assert connection.scalar(text("SELECT count(*) FROM done")) == 1
    other.close()


def test_a_database_in_memory_is_written_alike() -> None:
    database = Database("memory:")
    with database.connect(write=True) as connection:
        connection.exec_driver_sql("CREATE TABLE done (job INTEGER PRIMARY KEY)")
    crowd = Crowd(database)
    values: list[Any] = [crowd.writers.run(adding(number)) for number in range(3)]
    assert values == [0, 1, 2]
    assert crowd.done == {0, 1, 2}
    database.close()
