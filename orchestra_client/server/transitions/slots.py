"""Tag limits: who may enter Running. The slots are counted from the states of task runs, so none can leak."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class TagSlots:
    """The slots of some tags during one transaction. Not safe to share between threads.

    Args:
        limits: of each tag that has one; a tag without one is free.
        held: how many task runs with the tag are running.
    """

    def __init__(self, limits: Mapping[str, int], held: Mapping[str, int]) -> None:
        self._limits = limits
        self._held = Counter(held)

    def shortage(self, tags: Iterable[str]) -> str | None:
        """Why a task run with these tags has to wait, naming tag, limit and holders, or None when it need not."""
        for tag in tags:
            limit = self._limits.get(tag)
            if limit is not None and self._held[tag] >= limit:
                return self._reason(tag, limit)
        return None

    def take(self, tags: Iterable[str]) -> None:
        """A task run with these tags enters Running."""
        self._held.update(tags)

    def release(self, tags: Iterable[str]) -> None:
        """A task run with these tags leaves Running."""
        self._held.subtract(tags)

    def _reason(self, tag: str, limit: int) -> str:
        if limit == 0:
            return f"Queued: the limit of tag {tag!r} is 0, which stops it."
        return f"Queued: the limit of tag {tag!r} is {limit}, and {self._held[tag]} task runs hold its slots."
