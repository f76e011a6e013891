"""Pages of lists: how many rows are asked for, and whether there are more than those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client.operations import checks
from orchestra_client.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestra_client.results import Record

__all__ = ["MAX_LIMIT", "Page", "page"]

T = TypeVar("T", bound="Record")

MAX_LIMIT = 10_000
"""Rows of one page: more would be an answer of many megabytes."""

_MAX_OFFSET = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows to answer, of all that fit.

    Attributes:
        limit: how many at most.
        offset: how many to leave out first.
        most: the largest limit that a server takes.
    """

    limit: int
    offset: int
    most: int

    @property
    def asked(self) -> int:
        """How many rows to ask for: one more than wanted tells that there are more, unless a server refuses so many."""
        return min(self.limit + 1, self.most)

    @property
    def variables(self) -> dict[str, int]:
        """What a document's `$limit` and `$offset` are."""
        return {"limit": self.asked, "offset": self.offset}

    def read(self, rows: Sequence[Any], parse: Callable[[Any], T], kind: type[T]) -> Records[T]:
        """The rows that are wanted, and whether those are all that there are.

        Args:
            rows: what was answered.
            parse: makes a result of a row.
            kind: the results' class.
        """
        # A largest page that is full leaves open whether there are more; to say so is the safe side.
        return Records(map(parse, rows[: self.limit]), kind=kind, is_whole=len(rows) < self.asked)


def page(limit: int, offset: int, *, most: int = MAX_LIMIT) -> Page:
    """Which rows to answer, checked.

    Args:
        limit: how many at most, from 1.
        offset: how many to leave out first, from 0.
        most: the largest limit.

    Raises:
        TypeError: one of them is no whole number.
        BadInput: one of them is out of bounds.
    """
    return Page(checks.within(limit, "limit", 1, most), checks.within(offset, "offset", 0, _MAX_OFFSET), most)
