"""Batches, and the parts of a batch that was refused; without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """Records that are delivered together or not at all, under a key that is theirs for good.

    Attributes:
        lines: the records as JSON, in order, at least one.
        key: a UUID.
    """

    lines: Sequence[bytes]
    key: str

    def halves(self) -> tuple[Part, Part]:
        """The first and the second half of at least two records.

        Their keys are made of this one's: whoever halves it again, perhaps another process after a crash, sends the
        same records under the same keys, and what was delivered before is not delivered twice.
        """
        middle = len(self.lines) // 2
        return (
            Part(self.lines[:middle], str(uuid5(UUID(self.key), "first half"))),
            Part(self.lines[middle:], str(uuid5(UUID(self.key), "second half"))),
        )
