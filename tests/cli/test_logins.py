"""What is found out about a token, also where a server tells less than ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orchestra_client.cli.logins import facts_of, find_tenant, reason_of
from orchestra_client.errors import AuthenticationError, NoSuchTenant, TransportProtocolError
from orchestra_client.results import Tenant
from orchestra_client.testing import MemoryServer, VirtualClock
from orchestra_client.transport import Response
from orchestra_client.transport.embedded import EmbeddedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.transport import Request

UNKNOWN = {"message": "Cannot query field", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
TENANTS = (Tenant("6f6d7a3e-9d0c-4d1f-8f5e-0e8f0c1b2a3d", "Sales", "sales"),)


class Older(EmbeddedTransport):
    """Knows less about tokens."""

    def send(self, request: Request) -> Response:
        if "api_token_id" in request.text:
            return Response(400, {}, {"errors": [UNKNOWN]})
        return super().send(request)


@pytest.fixture
def server() -> Iterator[MemoryServer]:
    with MemoryServer(clock=VirtualClock(datetime(2026, 11, 20, tzinfo=UTC)), auth="token") as server:
        yield server


def test_our_server_tells_everything_in_one_request(server: MemoryServer) -> None:
    with server.client() as client:
        made = client.create_api_token("ci", scope="TENANT", expires_in=timedelta(days=1))
        before = len(server.faults.sent())

        facts = facts_of(client, made.token)

        assert len(server.faults.sent()) == before + 1
    assert (facts.id, facts.scope) == (made.id, "TENANT")
    assert facts.expires_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert [(tenant.slug, tenant.id) for tenant in facts.tenants] == [("default", facts.tenant_id)]
    assert facts.server_version


def test_an_older_server_is_asked_for_less(server: MemoryServer) -> None:
    with server.client(transport=Older(server._service)) as client:
        facts = facts_of(client, server.api_token)

    assert (facts.id, facts.expires_at, facts.scope) == (None, None, "USER")


def test_no_token_is_sent_where_there_is_none(server: MemoryServer) -> None:
    with server.client() as client, pytest.raises(AuthenticationError) as refused:
        facts_of(client, None)

    assert "Sent with" in str(refused.value)
    assert "Sent with" not in reason_of(refused.value)


def test_a_tenant_has_a_slug_and_an_id() -> None:
    assert find_tenant(TENANTS, "sales") is find_tenant(TENANTS, TENANTS[0].id.upper()) is TENANTS[0]
    with pytest.raises(NoSuchTenant, match="it sees: sales"):
        find_tenant(TENANTS, "Sales")


class Shop(EmbeddedTransport):
    """Speaks GraphQL, and of something else."""

    def send(self, request: Request) -> Response:
        return Response(200, {}, {"data": {"auth_info": None, "shop": []}})


def test_a_server_of_something_else_is_told_as_such(server: MemoryServer) -> None:
    with (
        server.client(transport=Shop(server._service)) as client,
        pytest.raises(TransportProtocolError, match="check the address"),
    ):
        facts_of(client, server.api_token)
