"""A clock that tests turn by hand."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

__all__ = ["VirtualClock"]


class VirtualClock:
    """A clock for clients and embedded servers on which waiting takes no time: it just moves the hands.

    ::

        clock = VirtualClock()
        with memory_client(clock=clock) as client:
            clock.advance(3600)      # an hour later, for the client and its server

    Safe to share between threads and tasks.

    Args:
        start: what o'clock it is at first; a naive time is UTC.

    Attributes:
        pauses: the seconds of every wait so far, in order.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start.replace(tzinfo=start.tzinfo or UTC)
        self._passed = 0.0
        self._lock = threading.Lock()
        self.pauses: list[float] = []

    def __repr__(self) -> str:
        return f"<VirtualClock {self.now().isoformat()}>"

    def now(self) -> datetime:
        """The current time, in UTC."""
        return (self._start + timedelta(seconds=self._passed)).astimezone(UTC)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: how much, at least 0.

        Raises:
            ValueError: it is negative; time does not run backwards.
        """
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds} s")
        with self._lock:
            self._passed += seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass and remember that someone waited for it."""
        self.pauses.append(seconds)
        self.advance(seconds)

    async def async_sleep(self, seconds: float) -> None:
        """As `sleep`, giving other tasks a chance to run."""
        self.sleep(seconds)
        await asyncio.sleep(0)
