"""Who is there: a person at a terminal, or a program that reads what we write."""

from __future__ import annotations

import sys

__all__ = ["can_ask", "is_watched"]


def is_watched() -> bool:
    """Whether a person sees what goes to stdout."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether there is a person to ask: the question goes to stderr, the answer comes from stdin."""
    return sys.stdin.isatty() and sys.stderr.isatty()
