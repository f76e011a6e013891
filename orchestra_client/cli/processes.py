"""What long-running commands have in common: a log on stderr, and files for their owner alone."""

from __future__ import annotations

import logging
import os


def prepare(log_level: str) -> None:
    """Set up this process.

    Args:
        log_level: what is logged, on stderr.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s")
    # Their news of starting, stopping and setting up tables would only hide ours.
    for name in ("uvicorn", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The database's files are for their owner alone, wherever they are.
    os.umask(0o077)
