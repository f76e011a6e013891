"""Logging in without saying where: what is asked, and of whom."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import AuthenticationError, BadInput, ConfigurationError, NoSuchTenant
from orchestra_client.testing import MemoryServer
from orchestra_client.transport import Response
from orchestra_client.transport.embedded import EmbeddedTransport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestra_client.testing import VirtualClock
    from orchestra_client.transport import Request


class Somebody:
    """A person who answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.told: list[str] = []

    def is_there(self) -> bool:
        return True

    def read_token(self, server: str) -> str:
        self.asked.append(f"token for {server}")
        return self.answers.pop(0)

    def choose(self, question: str, options: Sequence[str]) -> int:
        self.asked.append(f"{question} {', '.join(options)}")
        return options.index(self.answers.pop(0))

    def tell(self, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    """A server that asks for logins."""
    with MemoryServer(clock=clock, auth="token") as server:
        yield server


def before(client: Any, person: Somebody) -> Somebody:
    """Put a client before a person."""
    vars(client).get("_client", client)._person = person
    return person


def test_the_only_tenant_is_taken_without_a_question(client: Any) -> None:
    person = before(client, Somebody())

    assert client.login_to_tenant() is True

    assert client.get_auth_token().startswith("eyJ")
    assert (person.asked, person.told) == ([], [])


def test_of_several_tenants_one_is_chosen(client: Any) -> None:
    client.create_tenant("Sales")
    person = before(client, Somebody("sales"))

    client.login_to_tenant()

    assert client.get_default_tenant_slug() == "sales"
    assert person.asked == ["Which tenant? default, sales"]


def test_where_there_is_no_token_it_is_asked_for(open_client: Any, server: MemoryServer) -> None:
    client = open_client(server, api_token=None)
    person = before(client, Somebody(f"{server.api_token}\n"))

    client.login_to_tenant()

    assert client.create_project("p")
    assert person.asked == ["token for memory:"]
    assert person.told == ["Logged in to default. To keep the token for next time: save_api_token()"]
    assert f"…{str(server.api_token)[-4:]} from the prompt" in repr(client)
    assert server.api_token not in repr(client)


def test_a_server_without_logins_wants_no_token(open_client: Any, clock: VirtualClock) -> None:
    with MemoryServer(clock=clock) as server:
        client = open_client(server)
        person = before(client, Somebody())
        client.login_to_tenant()
        assert client.create_project("p")
    assert person.asked == []


@pytest.mark.parametrize(
    ("typed", "error"), [("orc_wrong", AuthenticationError), ("no token", ConfigurationError)]
)
def test_a_wrong_token_changes_nothing(
    typed: str, error: type[Exception], open_client: Any, server: MemoryServer
) -> None:
    client = open_client(server, api_token=None)
    before(client, Somebody(typed, str(server.api_token)))

    with pytest.raises(error):
        client.login_to_tenant()
    assert "prompt" not in repr(client)

    assert client.login_to_tenant() is True


def test_a_token_that_is_refused_is_not_asked_for_again(open_client: Any, server: MemoryServer) -> None:
    """Whoever set a token is told that it is wrong, and where it came from."""
    client = open_client(server, api_token="orc_" + "x" * 43)
    person = before(client, Somebody())

    with pytest.raises(AuthenticationError, match="the api_token argument"):
        client.login_to_tenant()
    assert person.asked == []


def test_a_token_that_sees_no_tenant_is_said_to(server: MemoryServer) -> None:
    class Hermit(EmbeddedTransport):
        def send(self, request: Request) -> Response:
            assert "GetAvailableTenants" in request.text
            return Response(200, {}, {"data": {"get_available_tenants": []}})

    with server.client(transport=Hermit(server._service)) as client:
        before(client, Somebody())
        with pytest.raises(NoSuchTenant, match="sees no tenant at all"):
            client.login_to_tenant()


def test_where_nobody_is_the_only_tenant_is_taken(client: Any) -> None:
    assert client.login_to_tenant() is True

    assert client.get_auth_token().startswith("eyJ")


def test_where_nobody_is_a_tenant_must_be_named(client: Any) -> None:
    client.create_tenant("Sales")

    with pytest.raises(BadInput, match=r"tenant_slug or tenant_id.*default, sales.*nobody"):
        client.login_to_tenant()


def test_where_nobody_is_a_token_must_be_given(open_client: Any, server: MemoryServer) -> None:
    with pytest.raises(AuthenticationError, match=r"ORCHESTRA_API_TOKEN.*`orchestra auth login`"):
        open_client(server, api_token=None).login_to_tenant()


@pytest.mark.parametrize(
    ("typed", "error", "message"),
    [
        (
            "orc_" + "x" * 39 + "rong",
            AuthenticationError,
            r"refused the token that was typed, orc_…rong; copy",
        ),
        ("", ConfigurationError, "from the prompt is empty"),
    ],
)
def test_a_wrong_token_is_said_to_be_the_one_that_was_typed(
    typed: str, error: type[Exception], message: str, open_client: Any, server: MemoryServer
) -> None:
    client = open_client(server, api_token=None)
    before(client, Somebody(typed))

    with pytest.raises(error, match=message) as caught:
        client.login_to_tenant()

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_question_that_is_not_answered_changes_nothing(open_client: Any, server: MemoryServer) -> None:
    class Gone(Somebody):
        def read_token(self, server: str) -> str:
            raise EOFError

    client = open_client(server, api_token=None)
    before(client, Gone())

    with pytest.raises(BadInput, match="was not answered"):
        client.login_to_tenant()


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_a_person_thinks(server: MemoryServer) -> None:
    others_went_on = threading.Event()

    class Thinker(Somebody):
        def read_token(self, server: str) -> str:
            assert others_went_on.wait(5), "the loop stood still"
            return super().read_token(server)

    async def go_on() -> None:
        await asyncio.sleep(0.01)
        others_went_on.set()

    async with server.async_client(api_token=None) as client:
        before(client, Thinker(str(server.api_token)))
        await asyncio.gather(client.login_to_tenant(), go_on())
        assert await client.create_project("p")


AT_A_TERMINAL = """
from orchestra_client.testing import MemoryServer
with MemoryServer(auth="token") as server:
    with server.client() as client:
        client.create_tenant("Sales")
    print("token", server.api_token, flush=True)
    with server.client(api_token=None) as client:
        client.login_to_tenant()
        print("in", client.get_default_tenant_slug(), flush=True)
"""


@pytest.mark.slow
def test_at_a_real_terminal_the_token_is_not_shown(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    script = tmp_path / "script.py"
    script.write_text(AT_A_TERMINAL)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)

    def read_until(text: str) -> str:
        seen = ""
        while text not in seen:
            seen += os.read(ours, 4096).decode()
        return seen

    try:
        token = read_until("API token for memory: (not shown): ").split()[1]
        os.write(ours, f"{token}\n".encode())
        asked = read_until("Which tenant? ")
        os.write(ours, b"7\n")
        refused = read_until("Which tenant? ")
        os.write(ours, b"2\n")
        answered = read_until("in sales")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert token.startswith("orc_")
    assert token not in asked + refused + answered
    assert "1. default" in asked
    assert "Type a number from 1 to 2" in refused
    assert "save_api_token()" in answered
