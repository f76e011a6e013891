"""Clients that are slow to send, slow to read, or silent, on real connections."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from orchestra_client.server.protocol import SLOWEST, bounded_protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

PATIENCE = 0.5
LARGE = 64 * 1024 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Tells the length of a body, after a nap or at length where the path says so."""
    if scope["path"] == "/late":
        await asyncio.sleep(4 * PATIENCE)
    length, has_more = 0, True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, has_more = length + len(message.get("body", b"")), message.get("more_body", False)
    content = b"x" * LARGE if scope["path"] == "/large" else b"%d" % length
    headers = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    config = uvicorn.Config(
        app, port=0, http=bounded_protocol(PATIENCE), lifespan="off", log_config=None, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def connection(server: uvicorn.Server) -> Iterator[socket.socket]:
    [listener] = [each for one in server.servers for each in one.sockets]
    with socket.create_connection(listener.getsockname(), timeout=10) as connection:
        yield connection


def head(length: int, path: str = "/") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def rest(connection: socket.socket) -> tuple[bytes, float]:
    """What still comes until the server hangs up, and how many seconds that took."""
    started, data = time.monotonic(), b""
    while piece := connection.recv(65536):
        data += piece
    return data, time.monotonic() - started


def answer(connection: socket.socket) -> bytes:
    """The body of the next answer: however many pieces it comes in, and whatever comes after it."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.read()


def drip(connection: socket.socket, data: bytes, *, size: int = 1, pause: float = PATIENCE / 10) -> None:
    """Send piece by piece, until it is all or the server hangs up."""
    for start in range(0, len(data), size):
        try:
            connection.sendall(data[start : start + size])
        except OSError:
            return
        time.sleep(pause)


class TestSlowSenders:
    def test_who_says_nothing_is_hung_up_on_without_a_word(self, connection: socket.socket) -> None:
        data, seconds = rest(connection)
        assert data == b""
        assert seconds < 4 * PATIENCE

    @pytest.mark.parametrize(
        "half",
        [
            b"P",
            head(9)[:-2],
            head(9),
            head(9) + b"1234",
            head(9).replace(b"Content-Length: 9", b"Expect: x")[:-3],
        ],
    )
    def test_half_a_request_is_not_waited_for(self, connection: socket.socket, half: bytes) -> None:
        connection.sendall(half)

        data, seconds = rest(connection)

        assert data.startswith(b"HTTP/1.1 408 ")
        assert seconds < 4 * PATIENCE

    @pytest.mark.parametrize(("start", "more"), [(b"", head(9)), (head(90), b"x" * 90)])
    def test_one_that_drips_is_not_waited_for(
        self, connection: socket.socket, start: bytes, more: bytes
    ) -> None:
        connection.sendall(start)
        started = time.monotonic()

        drip(connection, more)

        assert time.monotonic() - started < 6 * PATIENCE

    def test_one_that_comes_slowly_and_steadily_is_read(self, connection: socket.socket) -> None:
        body = b"x" * int(6 * PATIENCE * SLOWEST)
        connection.sendall(head(len(body)))

        drip(connection, body, size=100, pause=100 / SLOWEST / 2)

        assert answer(connection) == b"%d" % len(body)

    def test_the_second_one_on_a_connection_is_not_waited_for_either(self, connection: socket.socket) -> None:
        connection.sendall(head(1) + b"x")
        assert answer(connection) == b"1"
        time.sleep(2 * PATIENCE)
        connection.sendall(head(1))

        assert rest(connection)[0].startswith(b"HTTP/1.1 408 ")


class TestSlowServers:
    def test_who_waits_for_an_answer_is_not_hung_up_on(self, connection: socket.socket) -> None:
        connection.sendall(head(1, "/late") + b"x")

        assert answer(connection) == b"1"

    def test_who_cannot_send_because_nobody_reads_is_not_hung_up_on(self, connection: socket.socket) -> None:
        body = b"x" * (16 * 1024 * 1024)

        connection.sendall(head(len(body), "/late") + body)

        assert answer(connection) == b"%d" % len(body)

    def test_half_of_the_next_request_does_not_cost_the_answer_to_the_first(
        self, connection: socket.socket
    ) -> None:
        connection.sendall(head(1, "/late") + b"x" + head(1)[:20])

        assert answer(connection) == b"1"


class TestSlowReaders:
    def test_who_does_not_read_is_dropped(self, server: uvicorn.Server, connection: socket.socket) -> None:
        connection.sendall(head(1, "/large") + b"x")
        assert connection.recv(10)

        deadline = time.monotonic() + 10 * PATIENCE
        while server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.05)

        assert not server.server_state.connections

    def test_who_reads_slowly_gets_it_all(self, connection: socket.socket) -> None:
        connection.sendall(head(1, "/large") + b"x")
        size = 0
        while size < LARGE and (piece := connection.recv(4 * 1024 * 1024)):
            size += len(piece)
            time.sleep(PATIENCE / 5)

        assert size > LARGE
