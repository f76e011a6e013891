"""How large an answer may grow, however few rows the database holds."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra_client.errors import PayloadTooLarge

MAX_ROWS = 250_000
"""Rows of one answer unless the server was set up otherwise."""


@dataclass(slots=True)
class Budget:
    """The rows that the answer of one request may still hold; a row counts at each place where it stands.

    Relationships lead back to where they came from (a run's task runs, their run, its task runs …), so a handful of rows
    can make an answer that no memory holds. Belongs to one request; not safe to share between threads.

    Attributes:
        rows: how many are left.
    """

    rows: int = MAX_ROWS

    def spend(self, rows: int) -> None:
        """Take `rows` off.

        Raises:
            PayloadTooLarge: fewer are left.
        """
        self.rows -= rows
        if self.rows < 0:
            raise PayloadTooLarge(
                "The answer would hold too many rows; ask for fewer with `limit`, or for fewer relationships at once."
            )
