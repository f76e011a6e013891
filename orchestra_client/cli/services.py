"""A process with the background services alone, beside servers on the same database."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import click
from sqlalchemy.engine import make_url

from orchestra_client.cli.processes import prepare
from orchestra_client.server.services import Background, all_services
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.migrate import migrate

if TYPE_CHECKING:
    from types import FrameType

    from orchestra_client.server.services import ServiceSettings


def run_services(url: str, settings: ServiceSettings, *, log_level: str) -> None:
    """Run the services until a signal ends it; then finish the rounds under way.

    Args:
        url: of the database.
        settings: how the services are set up.
        log_level: what is logged, on stderr.

    Raises:
        click.UsageError: the database would be this process's own.
        ConfigurationError: the database cannot be used.
    """
    if url == "memory:":
        raise click.UsageError("memory: is a database of one process alone; name the servers' --database.")
    prepare(log_level)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with closing(Database(url)) as database:
        migrate(database)
        background = Background(database, all_services(settings), is_server=False)
        background.start()
        click.echo(f"Running the services on {make_url(url).render_as_string()}")
        stopping.wait()
        background.stop()
