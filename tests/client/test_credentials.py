"""Sessions that renew themselves: before they expire, once for everybody, and when they are refused."""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import AuthenticationError, ConfigurationError, NotFound, PermissionDenied
from orchestra_client.testing import FaultyTransport, MemoryServer, VirtualClock
from orchestra_client.transport import Response
from orchestra_client.transport.embedded import EmbeddedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestra_client.transport import Request


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    """A server that asks for logins."""
    with MemoryServer(clock=clock, auth="token") as server:
        yield server


def refreshes(server: MemoryServer) -> int:
    return len(server.faults.sent("mutation RefreshToken"))


def logins(server: MemoryServer) -> int:
    return len(server.faults.sent("mutation SwitchTenant"))


def bearer(request: Request) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


# ------------------------------------------------------------------------------------------------ the session


def test_a_login_is_used_from_then_on(client: Any, server: MemoryServer) -> None:
    assert client.get_auth_token() == server.api_token
    assert client.login_to_tenant("default") is True

    token = client.get_auth_token()
    client.create_project("p")

    assert token.startswith("eyJ")
    assert bearer(server.faults.requests[-1]) == token


def test_a_tenant_given_to_the_client_is_logged_in_to_when_needed(
    open_client: Any, server: MemoryServer
) -> None:
    client = open_client(server, tenant_slug="default")
    assert server.faults.requests == []

    client.create_project("p")

    assert logins(server) == 1
    assert bearer(server.faults.requests[-1]).startswith("eyJ")


def test_a_tenant_that_is_only_wished_for_yet_is_the_one_that_is_named(
    open_client: Any, client: Any, server: MemoryServer
) -> None:
    client.create_tenant("Second", "second")

    assert open_client(server, tenant_slug="second").get_default_tenant_slug() == "second"


def test_logging_out_goes_back_to_the_api_token(client: Any, server: MemoryServer) -> None:
    client.login_to_tenant("default")
    client.logout_from_tenant()

    assert client.get_auth_token() == server.api_token
    assert client.tenant_id is None


@pytest.mark.parametrize(("passed", "expected"), [(560, 0), (571, 1), (10_000, 1)])
def test_a_token_is_refreshed_half_a_minute_before_it_expires(
    passed: int, expected: int, client: Any, server: MemoryServer, clock: VirtualClock
) -> None:
    client.login_to_tenant("default")
    old = client.get_auth_token()
    clock.advance(passed)

    client.create_project("p")

    assert refreshes(server) == expected
    assert (client.get_auth_token() != old) is bool(expected)


def test_a_refresh_carries_the_refresh_token(client: Any, server: MemoryServer, clock: VirtualClock) -> None:
    client.login_to_tenant("default")
    access = client.get_auth_token()
    clock.advance(590)
    client.create_project("p")

    [request] = server.faults.sent("mutation RefreshToken")
    assert request.variables["input"] == {"access_token": access}
    assert bearer(request) not in {access, server.api_token}


def test_a_refresh_token_that_expired_is_replaced_by_a_new_login(
    client: Any, server: MemoryServer, clock: VirtualClock
) -> None:
    client.login_to_tenant("default")
    clock.advance(30 * 24 * 3600)

    client.create_project("p")

    assert (refreshes(server), logins(server)) == (1, 2)


def test_fifty_threads_refresh_once(server: MemoryServer, clock: VirtualClock) -> None:
    with server.client() as client, ThreadPoolExecutor(50) as pool:
        client.login_to_tenant("default")
        clock.advance(590)
        list(pool.map(lambda number: client.create_project(f"p{number}"), range(50)))

    assert refreshes(server) == 1


@pytest.mark.anyio
async def test_fifty_tasks_refresh_once(server: MemoryServer, clock: VirtualClock) -> None:
    async with server.async_client() as client:
        await client.login_to_tenant("default")
        clock.advance(590)
        await asyncio.gather(*(client.create_project(f"p{number}") for number in range(50)))

    assert refreshes(server) == 1


# ------------------------------------------------------------------------------------------- when it is refused


class Skewed(EmbeddedTransport):
    """A server whose clock is ahead of ours, as its `Date` tells."""

    def __init__(self, service: Any, clock: VirtualClock, ahead: float) -> None:
        super().__init__(service)
        self._now = lambda: clock.now() + timedelta(seconds=ahead)

    def send(self, request: Request) -> Response:
        date = self._now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return replace(super().send(request), headers={"date": date})


def test_a_clock_that_differs_is_learned_from_the_server(clock: VirtualClock) -> None:
    """Given a server two minutes ahead, when its token is about to expire, then it is refreshed by its time."""
    ahead = VirtualClock(clock.now() + timedelta(seconds=120))
    with MemoryServer(clock=ahead, auth="token") as server:
        service = server._service
        transport = FaultyTransport(Skewed(service, clock, 120), server.faults)
        with server.client(transport=transport, clock=clock) as client:
            client.login_to_tenant("default")
            for passed, expected in ((560, 0), (15, 1)):
                for hands in (clock, ahead):
                    hands.advance(passed)
                client.create_project(f"after {passed}")
                assert refreshes(server) == expected


def test_a_refused_token_is_renewed_and_the_request_sent_again(
    open_client: Any, server: MemoryServer
) -> None:
    client = open_client(server)
    client.login_to_tenant("default")
    spoil(client)

    assert client.create_project("p")
    assert refreshes(server) == 1
    assert len(server.faults.sent("CreateProject")) == 2


def test_a_second_refusal_is_final(open_client: Any, server: MemoryServer) -> None:
    client = open_client(server)
    client.login_to_tenant("default")
    client.delete_api_token(client.api_tokens()[0].id)

    with pytest.raises(AuthenticationError) as caught:
        client.create_project("p")

    assert len(server.faults.sent("CreateProject")) <= 2
    assert "api_token argument" in str(caught.value)
    assert server.api_token not in f"{caught.value!r}"


class Stubborn(EmbeddedTransport):
    """Opens sessions as often as it is asked to, and takes none of them."""

    refused = 0

    def send(self, request: Request) -> Response:
        if "CreateProject" in request.text:
            self.refused += 1
            assert self.refused < 10, "asked for ever"
            return Response(
                200, {}, {"errors": [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}]}
            )
        return super().send(request)


def test_a_server_that_refuses_every_session_is_not_asked_for_ever(server: MemoryServer) -> None:
    """Given sessions that are opened and then refused, when a request was sent again, then the refusal is final."""
    transport = FaultyTransport(Stubborn(server._service), server.faults, server.clock)
    with server.client(transport=transport) as client:
        client.login_to_tenant("default")

        with pytest.raises(AuthenticationError):
            client.create_project("p")

    assert len(server.faults.sent("CreateProject")) == 2
    assert refreshes(server) == 1


def test_fifty_threads_that_are_refused_renew_once(server: MemoryServer) -> None:
    with server.client() as client, ThreadPoolExecutor(50) as pool:
        client.login_to_tenant("default")
        spoil(client)
        list(pool.map(lambda number: client.create_project(f"p{number}"), range(50)))

    assert refreshes(server) == 1


@pytest.mark.anyio
async def test_fifty_tasks_that_are_refused_renew_once(server: MemoryServer) -> None:
    async with server.async_client() as client:
        await client.login_to_tenant("default")
        spoil(client)
        await asyncio.gather(*(client.create_project(f"p{number}") for number in range(50)))

    assert refreshes(server) == 1


def spoil(client: Any) -> None:
    """Break the signature of the access token that the client holds."""
    inner = getattr(client, "_client", client)
    credentials = inner._session.credentials
    session = credentials.session
    credentials.accept(replace(session, access_token=session.access_token[:-6] + "AAAAAA"))


@pytest.mark.parametrize("token", [None, "orc_" + "x" * 43])
def test_a_refusal_says_which_credential_it_was(
    token: str | None, open_client: Any, server: MemoryServer
) -> None:
    client = open_client(server, api_token=token)

    with pytest.raises(AuthenticationError) as caught:
        client.create_project("p")

    assert ("no API token" if token is None else "orc_…xxxx") in str(caught.value)
    assert caught.value.operation == "CreateProject"


def test_a_token_of_ones_own_is_neither_renewed_nor_replaced(client: Any, server: MemoryServer) -> None:
    with pytest.raises(AuthenticationError, match="the token given with the request"):
        client.graphql("{ hello }", token="orc_" + "y" * 43)

    assert len(server.faults.requests) == 1


def test_a_tenant_token_is_in_its_tenant_already(open_client: Any, client: Any, server: MemoryServer) -> None:
    token = client.create_api_token("ci", "TENANT").token
    bound = open_client(server, api_token=token)

    assert bound.login_to_tenant("default") is True
    assert bound.create_project("p")
    with pytest.raises(NotFound):
        bound.login_to_tenant("elsewhere")


def test_a_runner_may_not_create_tokens(open_client: Any, client: Any, server: MemoryServer) -> None:
    runner = open_client(server, api_token=client.create_api_token("run", "RUNNER").token)

    with pytest.raises(PermissionDenied) as caught:
        runner.create_api_token("more", "USER")

    assert caught.value.operation == "CreateApiToken"


# ---------------------------------------------------------------------------------------------------- on disk


URL = "http://saved.example/graphql"


@pytest.fixture
def saved(open_client: Any, server: MemoryServer) -> Any:
    """A client whose token is saved for its server."""
    client = open_client(server, api_server=URL)
    client.save_api_token()
    return client


def entry(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "credentials.json").read_text())["servers"][URL]
    return found


def test_a_saved_token_is_found_by_the_next_client(
    saved: Any, open_client: Any, server: MemoryServer, isolated_environment: Path
) -> None:
    again = open_client(server, api_server=URL, api_token=None)

    assert again.get_auth_token() == saved.get_auth_token() == server.api_token
    assert (isolated_environment / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_a_login_saves_its_tenant_and_logging_out_forgets_it(saved: Any, isolated_environment: Path) -> None:
    saved.login_to_tenant("default")
    assert entry(isolated_environment)["tenant_slug"] == "default"

    saved.logout_from_tenant()
    assert "tenant_id" not in entry(isolated_environment)


def test_a_failed_login_leaves_file_and_client_as_they_were(
    saved: Any, server: MemoryServer, isolated_environment: Path
) -> None:
    saved.login_to_tenant("default")
    file = isolated_environment / "credentials.json"
    before, token = file.read_bytes(), saved.get_auth_token()

    with pytest.raises(NotFound):
        saved.login_to_tenant("nowhere")
    server.faults.answer(503, 1000, matching="SwitchTenant")
    with pytest.raises(Exception, match="503"):
        saved.login_to_tenant("default")

    assert file.read_bytes() == before
    assert saved.get_auth_token() == token


def test_a_login_with_a_token_that_is_not_saved_saves_nothing(
    client: Any, isolated_environment: Path
) -> None:
    client.login_to_tenant("default")

    assert not (isolated_environment / "credentials.json").exists()


def test_without_a_token_there_is_nothing_to_save(open_client: Any, server: MemoryServer) -> None:
    with pytest.raises(ConfigurationError, match="api_token"):
        open_client(server, api_token=None).save_api_token()


def test_no_token_is_shown_anywhere(
    client: Any, server: MemoryServer, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.login_to_tenant("default")
        clock.advance(590)
        secrets = {server.api_token, client.get_auth_token(), client.create_api_token("t").token}
        shown = f"{client!r} {server.faults!r} {caplog.text}"

    assert not [secret for secret in secrets if secret and secret in shown]
