"""Loops and what runs them: rounds that fail are logged and tried again, whatever happens."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.services.background import Background
from orchestra_client.server.services.loops import Loop
from orchestra_client.server.services.rounds import Report, Round
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator


def middle(low: float, high: float) -> float:
    """No jitter."""
    return (low + high) / 2


def test_rounds_follow_each_other_at_the_interval() -> None:
    loop = Loop("idle", lambda: None, 30, uniform=middle)
    assert [loop.turn() for _ in range(3)] == [30, 30, 30]


def test_the_interval_is_a_little_shorter_or_longer() -> None:
    assert Loop("idle", lambda: None, 30, uniform=lambda low, _: low).turn() == pytest.approx(27)
    assert Loop("idle", lambda: None, 30, uniform=lambda _, high: high).turn() == pytest.approx(33)


def test_failures_are_logged_and_tried_again_less_and_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise RuntimeError("the database is away")

    loop = Loop("idle", fail, 30, uniform=middle)
    assert [loop.turn() for _ in range(5)] == [60, 120, 240, 300, 300]
    assert caplog.messages[1] == "The idle failed 2 times in a row; again in 120 s."
    assert "the database is away" in caplog.text


def test_a_long_interval_is_not_shortened_by_failures() -> None:
    def fail() -> None:
        raise RuntimeError("no")

    assert Loop("idle", fail, 1000, uniform=middle).turn() == 1000


def test_success_brings_the_interval_back() -> None:
    rounds = iter([True, True, False])

    def fail_twice() -> None:
        if next(rounds):
            raise RuntimeError("no")

    loop = Loop("idle", fail_twice, 30, uniform=middle)
    assert [loop.turn() for _ in range(3)] == [60, 120, 30]


def test_a_loop_is_stopped_without_waiting_for_its_interval() -> None:
    began = threading.Event()
    loop = Loop("idle", began.set, 3600)
    loop.start()
    assert began.wait(10)
    loop.ask_to_stop()
    assert loop.join(10)


def test_the_round_under_way_is_finished() -> None:
    began, go_on, finished = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go_on.wait(10)
        finished.set()

    loop = Loop("idle", work, 3600)
    loop.start()
    assert began.wait(10)
    loop.ask_to_stop()
    assert not loop.join(0.01)
    go_on.set()
    assert loop.join(10)
    assert finished.is_set()


class Ticking:
    """A service that tells when it did a round."""

    name = "ticking"
    interval = 0.01

    def __init__(self) -> None:
        self.rounds = threading.Semaphore(0)

    def run_once(self, round: Round) -> Report:
        self.rounds.release()
        return Report()


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database("memory:")
    migrate(database)
    yield database
    database.close()


def test_services_run_until_they_are_stopped_and_give_their_leases_back(database: Database) -> None:
    first, second = Ticking(), Ticking()
    before = set(threading.enumerate())
    background = Background(database, [first], is_server=True)
    background.start()
    for _ in range(3):
        assert first.rounds.acquire(timeout=10)
    background.stop()
    assert set(threading.enumerate()) <= before

    other = Background(database, [second], is_server=True)
    other.start()
    assert second.rounds.acquire(timeout=10)
    other.stop()


def test_a_database_that_is_away_does_not_end_a_service(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    class Unlucky(Ticking):
        def run_once(self, round: Round) -> Report:
            super().run_once(round)
            raise OSError("away")

    service = Unlucky()
    background = Background(database, [service], is_server=False)
    background.start()
    for _ in range(3):
        assert service.rounds.acquire(timeout=10)
    background.stop()
    assert "The ticking failed 2 times in a row" in caplog.text
