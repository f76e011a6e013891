"""Loops: each service in a thread of its own, round after round, whatever goes wrong in one of them."""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

MAX_BACKOFF = 300.0
"""Seconds between the rounds of a service that keeps failing."""

JITTER = 0.1
"""By what part an interval is shorter or longer, so that services and processes do not march in step."""


class Loop:
    """Does some work again and again, in a thread, until it is stopped.

    What the work raises is logged, and the work tried again after a while that doubles with each failure. Safe to
    share between threads; does not survive a fork.

    Args:
        name: of the thread, and in the log.
        work: one round.
        interval: seconds between two rounds.
        uniform: draws a random number between two bounds.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        interval: float,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._name = name
        self._work = work
        self._interval = interval
        self._uniform = uniform
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"orchestra-{name}", daemon=True)

    def start(self) -> None:
        """Begin with the first round, at once."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Let the round that is under way be the last."""
        self._stopping.set()

    def join(self, seconds: float) -> bool:
        """Wait for the last round; whether it has come to its end."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def turn(self) -> float:
        """Do one round; how many seconds to wait for the next."""
        try:
            self._work()
        except Exception:  # noqa: BLE001 (whatever it is, the service goes on)
            self._failures += 1
            # The shift stays small, however long a database is away.
            delay = min(self._interval * 2.0 ** min(self._failures, 16), max(MAX_BACKOFF, self._interval))
            _log.exception(
                "The %s failed %d times in a row; again in %.0f s.", self._name, self._failures, delay
            )
        else:
            self._failures = 0
            delay = self._interval
        return delay * self._uniform(1 - JITTER, 1 + JITTER)

    def _run(self) -> None:
        while not self._stopping.wait(self.turn()):
            pass
