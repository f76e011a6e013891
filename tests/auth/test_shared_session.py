"""One session for all threads and tasks of a client, on a real server that asks for logins."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestra_client.errors import AuthenticationError
from orchestra_client.testing import MemoryServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client import Client

CALLERS = 24
LOGIN, REFRESH = "switch_tenant", "refresh_token(input"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    with MemoryServer(clock=clock, auth="token", access_token_seconds=600) as server:
        yield server


@pytest.fixture
def client(server: MemoryServer) -> Iterator[Client]:
    with server.client() as client:
        client.login_to_tenant(tenant_slug="default")
        server.faults.requests.clear()
        yield client


def call_at_once(client: Client) -> list[object]:
    barrier = threading.Barrier(CALLERS)

    def call(_: int) -> object:
        barrier.wait()
        return client.graphql("{ hello }").data.hello

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, range(CALLERS)))


def sent(server: MemoryServer) -> tuple[int, int]:
    """How many logins and refreshes were sent."""
    return len(server.faults.sent(LOGIN)), len(server.faults.sent(REFRESH))


class TestThreads:
    def test_refresh_once_before_the_expiry(self, server, client, clock):
        clock.advance(575)
        assert len(set(call_at_once(client))) == 1
        assert sent(server) == (0, 1)

    def test_refresh_once_per_expiry(self, server, client, clock):
        for _ in range(3):
            clock.advance(575)
            call_at_once(client)
        assert sent(server) == (0, 3)

    def test_do_not_refresh_while_the_token_is_good(self, server, client, clock):
        clock.advance(500)
        call_at_once(client)
        assert sent(server) == (0, 0)

    def test_log_in_once_when_the_refresh_token_has_expired_too(self, server, client, clock):
        clock.advance(8 * 24 * 3600)
        call_at_once(client)
        assert sent(server) == (1, 1)

    def test_log_in_once_at_the_start(self, server):
        with server.client(tenant_slug="default") as client:
            call_at_once(client)
        assert sent(server) == (1, 0)

    def test_refresh_once_when_all_are_refused(self, server, clock):
        """The client's clock stands still, so that it learns of the expiry by being refused."""
        with server.client(clock=VirtualClock(), tenant_slug="default") as client:
            client.graphql("{ hello }")
            server.faults.requests.clear()
            clock.advance(700)
            call_at_once(client)
        assert sent(server) == (0, 1)


def test_a_token_that_was_deleted_is_refused_after_one_attempt_to_renew(server, client):
    with server.client() as admin:
        admin.delete_api_token(admin.graphql("{ api_token { id } }").data.api_token[0].id)
    with pytest.raises(AuthenticationError, match="the api_token argument") as caught:
        client.graphql("{ hello }")
    assert server.api_token not in str(caught.value)
    assert sum(sent(server)) <= 2


@pytest.mark.anyio
async def test_tasks_refresh_once(server, clock):
    async with server.async_client(tenant_slug="default") as client:
        await client.graphql("{ hello }")
        server.faults.requests.clear()
        clock.advance(575)
        await asyncio.gather(*(client.graphql("{ hello }") for _ in range(CALLERS)))
    assert sent(server) == (0, 1)
