"""A real server on the loopback, whose answers, and whose misbehaviour on the wire, a test writes down."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Act = Callable[[socket.socket], None]

OK_BODY = b'{"data":{"hello":"world"}}'


class WireServer:
    """Answers each request with the next act of its script, and with a plain success when that has run out."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.greeting = b""
        self.script: list[Act] = []
        self.is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.is_stopping.set()
        self._socket.close()

    # Acts

    def answer(self, body: bytes = OK_BODY, status: int = 200, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        self.send(head.encode() + body)

    def send(self, raw: bytes, *, then_close: bool = False) -> None:
        def act(connection: socket.socket) -> None:
            connection.sendall(raw)
            if then_close:
                raise ConnectionAbortedError

        self.script.append(act)

    def hang_up(self) -> None:
        self.send(b"", then_close=True)

    def reset(self) -> None:
        def act(connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ConnectionAbortedError

        self.script.append(act)

    def stall(self) -> None:
        def act(connection: socket.socket) -> None:
            self.is_stopping.wait(30)
            raise ConnectionAbortedError

        self.script.append(act)

    # What happened

    @property
    def last_head(self) -> str:
        return self.requests[-1].partition(b"\r\n\r\n")[0].decode()

    @property
    def last_body(self) -> bytes:
        return self.requests[-1].partition(b"\r\n\r\n")[2]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(self.greeting)
            while request := _read_request(connection):
                with self._lock:
                    self.requests.append(request)
                    if not self.script:
                        self.answer()
                    act = self.script.pop(0)
                act(connection)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def wire() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.stop()


@pytest.fixture
def closed_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
