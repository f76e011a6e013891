"""Standard streams as commands find them: closed, in an encoding that lacks characters, or with a reader that is gone."""

from __future__ import annotations

import atexit
import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["discard_output", "keep_stdout_clean", "prepare_streams"]

_LAST = 2
"""The descriptor of stderr, the last of the three."""


def prepare_streams() -> None:
    """Make sure that all three can be used.

    One that is closed (``>&-``) becomes an empty one, or one that forgets. Else the next file or socket would get its
    descriptor, and what is written for people would end up there. Characters that the encoding of stdout lacks are
    written as escapes; stderr does so by itself.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        # Processes that a command starts need their streams, too.
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open as long as the process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def keep_stdout_clean() -> Iterator[None]:
    """Send to stderr what users' code and the processes that it starts write on stdout: that is for our result.

    So is what the code does when this process ends.
    """
    _flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        _flush()
        os.dup2(stdout, 1)
        os.close(stdout)
        # What is registered last runs first, hence before whatever the code has registered.
        atexit.register(_end_stdout)


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None:
            stream.flush()


def _end_stdout() -> None:
    # A reader that is gone is seen again when Python ends, as always.
    with suppress(OSError, ValueError):
        _flush()
        os.dup2(2, 1)


def discard_output() -> None:
    """Forget what is not written yet, which Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
