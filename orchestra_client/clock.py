"""The time as the client sees it: what o'clock it is, how long something took, and waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Tells the time and waits; :class:`orchestra_client.testing.VirtualClock` does both without taking any."""

    def now(self) -> datetime:
        """The current time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never turned back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait in this thread.

        Args:
            seconds: how long, at least 0.
        """
        ...

    async def async_sleep(self, seconds: float) -> None:
        """Wait in this task, while others go on.

        Args:
            seconds: how long, at least 0.
        """
        ...


class SystemClock:
    """The clock of this machine. Has no state, so it is safe to share and to fork."""

    def now(self) -> datetime:
        """The current time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never turned back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait in this thread."""
        time.sleep(seconds)

    async def async_sleep(self, seconds: float) -> None:
        """Wait in this task, while others go on."""
        import asyncio  # noqa: PLC0415  # a client of threads never needs it

        await asyncio.sleep(seconds)
