"""Streams that the API has refused from this process, and when each is worth another try."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestra_client.clock import Clock

__all__ = ["Shelf"]

_FIRST = 60.0
_LONGEST = 6 * 3600.0
"""Seconds until a refused stream is tried again, at first and at most; they double in between."""

_CAPACITY = 10_000
"""Streams that are remembered; whichever is forgotten is tried once more."""


class Shelf:
    """Remembers streams that were refused: their runs are deleted, or another tenant's, and seldom come back.

    Not safe to share between threads.

    Args:
        clock: tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: dict[str, tuple[float, float]] = {}

    def put(self, name: str) -> None:
        """Take note that a stream was refused."""
        _, pause = self._tries.pop(name, (0.0, _FIRST / 2))
        pause = min(pause * 2, _LONGEST)
        self._tries[name] = self._clock.monotonic() + pause, pause
        if len(self._tries) > _CAPACITY:
            del self._tries[next(iter(self._tries))]

    def is_due(self, name: str) -> bool:
        """Whether a stream was not refused, or long enough ago."""
        due, _ = self._tries.get(name, (0.0, 0.0))
        return self._clock.monotonic() >= due

    def remove(self, name: str) -> None:
        """Forget a stream: it was taken."""
        self._tries.pop(name, None)
