"""Where this process runs: in a notebook or not, and whether there is a person to ask."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["can_ask", "in_notebook"]


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return _kernel() is not None


def can_ask() -> bool:
    """Whether a person can answer: at a terminal, or in a notebook that no program executes."""
    kernel = _kernel()
    if kernel is not None:
        # ipykernel has no public name for it; what executes notebooks, as nbclient does, allows no input.
        return bool(getattr(kernel, "_allow_stdin", False))
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _kernel() -> Any:
    # Not imported for the question: a kernel has it, and elsewhere it is slow to import, or missing.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None)
