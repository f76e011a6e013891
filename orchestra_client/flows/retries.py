"""How long to wait before a task is tried again: a value that travels, computed from the number of the try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RetryPolicy"]

_LONGEST = timedelta(days=365)


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed task run is tried again. Immutable, hence safe to share.

    Args:
        max_retries: how many tries follow the first one.
        delay: the wait before the second try.
        backoff: what each later wait is multiplied by, from 1 for equal waits; 2 doubles them.
        jitter: by what share of itself a wait is varied at random, from 0 for not at all to 1.

    Raises:
        FlowError: a number is out of its range.
    """

    max_retries: int = 0
    delay: timedelta = timedelta(0)
    backoff: float = 1
    jitter: float = 0

    def __post_init__(self) -> None:
        if self.delay < timedelta(0):
            raise FlowError(f"retry_delay must not be negative, not {self.delay}")
        if not self.backoff >= 1:
            raise FlowError(f"retry_backoff must be 1 or more, not {self.backoff!r}; 2 doubles each wait")
        if not 0 <= self.jitter <= 1:
            raise FlowError(f"retry_jitter must be from 0 to 1, a share of the wait, not {self.jitter!r}")

    def allows(self, run_count: int) -> bool:
        """Whether another try follows.

        Args:
            run_count: how many tries there were, from 1.
        """
        return run_count <= self.max_retries

    def wait(self, run_count: int, random: Callable[[], float]) -> timedelta:
        """How long to wait before the next try.

        Args:
            run_count: how many tries there were, from 1.
            random: called without arguments; returns a number from 0 to 1.

        Returns:
            The wait, at most a year.
        """
        spread = 1 + self.jitter * (2 * random() - 1)
        try:
            return min(_LONGEST, self.delay * (float(self.backoff) ** (run_count - 1) * spread))
        except OverflowError:
            return _LONGEST
