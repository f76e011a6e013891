"""Prints become log records."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.masking import secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["capture_prints"]


@contextmanager
def capture_prints(
    logger: logging.Logger | str = "orchestra.print", level: int = logging.INFO, *, echo: bool = True
) -> Iterator[None]:
    """Log what the block writes to standard output, line by line.

    Standard output is the process's, so what other threads print meanwhile is logged, too, with the ids of their own
    context. What a logging handler prints while it handles a record is not logged again. Blocks nest, and several
    threads may be in blocks at the same time: each print is logged once, by the innermost block around it, or else by
    the block that began last.

    Args:
        logger: gets the lines.
        level: of the records.
        echo: whether the text is written to standard output all the same, without the secrets that are known.
    """
    block = _Block(logging.getLogger(logger) if isinstance(logger, str) else logger, level, echo=echo)
    output = _blocks.open(block)
    token = _innermost.set(block)
    try:
        yield
    finally:
        _innermost.reset(token)
        _blocks.close(block, output)
        block.finish()


class _Block:
    """Logs whole lines. Safe to share between threads: each has its own unfinished line."""

    def __init__(self, logger: logging.Logger, level: int, *, echo: bool) -> None:
        self.echo = echo
        self._logger = logger
        self._level = level
        self._mine = threading.local()

    def take(self, text: str) -> None:
        """Log the lines that a text completes."""
        *lines, rest = (getattr(self._mine, "rest", "") + text).split("\n")
        self._mine.rest = rest
        self._log(lines)

    def finish(self) -> None:
        """Log the line that this thread has not finished."""
        rest, self._mine.rest = getattr(self._mine, "rest", ""), ""
        self._log([rest])

    def _log(self, lines: list[str]) -> None:
        _thread.is_logging = True
        try:
            for line in lines:
                if line.strip():
                    self._logger.log(self._level, "%s", line.rstrip("\r"))
        finally:
            _thread.is_logging = False


class _Output:
    """Standard output that is logged by the blocks which are open; without any, it only passes on what it gets."""

    def __init__(self, output: Any) -> None:
        self.output = output
        self.blocks: tuple[_Block, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.output, name)

    def write(self, text: str) -> int:
        block = self._block()
        if block is None:
            self.output.write(text)
        elif block.echo:
            self.output.write(secrets.mask(text))
        if block is not None and not getattr(_thread, "is_logging", False):
            block.take(text)
        return len(text)

    def writelines(self, texts: list[str]) -> None:
        self.write("".join(texts))

    def _block(self) -> _Block | None:
        innermost, blocks = _innermost.get(), self.blocks
        return innermost if innermost in blocks else blocks[-1] if blocks else None


class _Blocks:
    """Puts an output in the place of standard output while there are blocks. Safe to share between threads."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()

    def open(self, block: _Block) -> _Output:
        with self._lock:
            output = sys.stdout if isinstance(sys.stdout, _Output) else _Output(sys.stdout)
            output.blocks += (block,)
            sys.stdout = output
            return output

    def close(self, block: _Block, output: _Output) -> None:
        with self._lock:
            output.blocks = tuple(each for each in output.blocks if each is not block)
            if not output.blocks and sys.stdout is output:
                sys.stdout = output.output


_blocks = _Blocks()
_innermost: ContextVar[_Block | None] = ContextVar("innermost block", default=None)
_thread = threading.local()
