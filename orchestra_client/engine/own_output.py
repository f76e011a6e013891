"""What this process writes, where nobody may be left who reads it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from orchestra_client.delivery.worker import Worker

__all__ = ["bound_output", "cut_output"]

_STDOUT = 1

_LIMIT = 16 << 20
"""Bytes of output that are kept; an agent that lives cuts it long before."""

_INTERVAL = 5.0
"""Seconds between two looks."""


def bound_output(descriptor: int = _STDOUT) -> Worker | None:
    """Keep the file small that an agent has this process write to, also when the agent has been killed.

    Args:
        descriptor: of the output.

    Returns:
        The thread that looks after it; None where the output goes elsewhere.
    """
    if not _is_nameless(descriptor):
        return None

    def turn() -> float:
        cut_output(descriptor, _LIMIT)
        return _INTERVAL

    worker = Worker("orchestra-output", turn)
    worker.ensure()
    return worker


def cut_output(descriptor: int, limit: int) -> bool:
    """Empty a file without a name that has become too long.

    Args:
        descriptor: of the file, to which everybody who writes to it appends.
        limit: bytes.

    Returns:
        Whether it was too long.
    """
    if not _is_nameless(descriptor):
        return False
    with suppress(OSError):
        if os.fstat(descriptor).st_size > limit:
            os.ftruncate(descriptor, 0)
            return True
    return False


def _is_nameless(descriptor: int) -> bool:
    """Whether it is a file that is in no folder: it is gone with the last process that has it open."""
    with suppress(OSError):
        status = os.fstat(descriptor)
        return stat.S_ISREG(status.st_mode) and status.st_nlink == 0
    return False
