"""A server's credentials on a real database, with a clock that stands still until it is told to move."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from orchestra_client.server.access import Access, Bootstrapped, bootstrap
from orchestra_client.server.context import Context, Credentials, Principal, Settings
from orchestra_client.server.registry import RESOLVERS
from orchestra_client.server.resolvers import secrets, tenants, tokens
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

assert {secrets, tenants, tokens}, "imported so that they register their resolvers"


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.time = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time

    def advance(self, **units: float) -> None:
        self.time += dt.timedelta(**units)

    def at(self, **units: float) -> str:
        """The text of a time that far from now."""
        return (self.time + dt.timedelta(**units)).isoformat(timespec="microseconds")


@dataclass
class Server:
    """What a service does with credentials and a root field, without the GraphQL around it."""

    path: Path
    clock: Clock
    settings: Settings = field(default_factory=Settings)
    vault: Vault = field(default_factory=Vault.ephemeral)

    def __post_init__(self) -> None:
        self.database = Database(f"sqlite:///{self.path}", clock=self.clock)
        # Faster than the migrations, which `test_api.py` starts from.
        with self.database.connect(write=True) as connection:
            metadata.create_all(connection)
        self.access = Access(self.database, self.vault, self.settings)
        self.start = self.bootstrap()
        self.token = self.start.token or ""

    def bootstrap(self, token: str | None = None) -> Bootstrapped:
        return bootstrap(self.database, self.vault, self.settings, token=token)

    def who(self, token: str | None, tenant_id: str | None = None) -> Principal:
        return self.access.authenticate(Credentials(token, tenant_id=tenant_id))

    def call(
        self, root_field: str, token: str | None, *, acting_in: str | None = None, **arguments: Any
    ) -> Any:
        credentials = Credentials(token, tenant_id=acting_in)
        principal = self.access.authenticate(credentials)
        context = Context(principal, credentials, self.settings, self.vault, self.access)
        resolver = RESOLVERS[root_field]
        if resolver.unscoped:
            with self.database.connect(write=resolver.writes) as connection:
                return resolver.resolve(connection, context, **arguments)
        open_session = self.database.write if resolver.writes else self.database.read
        with open_session(principal.scope) as session:
            return resolver.resolve(session, context, **arguments)

    def mutate(
        self, root_field: str, token: str | None, *, acting_in: str | None = None, **values: Any
    ) -> Any:
        return self.call(root_field, token, acting_in=acting_in, input=values)

    def sql(self, statement: str, **values: Any) -> list[Any]:
        with self.database.connect(write=True) as connection:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    def new_tenant(self, slug: str = "other") -> str:
        """A tenant that the admin has no part in."""
        tenant_id: str = self.mutate("create_tenant", self.token, name=slug, slug=slug)["id"]
        self.sql("DELETE FROM membership WHERE tenant_id = :tenant", tenant=tenant_id)
        return tenant_id

    def new_token(self, scope: str, *, by: str | None = None, **values: Any) -> str:
        made = self.mutate("create_api_token", by or self.token, name=scope.lower(), scope=scope, **values)
        token: str = made["token"]
        return token

    def raw(self) -> bytes:
        """Every byte of the database on disk, the write-ahead log included."""
        files = sorted(self.path.parent.glob(f"{self.path.name}*"))
        assert [file.name for file in files][:1] == [self.path.name]
        return b"".join(file.read_bytes() for file in files)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[Server]:
    server = Server(tmp_path / "store.db", clock)
    yield server
    server.database.close()


@pytest.fixture
def open_server(tmp_path: Path, clock: Clock) -> Iterator[Server]:
    """A server without login."""
    server = Server(tmp_path / "store.db", clock, Settings(auth="none"))
    yield server
    server.database.close()


@pytest.fixture
def flow_run_id(server: Server) -> str:
    """A run in the admin's tenant."""
    return add_flow_run(server, server.who(server.token))


@pytest.fixture
def foreign_flow_run_id(server: Server) -> str:
    """A run in a tenant that the admin has no part in."""
    return add_flow_run(server, Principal("TENANT", server.new_tenant("foreign")))


def add_flow_run(server: Server, principal: Principal) -> str:
    with server.database.write(principal.scope) as session:
        [project] = session.insert("project", {"name": "project"})
        [group] = session.insert("flow_group", {"name": "flow"})
        [flow] = session.insert(
            "flow",
            {
                "project_id": project,
                "flow_group_id": group,
                "name": "flow",
                "version": 1,
                "archived": False,
                "is_schedule_active": False,
            },
        )
        run_columns = {"version": 0, "labels": [], "auto_scheduled": False, "times_resurrected": 0}
        [run] = session.insert("flow_run", {"flow_id": flow, "name": "run", **run_columns})
    return run
