"""What a process writes: kept in a file without a name, of which the last lines are remembered."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections import deque
from typing import TYPE_CHECKING

from orchestra_client.errors import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Output"]

# What colours a terminal, rings its bell, or cannot be stored.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_CHUNK = 65536
_LINE = 500
"""Characters of a line that are remembered."""


class Output:
    """The standard output and error of a process, in one.

    It is a file and no pipe, so that the process can write whatever becomes of its agent. The file has no name: it is for
    these two alone, and gone with the last of them. Belongs to one thread.

    Args:
        limit: bytes after which what was read is discarded, so that the file stays small.
        remembered: lines to remember.
        show: called with each line, as it comes; unset shows none.
    """

    def __init__(
        self, *, limit: int = 1 << 20, remembered: int = 20, show: Callable[[str], object] | None = None
    ) -> None:
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed in `close`
        # Whatever is cut off in front of the writer, it goes on at the end.
        fcntl.fcntl(self.file, fcntl.F_SETFL, fcntl.fcntl(self.file, fcntl.F_GETFL) | os.O_APPEND)
        self._limit = limit
        self._show = show
        self._position = 0
        self._rest = b""
        self._lines: deque[str] = deque(maxlen=remembered)

    def collect(self) -> None:
        """Read what has been written since the last time, `limit` bytes at most; what is beyond is discarded."""
        if os.fstat(self.file.fileno()).st_size < self._position:
            # The process has cut it, since nobody seemed to read it.
            self._position = 0
        for _ in range(self._limit // _CHUNK + 1):
            chunk = os.pread(self.file.fileno(), _CHUNK, self._position)
            if not chunk:
                break
            self._position += len(chunk)
            self._take(chunk)
        if self._position >= self._limit:
            os.ftruncate(self.file.fileno(), 0)
            self._position = 0

    def close(self) -> str:
        """Read the rest and close the file.

        Returns:
            The last lines, with whatever looks like a token masked.
        """
        self.collect()
        if self._rest:
            self._remember(self._rest)
        self.file.close()
        return "\n".join(self._lines)

    def _take(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._remember(line)
        # A line without an end is no reason to keep it all.
        self._rest = rest[-_CHUNK:]

    def _remember(self, line: bytes) -> None:
        text = _UNPRINTABLE.sub("�", mask_secrets(line.decode("utf-8", "replace").rstrip("\r")))
        if self._show is not None:
            self._show(text)
        self._lines.append(text if len(text) <= _LINE else f"{text[:_LINE]}…")
