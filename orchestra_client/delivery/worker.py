"""A thread that goes on, whatever happens to what it does, and to itself."""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING

from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.forks import renew_in_children

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Worker"]

_log = logging.getLogger("orchestra_client.delivery")


class Worker:
    """A daemon thread that does a job turn by turn.

    A turn that raises is told in the log and followed by a growing pause. A thread that ended all the same, be it
    through an exception that was thrown into it, is replaced at the next `ensure`. Safe to share between threads. A
    forked child has none until it calls `ensure`.

    Args:
        name: of the thread, for debuggers and the log.
        job: does one turn; returns the seconds until the next one, or None to wait until it is woken.
        backoff: the pauses after turns that raised; unset means from half a second to half a minute.
        threaded: False never starts the thread: someone else does the turns.
    """

    def __init__(
        self,
        name: str,
        job: Callable[[], float | None],
        *,
        backoff: Backoff | None = None,
        threaded: bool = True,
    ) -> None:
        self._name = name
        self._job = job
        self._threaded = threaded
        self._backoff = backoff or Backoff(0.5, 30.0, random.random)
        self._begin()
        renew_in_children(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    renew = _begin

    @property
    def ident(self) -> int | None:
        """Which thread it is, as `threading.get_ident` says in it; None while there is none."""
        return self._thread.ident if self._thread else None

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def ensure(self) -> bool:
        """Start the thread where it does not run.

        Returns:
            Whether it runs now. The interpreter starts no new threads while it ends.
        """
        if self.is_alive:
            return True
        with self._lock:
            self._start_unless_stopped()
        return self.is_alive

    def wake(self) -> None:
        """Have the next turn begin at once."""
        self._woken.set()

    def stop(self, timeout: float) -> bool:
        """Let the turn that is under way come to its end, and begin no other. It cannot be started again.

        Args:
            timeout: seconds to wait for that end.

        Returns:
            Whether the thread has ended; one that has not ends with the process at the latest.
        """
        with self._lock:
            self._is_stopped = True
            thread = self._thread
        self._woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return not self.is_alive

    def _start_unless_stopped(self) -> None:
        # Another thread may have been faster.
        if self._is_stopped or self.is_alive or not self._threaded:
            return
        if self._thread is not None:
            _log.warning("The thread %s had ended; it is started again.", self._name)
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            _log.warning("The thread %s cannot be started: %s.", self._name, error)
        else:
            self._thread = thread

    def _run(self) -> None:
        while not self._is_stopped:
            pause = self._turn()
            self._woken.wait(pause)
            self._woken.clear()

    def _turn(self) -> float | None:
        try:
            pause = self._job()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may do better
            pause = self._backoff.fail()
            _log.exception("The thread %s failed (%s); again in %.1f s.", self._name, error, pause)
        else:
            self._backoff.succeed()
        return pause
