"""Where this process runs: in a notebook, and whether there is a person to ask."""

from __future__ import annotations

import sys

__all__ = ["can_ask", "in_notebook"]


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    # Not imported for the question: a kernel has it, and elsewhere it is slow or missing.
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def can_ask() -> bool:
    """Whether there is a person to answer a question: at a terminal, or in a notebook that takes input."""
    if in_notebook():
        return _kernel_takes_input()
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _kernel_takes_input() -> bool:
    """A notebook that is executed by a program, as by nbclient, has nobody to answer."""
    kernel = sys.modules["IPython"].get_ipython().kernel
    return bool(getattr(kernel, "_allow_stdin", False))
