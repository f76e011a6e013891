"""Saying clearly that a client was closed, or that it crossed a fork or moved to another event loop."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NoReturn

from orchestra_client.errors import ClientClosed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Guard", "Uses"]


class Guard:
    """Checks, before each use, that what it guards can still be used.

    A forked child shares its parent's sockets and database handles, where two processes would read each other's
    answers. The check costs a fifth of a microsecond. Safe to share between threads.

    Args:
        subject: what is guarded, as the start of a sentence.
    """

    __slots__ = ("_is_closed", "_loop", "_pid", "_subject")

    def __init__(self, subject: str = "This client") -> None:
        self._subject = subject
        self._pid = os.getpid()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    @property
    def is_foreign(self) -> bool:
        """Whether this process is a forked child of the one that opened the guarded object."""
        return os.getpid() != self._pid

    @property
    def is_in_loop(self) -> bool:
        """Whether the running event loop is the one that owns the guarded object, or none owns it yet."""
        return self._loop is None or self._loop is _running_loop()

    def check(self) -> None:
        """Let a use pass.

        Raises:
            ClientClosed: after :meth:`close`, or in a forked child.
        """
        if self._is_closed or os.getpid() != self._pid:
            self._refuse()

    def check_loop(self) -> None:
        """Let a use from a coroutine pass; the first one decides which event loop owns the guarded object.

        Raises:
            ClientClosed: as :meth:`check`, or in another event loop than the first.
        """
        self.check()
        if self._loop is None:
            self._loop = _running_loop()
        elif not self.is_in_loop:
            raise ClientClosed(
                f"{self._subject} was first used in another event loop, to which its connections belong; "
                "create one inside each loop."
            )

    def close(self) -> bool:
        """Refuse every use from now on.

        Returns:
            True when the caller should release what is guarded: once, and never in a forked child, where that would
            disturb the parent's connections.
        """
        is_first = not self._is_closed and not self.is_foreign
        self._is_closed = True
        return is_first

    def _refuse(self) -> NoReturn:
        if self.is_foreign:
            raise ClientClosed(
                f"{self._subject} was opened in process {self._pid} and cannot be used in its forked child "
                f"{os.getpid()}; create a new one there."
            )
        raise ClientClosed(f"{self._subject} is closed; create a new one.")


def _running_loop() -> asyncio.AbstractEventLoop:
    from asyncio import get_running_loop  # noqa: PLC0415  # slow to import, and clients in threads never need it

    return get_running_loop()


class Uses:
    """Counts the uses that are under way, so that nothing is released under them.

    A socket that is closed while another thread waits for it leaves that thread waiting. As a context manager, it is
    one use, which :meth:`Guard.check` lets pass. Safe to share between threads.

    Args:
        guard: of what is used.
        release: called once it is closed and not in use any more; again when a use had just begun at that moment.
    """

    __slots__ = ("_count", "_guard", "_lock", "_release")

    def __init__(self, guard: Guard, release: Callable[[], None]) -> None:
        self._guard = guard
        self._release = release
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._guard.check()
        with self._lock:
            self._count += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            is_over = not self._count and self._guard.is_closed
        if is_over:
            self._release()

    def close(self) -> None:
        """Refuse further uses; release now, or after the last one that is under way."""
        if not self._guard.close():
            return
        with self._lock:
            is_idle = not self._count
        if is_idle:
            self._release()
