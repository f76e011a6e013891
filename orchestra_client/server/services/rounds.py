"""One round of a service: what it may touch, and what it reports."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

from orchestra_client.server.access import tenants
from orchestra_client.server.moments import shifted
from orchestra_client.server.services.leases import listening_since
from orchestra_client.server.store.session import Session
from orchestra_client.server.store.views import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from orchestra_client.server.services.leases import Lease
    from orchestra_client.server.store.database import Database

CHUNK = 500
"""Runs that one transaction changes at most, so that no heartbeat waits long for the database's write lock."""

PAUSE = 0.05
"""Seconds between two such transactions, in which others get the lock."""

T = TypeVar("T")

Report = Counter[str]
"""What a round did: how many runs became what, e.g. ``{"Retrying": 3, "Failed": 1}``; empty when nothing was due."""


class Service(Protocol):
    """A background service. Used by one thread at a time.

    Attributes:
        name: of its lease, its thread and its lines in the log.
        interval: seconds between the ends and beginnings of its rounds.
    """

    name: ClassVar[str]
    interval: float

    def run_once(self, round: Round) -> Report:  # noqa: A002 (what it is called everywhere)
        """Do all that is due now, and what was left by a round that was broken off.

        Raises:
            LeaseLost: another process runs the service now.
        """
        ...


class Round:
    """The transactions of one round. Not safe to share between threads.

    Args:
        database: where to.
        lease: held when the round begins, and kept by each of its write transactions.
        now: the time at which the round begins, which all its deadlines are counted from.
        sleep: waits for some seconds between two write transactions.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        *,
        now: str,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._database = database
        self._lease = lease
        self._sleep = sleep
        self.now = now

    def tenant_ids(self) -> Sequence[str]:
        """All tenants of the database."""
        with self._database.connect(write=False) as connection:
            return tenants.all_ids(connection)

    @contextmanager
    def read(self, tenant_id: str) -> Iterator[Session]:
        """A session that sees one tenant."""
        with self._database.read(Scope(tenant_id)) as session:
            yield session

    @contextmanager
    def write(self, tenant_id: str) -> Iterator[Session]:
        """A session that changes one tenant's rows, as long as the lease is held.

        Raises:
            LeaseLost: it is not; nothing is changed.
        """
        with self._database.connect(write=True) as connection:
            now = self._database.now()
            self._lease.keep(connection, now)
            yield Session(connection, Scope(tenant_id), now=now, can_write=True)

    def chunks(self, items: Iterable[T], weigh: Callable[[T], int] = lambda _: 1) -> Iterator[Sequence[T]]:
        """Parts of `items` for a transaction each, with a pause between them.

        Args:
            items: all that is to be done.
            weigh: how many runs an item stands for.
        """
        chunk: list[T] = []
        room = CHUNK
        for item in items:
            weight = weigh(item)
            if chunk and weight > room:
                yield chunk
                self._sleep(PAUSE)
                chunk, room = [], CHUNK
            chunk.append(item)
            room -= weight
        if chunk:
            yield chunk

    def silence_deadline(self, limit: float) -> str | None:
        """The time before which a run's last beat lies when it has been silent for `limit` seconds.

        Returns:
            The time; None when nobody could have heard a beat throughout: servers that were stopped, paused, or cut
            off from the database must not take that for the death of every run.
        """
        with self._database.connect(write=False) as connection:
            since = listening_since(connection, self.now)
        deadline = shifted(self.now, -limit)
        return deadline if since is not None and since <= deadline else None
