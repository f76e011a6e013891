"""What the process of a flow run logs, and where to."""

from __future__ import annotations

import logging

from orchestra_client.config import context
from orchestra_client.delivery.handler import OrchestraHandler
from orchestra_client.delivery.masking import secrets

__all__ = ["set_up_logging"]

_QUIET = {"distributed", "httpcore", "httpx"}
"""Packages that tell a lot of themselves. `distributed` sets levels of its own at its import, so levels do not help."""

_CONFIGURATION = "orchestra_client"
"""The logger that tells for each client which server it uses, always the one that the environment names."""

_FLUSH = 5.0
"""Seconds for what is still to be delivered at the end: less than an agent waits between SIGTERM and SIGKILL."""


def set_up_logging(level: str) -> OrchestraHandler:
    """Log to the server, and to standard error for whoever watches the process.

    Args:
        level: the name of the lowest level; one that is not known means ``INFO``.

    Returns:
        The handler that delivers to the server, to be closed.
    """
    shown = logging.StreamHandler()
    shown.setFormatter(_Masked("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # Its token is bound to this run, so what other processes left behind is not its business.
    handler = OrchestraHandler(adopts=False, flush_timeout=_FLUSH)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for each in (shown, handler):
        each.addFilter(_is_wanted)
    known = level if level in logging.getLevelNamesMapping() else "INFO"
    logging.basicConfig(level=known, handlers=[shown, handler], force=True)
    return handler


class _Masked(logging.Formatter):
    """Shows no secret: an agent puts the last lines of a process that dies into the run's state."""

    def format(self, record: logging.LogRecord) -> str:
        secrets.learn(context.get("secrets"))
        return secrets.mask(super().format(record))


def _is_wanted(record: logging.LogRecord) -> bool:
    is_quiet = record.name == _CONFIGURATION or record.name.partition(".")[0] in _QUIET
    return not is_quiet or record.levelno >= logging.WARNING
