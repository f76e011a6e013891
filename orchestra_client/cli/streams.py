"""Standard streams as commands find them: closed, in an encoding that lacks characters, or with a reader that is gone."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["discard_output", "prepare_streams"]

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


def discard_output() -> None:
    """Forget what is not written yet, which Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
