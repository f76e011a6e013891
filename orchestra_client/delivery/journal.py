"""A file that lines are appended to through memory, so that what was appended outlives a `kill -9`."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Journal", "read_lines"]


class Journal:
    """A file of its writer alone, reserved at full size and cut to what it holds when it is sealed.

    An append copies into memory that the system shares with the file: no system call, no waiting for the disk. The
    file survives its process, though not the machine. Not safe to share between threads.

    Args:
        path: of the file, which must not exist; it becomes readable for its owner alone.
        capacity: bytes to reserve, so that a full disk is noticed now and not when memory is written back.

    Raises:
        OSError: the file cannot be made, or there is no room for it.
    """

    def __init__(self, path: Path, capacity: int) -> None:
        self.path = path
        self.size = 0
        self._capacity = capacity
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _reserve(descriptor, capacity)
            self._memory = mmap.mmap(descriptor, capacity)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(descriptor)

    def append(self, line: bytes) -> bool:
        """Add a line.

        Args:
            line: ends with a newline, and has no other and no NUL.

        Returns:
            Whether it fitted; if not, nothing was written.
        """
        start, end = self.size, self.size + len(line)
        if end > self._capacity:
            return False
        self._memory[start:end] = line
        self.size = end
        return True

    def seal(self) -> None:
        """Give back the memory and what is left of the disk. Nothing is appended from now on."""
        self._memory.close()
        # Losing the file, or the right to cut it, loses no line: readers stop at the first NUL.
        with suppress(OSError):
            os.truncate(self.path, self.size)


def read_lines(path: Path) -> list[bytes]:
    """The lines of a journal, sealed or left behind; a last one that is not whole is left out.

    Raises:
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    written = content[: content.rfind(b"\n", 0, _end(content)) + 1]
    return written.splitlines()


def _end(content: bytes) -> int:
    end = content.find(b"\0")
    return len(content) if end < 0 else end


if hasattr(os, "posix_fallocate"):

    def _reserve(descriptor: int, size: int) -> None:
        os.posix_fallocate(descriptor, 0, size)

else:

    def _reserve(descriptor: int, size: int) -> None:
        os.write(descriptor, bytes(size))
