"""A statement that takes too long is ended by the database, and whoever comes next is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from orchestra_client.errors import PayloadTooLarge
from orchestra_client.server.store.budget import Budget
from orchestra_client.server.store.interruption import within

if TYPE_CHECKING:
    from sqlalchemy import TextClause

    from orchestra_client.server.store.database import Database


def endless(database: Database) -> TextClause:
    if database.is_sqlite:
        return text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0"
        )
    return text("SELECT pg_sleep(60)")


def soon() -> Budget:
    return Budget(deadline=time.monotonic() + 0.2)


def test_an_endless_statement_is_ended_and_said_to_take_too_long(database: Database) -> None:
    started = time.monotonic()

    with (
        pytest.raises(PayloadTooLarge, match="takes too long"),
        database.connect(write=False) as connection,
        within(connection, soon()),
    ):
        connection.execute(endless(database))

    assert time.monotonic() - started < 10


def test_what_comes_after_it_on_the_same_connection_has_its_own_time(database: Database) -> None:
    with database.connect(write=False) as connection, within(connection, soon()):
        connection.execute(text("SELECT 1"))
    time.sleep(0.3)

    for budget in (Budget(), Budget(deadline=time.monotonic() + 60)):
        with database.connect(write=False) as connection, within(connection, budget):
            rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(*) FROM n"
            assert connection.scalar(text(rows)) == 200_000
