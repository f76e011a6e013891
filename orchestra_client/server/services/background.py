"""The services of one process: started together, stopped together, each led by its lease."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from orchestra_client.server.services.leases import Lease, LeaseLost, attend, leases
from orchestra_client.server.services.loops import Loop
from orchestra_client.server.services.rounds import Report, Round

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.server.services.rounds import Service
    from orchestra_client.server.store.database import Database

_log = logging.getLogger(__name__)

ATTENDING = 15.0
"""Seconds between two notes of a server that it listens."""

GAP = 60.0
"""Seconds without a note after which nobody is believed to have listened."""

GRACE = 30.0
"""Seconds that rounds under way get to finish."""


class Background:
    """Threads that run services on a database, as long as no other process does.

    Safe to share between threads, not across a fork.

    Args:
        database: migrated. It must stay open until `stop` has returned.
        services: which to run; none for a process that only answers requests.
        is_server: whether the process answers requests, so that it notes that it listens.
    """

    def __init__(self, database: Database, services: Sequence[Service], *, is_server: bool) -> None:
        self._database = database
        self._holder = str(uuid.uuid4())
        self._leased = [LeasedService(service, database, self._holder) for service in services]
        self._loops = [Loop(each.name, each.run, each.interval) for each in self._leased]
        if is_server:
            self._loops.insert(0, Loop("attendance", self.attend, ATTENDING))

    def start(self) -> None:
        """Begin with all of them; returns at once."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Let the rounds under way finish, and other processes take over at once."""
        for loop in self._loops:
            loop.ask_to_stop()
        if not all(loop.join(GRACE) for loop in self._loops):
            _log.warning("A service did not stop in time; what it did not finish, the next round will.")
        for each in self._leased:
            each.give_back()

    def attend(self) -> None:
        """Note that this server listens."""
        with self._database.connect(write=True) as connection:
            attend(connection, self._holder, self._database.now(), gap=GAP)


class LeasedService:
    """A service that one process at a time runs. Used by one thread at a time.

    Args:
        service: the service.
        database: where the lease is, and where the service works.
        holder: the process, a UUID of its own.
    """

    def __init__(self, service: Service, database: Database, holder: str) -> None:
        self._service = service
        self._database = database
        # Long enough for a round that was missed, short enough that a killed process is soon replaced.
        self._lease = Lease(service.name, holder, 2 * service.interval + 15)
        self.name = service.name
        self.interval = service.interval

    def run(self) -> Report | None:
        """Do one round; its report, or None where another process runs the service."""
        with self._database.connect(write=True) as connection:
            now = self._database.now()
            if not self._lease.take(connection, now):
                return None
        try:
            report = self._service.run_once(Round(self._database, self._lease, now=now))
        except LeaseLost:
            _log.info("Another process took over the %s.", self.name)
            return None
        with self._database.connect(write=True) as connection:
            self._lease.succeed(connection, self._database.now())
        if report:
            _log.info("%s: %s.", self.name, ", ".join(f"{count} {what}" for what, count in report.items()))
        return report

    def give_back(self) -> None:
        """Let another process take over at once."""
        try:
            with self._database.connect(write=True) as connection:
                self._lease.give_back(connection, self._database.now())
        except Exception as error:  # noqa: BLE001 (the process ends; the lease ends by itself soon)
            _log.warning("The lease of the %s could not be given back: %s", self.name, error)


def health(database: Database) -> dict[str, Any]:
    """What is known of each service that ever ran on a database, in whatever process.

    Returns:
        By the service's name, whether it is ``"running"`` or ``"stopped"``, and when a round last succeeded, as an ISO
        time or None.
    """
    with database.connect(write=False) as connection:
        now = database.now()
        return {
            name: {
                "status": "running" if row["expires"] > now else "stopped",
                "last_success": row["last_success"],
            }
            for name, row in leases(connection).items()
        }
