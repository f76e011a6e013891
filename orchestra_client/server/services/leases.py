"""Leases: of all processes with services on a database, one runs each service at a time.

A lease is a row that names its holder and when it expires. It is taken, kept and given back by single statements, so
the database decides who holds it. A round keeps it in the very transactions it writes in: a process that was
paused, and whose lease another one took meanwhile, finds out before it changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from orchestra_client.server.moments import shifted
from orchestra_client.server.store.tables import service_lease

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

ATTENDANCE = "attendance"
"""The row in which servers note that they listen; every server holds it, so it is no lease of a service."""

_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class LeaseLost(Exception):
    """Another process runs the service now; the round ends here, with nothing of its transaction kept."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The claim of one process to one service. Immutable; safe to share.

    Attributes:
        name: of the service.
        holder: of the process, a UUID made at its start.
        seconds: how long it holds without being kept.
    """

    name: str
    holder: str
    seconds: float

    def take(self, connection: Connection, now: str) -> bool:
        """Take the lease, or keep it; whether it is ours now.

        Args:
            connection: a write transaction.
            now: its time.
        """
        # Nobody takes one for so long: a clock was ahead, and must not keep everyone out until then.
        is_absurd = service_lease.c.expires > shifted(now, 2 * self.seconds)
        is_free = or_(service_lease.c.holder == self.holder, service_lease.c.expires <= now, is_absurd)
        _upsert(connection, self, now, goes_on=service_lease.c.holder == self.holder, where=is_free)
        holder: str | None = connection.scalar(
            select(service_lease.c.holder).where(service_lease.c.name == self.name)
        )
        return holder == self.holder

    def keep(self, connection: Connection, now: str) -> None:
        """Hold the lease from `now` on, until the transaction ends at least.

        Raises:
            LeaseLost: it is another's.
        """
        if not self._change(connection, expires=shifted(now, self.seconds)):
            raise LeaseLost(self.name)

    def succeed(self, connection: Connection, now: str) -> None:
        """Note that a round came to its end, and hold the lease for the next one."""
        self._change(connection, expires=shifted(now, self.seconds), last_success=now)

    def give_back(self, connection: Connection, now: str) -> None:
        """Let another process go on at once."""
        self._change(connection, expires=now)

    def _change(self, connection: Connection, **values: Any) -> bool:
        is_ours = (service_lease.c.name == self.name) & (service_lease.c.holder == self.holder)
        return connection.execute(update(service_lease).where(is_ours).values(values)).rowcount == 1


def attend(connection: Connection, holder: str, now: str, *, gap: float) -> None:
    """Note that a server listens, so that a heartbeat would be heard.

    Args:
        connection: a write transaction.
        holder: the server process.
        now: the time.
        gap: seconds without a note after which nobody is believed to listen.
    """
    goes_on = service_lease.c.expires <= shifted(now, gap)
    _upsert(connection, Lease(ATTENDANCE, holder, gap), now, goes_on=goes_on, where=None)


def listening_since(connection: Connection, now: str) -> str | None:
    """Since when a server has been listening without a break.

    Returns:
        The time; None while nobody is listening. The beginning of time where no server ever noted that it listens:
        whoever beats then writes to the database itself.
    """
    row = connection.execute(select(service_lease).where(service_lease.c.name == ATTENDANCE)).first()
    if row is None:
        return _EVER
    return str(row.since) if row.expires > now else None


def leases(connection: Connection) -> dict[str, RowMapping]:
    """What is known of each service's lease, by the service's name."""
    rows = connection.execute(select(service_lease).where(service_lease.c.name != ATTENDANCE)).mappings()
    return {row["name"]: row for row in rows}


_EVER = "0001-01-01T00:00:00.000000+00:00"


def _upsert(
    connection: Connection, lease: Lease, now: str, *, goes_on: ColumnElement[bool], where: Any
) -> None:
    """Write the row of a lease; `since` stays where its holding `goes_on` and had not expired."""
    row = {
        "name": lease.name,
        "holder": lease.holder,
        "since": now,
        "expires": shifted(now, lease.seconds),
        "last_success": None,
    }
    # The two insert statements have this clause in common and no class that says so.
    statement: Any = _INSERTS[connection.dialect.name](service_lease).values(row)
    since = case(
        (goes_on & (service_lease.c.expires > now), service_lease.c.since), else_=statement.excluded.since
    )
    statement = statement.on_conflict_do_update(
        index_elements=[service_lease.c.name],
        set_={"holder": lease.holder, "since": since, "expires": row["expires"]},
        where=where,
    )
    connection.execute(statement)
