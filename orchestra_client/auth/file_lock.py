"""A lock between processes, for the moment in which a small file is read, changed and replaced."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["locked", "try_lock"]

# A holder is done within milliseconds; one that is not has been stopped, and waiting longer would not help.
_PATIENCE = 10.0
_PAUSE = 0.02


@contextmanager
def locked(
    path: Path,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """Hold the lock that the file at `path` stands for; the system frees it when its holder dies.

    Args:
        path: of a file made for this purpose alone; it stays behind, empty.
        clock: seconds that only grow.
        sleep: waits between two attempts.

    Raises:
        ConfigurationError: another process holds it for longer than ten seconds.
        OSError: the file cannot be created.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = clock() + _PATIENCE
        while not try_lock(descriptor):
            if clock() >= deadline:
                raise ConfigurationError(
                    f"Another process has been holding {path} for {_PATIENCE:g} s; end it first."
                )
            sleep(_PAUSE)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for this process, without waiting; see the other system's twin."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for this process, without waiting.

        The lock holds until the descriptor is closed, here and in every child that inherited it.

        Args:
            descriptor: of a file open for writing.

        Returns:
            Whether it was free.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
