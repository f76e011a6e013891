"""What is to happen later, in order of time. Pure."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timers"]


class Timers:
    """Calls to make at a time. Belongs to one thread."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._serials = itertools.count()

    def at(self, moment: float, call: Callable[[], object]) -> None:
        """Remember a call.

        Args:
            moment: when, in the seconds of a monotonic clock.
            call: what to call then.
        """
        heapq.heappush(self._heap, (moment, next(self._serials), call))

    def next_after(self, now: float) -> float | None:
        """Seconds until the next call, at least 0; None when there is none."""
        return max(0.0, self._heap[0][0] - now) if self._heap else None

    def run_due(self, now: float) -> None:
        """Make all calls whose time has come, earliest first."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()

    def clear(self) -> None:
        """Forget all of them."""
        self._heap.clear()
