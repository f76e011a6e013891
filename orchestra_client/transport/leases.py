"""One open store for all clients of a process that name the same one, closed when the last of them is.

Nothing in here knows what a store is: it is something that is opened by a key and has a `close`.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Closable", "Lease", "Leases"]


class Closable(Protocol):
    """Something to be closed."""

    def close(self) -> None:
        """Release what it holds."""
        ...


S = TypeVar("S", bound=Closable)


class Lease(Generic[S]):
    """One client's share in an open store. Safe to share between threads.

    Args:
        subject: the store.
        give_back: called once, when the lease is released and nothing uses it any more.
    """

    def __init__(self, subject: S, give_back: Callable[[], None] = lambda: None) -> None:
        self._subject = subject
        self._give_back = give_back
        self._users = 0
        self._idle = threading.Condition()

    @contextmanager
    def use(self) -> Iterator[S]:
        """The store, which is not closed before the block ends."""
        with self._idle:
            self._users += 1
        try:
            yield self._subject
        finally:
            with self._idle:
                self._users -= 1
                if not self._users:
                    self._idle.notify_all()

    def release(self) -> None:
        """Wait for the uses that are under way, and give the share back. To be called once."""
        with self._idle:
            self._idle.wait_for(lambda: not self._users)
        self._give_back()


class Leases(Generic[S]):
    """The open stores of this process by key.

    Safe to share between threads. A forked child starts without any: stores do not survive a fork, so those of the
    parent are neither used nor closed there.

    Args:
        open_store: opens the store for a key.
    """

    def __init__(self, open_store: Callable[[str], S]) -> None:
        self._open = open_store
        self._shares: dict[str, tuple[S, int]] = {}
        self._lock = threading.Lock()
        # What the parent had open is kept from being collected, which would close it.
        self._inherited: list[dict[str, tuple[S, int]]] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def acquire(self, key: str) -> Lease[S]:
        """A share in the store for `key`, which is opened for the first.

        Raises:
            OrchestraError: whatever opening raises; nothing is kept then.
        """
        with self._lock:
            subject, count = self._shares[key] if key in self._shares else (self._open(key), 0)
            self._shares[key] = (subject, count + 1)
        return Lease(subject, lambda: self._release(key))

    def _release(self, key: str) -> None:
        with self._lock:
            subject, count = self._shares.pop(key)
            if count > 1:
                self._shares[key] = (subject, count - 1)
            else:
                # Under the lock, so that nobody opens the store anew while it is being closed.
                subject.close()

    def _forget(self) -> None:
        self._inherited.append(self._shares)
        self._shares = {}
        self._lock = threading.Lock()
