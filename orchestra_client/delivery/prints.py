"""Prints become log records."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["capture_prints"]


@contextmanager
def capture_prints(
    logger: logging.Logger | str = "orchestra.print", level: int = logging.INFO, *, echo: bool = True
) -> Iterator[None]:
    """Log what the block writes to standard output, line by line.

    Standard output is the process's, so what other threads print meanwhile is logged, too, with the ids of their own
    context. What a logging handler prints while it handles a record is not logged again. Blocks nest.

    Args:
        logger: gets the lines.
        level: of the records.
        echo: whether the text is written to standard output all the same.
    """
    target = logging.getLogger(logger) if isinstance(logger, str) else logger
    before = sys.stdout
    lines = _Lines(before, target, level, echo=echo)
    sys.stdout = lines
    try:
        yield
    finally:
        sys.stdout = before
        lines.finish()


class _Lines:
    """Standard output that logs whole lines. Safe to share between threads: each has its own unfinished line."""

    def __init__(self, output: Any, logger: logging.Logger, level: int, *, echo: bool) -> None:
        self._output = output
        self._logger = logger
        self._level = level
        self._echo = echo
        self._mine = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)

    def write(self, text: str) -> int:
        if self._echo:
            self._output.write(text)
        if not getattr(self._mine, "is_logging", False):
            *lines, rest = (getattr(self._mine, "rest", "") + text).split("\n")
            self._mine.rest = rest
            self._log(lines)
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        self.write("".join(texts))

    def finish(self) -> None:
        """Log the line that this thread has not finished."""
        rest, self._mine.rest = getattr(self._mine, "rest", ""), ""
        self._log([rest])

    def _log(self, lines: list[str]) -> None:
        self._mine.is_logging = True
        try:
            for line in lines:
                if line.strip():
                    self._logger.log(self._level, "%s", line.rstrip("\r"))
        finally:
            self._mine.is_logging = False
