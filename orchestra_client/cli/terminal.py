"""Who is there: a person at a terminal, or a program that reads what we write."""

from __future__ import annotations

import sys

__all__ = ["can_ask", "is_attended", "is_watched"]


def is_watched() -> bool:
    """Whether a person sees what goes to stdout."""
    return sys.stdout.isatty()


def is_attended() -> bool:
    """Whether a person waits for the command's end: what goes to stdout may be for a pipe, as in ``| less``."""
    return sys.stdout.isatty() or sys.stderr.isatty()


def can_ask() -> bool:
    """Whether there is a person to ask: the question goes to stderr, the answer comes from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()
