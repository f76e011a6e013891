"""How large an answer may grow, however few rows the database holds, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.errors import PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ROWS = 250_000
"""Rows of one answer unless the server was set up otherwise."""

TOO_LONG = "The answer takes too long; ask for less at once, or more precisely (`where`, `limit`)."


@dataclass(slots=True)
class Budget:
    """The rows that the answer of one request may still hold; a row counts at each place where it stands.

    Relationships lead back to where they came from (a run's task runs, their run, its task runs …), so a handful of rows
    can make an answer that no memory holds. Belongs to one request; not safe to share between threads.

    Attributes:
        rows: how many are left.
        deadline: when nothing more is read, by `clock`; never for what must not be cut short.
        clock: tells seconds that only grow.
    """

    rows: int = MAX_ROWS
    deadline: float = float("inf")
    clock: Callable[[], float] = time.monotonic

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.clock() > self.deadline

    @property
    def most(self) -> int:
        """How many rows are worth reading at once: one more than are left tells enough.

        Raises:
            PayloadTooLarge: no more may be read, or not any longer.
        """
        self.check(0)
        return self.rows + 1

    def check(self, rows: int) -> None:
        """See to it that so many more rows are left, and time. Once they are not, nothing is.

        Raises:
            PayloadTooLarge: they are not.
        """
        if rows > self.rows:
            self.rows = -1
            raise PayloadTooLarge(
                "The answer would hold too many rows; ask for fewer with `limit`, or for fewer relationships at once."
            )
        if self.is_over:
            raise PayloadTooLarge(TOO_LONG)

    def spend(self, rows: int) -> None:
        """Take `rows` off.

        Raises:
            PayloadTooLarge: fewer are left.
        """
        self.check(rows)
        self.rows -= rows
