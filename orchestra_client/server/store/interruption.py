"""Statements that outlast their request's time are ended by the database itself.

Between statements a :class:`~orchestra_client.server.store.budget.Budget` is asked whether there is time left. One statement
alone can go on for hours, though, long after whoever asked has gone, and hold a worker and a processor all the while.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy.exc import DBAPIError

from orchestra_client.errors import PayloadTooLarge
from orchestra_client.server.store.budget import TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from orchestra_client.server.store.budget import Budget

STEPS = 1_000_000
"""Instructions of SQLite's virtual machine between two looks at the clock: some hundredths of a second. Each look has to
wait for the interpreter's lock, so more of them would slow everybody down."""

_INTERRUPTED = ("SQLITE_INTERRUPT", "57014")
"""What SQLite and PostgreSQL call a statement that was ended (https://www.sqlite.org/rescode.html#interrupt,
https://www.postgresql.org/docs/current/errcodes-appendix.html: query_canceled)."""


def code_of(error: DBAPIError) -> str | None:
    """What the database calls an error: SQLite's name or PostgreSQL's SQLSTATE; None where the driver does not say."""
    return getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)


@contextmanager
def within(connection: Connection, budget: Budget) -> Iterator[None]:
    """End each statement of the block once the budget's time is over.

    Args:
        connection: in a transaction, and used by one thread.
        budget: whose deadline counts; one without a deadline ends nothing.

    Raises:
        PayloadTooLarge: a statement was ended.
    """
    if math.isinf(budget.deadline):
        yield
        return
    with _limited(connection, budget):
        try:
            yield
        except DBAPIError as error:
            if code_of(error) in _INTERRUPTED:
                raise PayloadTooLarge(TOO_LONG) from error
            raise


@contextmanager
def _limited(connection: Connection, budget: Budget) -> Iterator[None]:
    if connection.dialect.name == "sqlite":
        driver = cast("Any", connection.connection.dbapi_connection)
        driver.set_progress_handler(lambda: budget.is_over, STEPS)
        try:
            yield
        finally:
            # The connection goes back to the others.
            driver.set_progress_handler(None, 0)
    else:
        # 0 would mean for ever. It ends with the transaction.
        milliseconds = max(1, int((budget.deadline - budget.clock()) * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        yield
