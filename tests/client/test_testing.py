"""The tools for users' tests, used as users would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.errors import TransportConnectionError
from orchestra_client.testing import MemoryServer, VirtualClock, async_memory_client, memory_client
from orchestra_client.testing.plugin import orchestra_client, orchestra_clock, orchestra_server
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from orchestra_client import Client

__all__ = ["orchestra_client", "orchestra_clock", "orchestra_server"]


def test_a_client_in_a_block_has_a_server_of_its_own() -> None:
    with memory_client() as one, memory_client() as other:
        one.set_key_value("k", 1)

        assert (one.key_names(), other.key_names()) == (["k"], [])


@pytest.mark.anyio
async def test_the_same_for_tasks() -> None:
    async with async_memory_client() as client:
        assert await client.set_key_value("k", 1)


def test_clients_of_one_server_see_the_same() -> None:
    with MemoryServer() as server, server.client() as one, server.client() as other:
        one.set_key_value("k", 1)

        assert other.get_key_value("k") == 1


def test_the_server_lives_by_the_virtual_clock() -> None:
    clock = VirtualClock()
    with memory_client(clock=clock) as client:
        clock.advance(86_400)
        client.create_project("p")

        created = client.graphql("{ project { created } }").data.project[0].created
    assert created.startswith("2026-01-02T00:00:00")


def test_the_fixtures(
    orchestra_client: Client,
    orchestra_clock: VirtualClock,
    orchestra_server: MemoryServer,
) -> None:
    orchestra_server.faults.refuse_connections(2)

    orchestra_client.create_project("p")

    assert len(orchestra_clock.pauses) == 2


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock().advance(-1)


def test_delays_pass_by_the_clock() -> None:
    clock = VirtualClock()
    with MemoryServer(clock=clock) as server, server.client() as client:
        server.faults.delay(5, matching="CreateProject")
        client.create_project("p")

    assert clock.monotonic() == 5


def test_faults_hit_what_they_match_as_often_as_they_say() -> None:
    with MemoryServer(clock=VirtualClock()) as server, server.client(retry=RetryPolicy(budget=0)) as client:
        server.faults.refuse_connections(1, matching="CreateProject")
        client.set_key_value("k", 1)
        with pytest.raises(TransportConnectionError):
            client.create_project("p")

        assert client.create_project("p")


def test_a_login_is_asked_for_when_wanted() -> None:
    with MemoryServer(auth="token") as server, server.client() as client:
        assert client.get_auth_token() == server.api_token
