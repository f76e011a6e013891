"""How long to wait after a failure, and after the next one; without a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Backoff"]

# Doubling more often than this adds nothing but an overflow.
_MAX_DOUBLINGS = 32


class Backoff:
    """Waits that double from failure to failure, each shortened at random by up to half.

    Not safe to share between threads.

    Args:
        first: seconds of the first wait, before chance shortens it.
        longest: seconds of the longest.
        random: returns a float in [0, 1).
    """

    def __init__(self, first: float, longest: float, random: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self.failures = 0

    def fail(self, at_least: float = 0.0) -> float:
        """Count a failure.

        Args:
            at_least: seconds that the other side asked to wait.

        Returns:
            Seconds to wait.
        """
        full = min(self._longest, self._first * 2.0 ** min(self.failures, _MAX_DOUBLINGS))
        self.failures += 1
        return max(full * (1 - self._random() / 2), at_least)

    def succeed(self) -> None:
        """Forget the failures."""
        self.failures = 0
