"""What long-running commands have in common: a log on stderr, and files for their owner alone."""

from __future__ import annotations

import logging
import os


def log_to_stderr(log_level: str) -> None:
    """Set up the log.

    Args:
        log_level: what is logged.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s")
    # Their news of starting, stopping and setting up tables would only hide ours.
    for name in ("uvicorn", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def prepare(log_level: str) -> None:
    """Set up a process of the server.

    Args:
        log_level: what is logged, on stderr.
    """
    log_to_stderr(log_level)
    # The database's files are for their owner alone, wherever they are.
    os.umask(0o077)
