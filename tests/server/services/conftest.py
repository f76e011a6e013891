"""A server with a virtual clock, and processes whose services do rounds on its database when a test says so."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from orchestra_client.server.context import Settings
from orchestra_client.server.service import Service
from orchestra_client.server.services.background import Background, LeasedService, health
from orchestra_client.server.services.leases import Lease
from tests.server.conftest import IF_POSTGRES
from tests.server.runs.conftest import Clock, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestra_client.server.services import rounds

LIMIT = 600
"""Seconds of silence after which a run is dead."""


@dataclass
class Process:
    """A process with services on a server's database."""

    server: Server
    holder: str = field(default_factory=lambda: str(uuid.uuid4()))

    def run(
        self, service: rounds.Service, round_type: type[rounds.Round] | None = None
    ) -> dict[str, int] | None:
        """One round: what was done, or None where another process leads.

        A round of another type is done without a leader's care: it has just taken the lease.
        """
        if round_type is None:
            report = self.leased(service).run()
            return None if report is None else dict(report)
        database = self.server.service.database
        lease = Lease(service.name, self.holder, 60)
        with database.connect(write=True) as connection:
            assert lease.take(connection, database.now())
        return dict(service.run_once(round_type(database, lease, now=database.now())))

    def background(self) -> Background:
        """Its part as a server that answers requests."""
        return Background(self.server.service.database, (), is_server=True)

    def health(self) -> dict[str, Any]:
        """What is known of the services."""
        return health(self.server.service.database)

    def leased(self, service: rounds.Service) -> LeasedService:
        return LeasedService(service, self.server.service.database, self.holder)


@pytest.fixture(scope="session", params=["memory", *IF_POSTGRES])
def backend(request: pytest.FixtureRequest) -> str:
    """The kinds of database that these tests run on."""
    return str(request.param)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(url: str, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    service = Service.open(url, home=tmp_path, settings=Settings(auth="none"), clock=clock)
    yield Server(service, clock)
    service.close()


@pytest.fixture
def process(server: Server) -> Process:
    """A process with services."""
    return Process(server)


@pytest.fixture
def twin(server: Server) -> Process:
    """Another one."""
    return Process(server)


@contextmanager
def counted(server: Server) -> Iterator[list[str]]:
    """The statements that the server sends to its database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = server.service.database._engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
