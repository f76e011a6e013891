"""Real server processes, and requests to them byte by byte."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

TOKEN = "orc_" + "t" * 43
START = [
    sys.executable,
    "-c",
    "from orchestra_client.cli import main; main()",
    "server",
    "start",
    "--port",
    "0",
]


@dataclass
class Server:
    """`orchestra server start` on a file in `folder`, its output kept."""

    folder: Path
    database: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Server:
        self.start()
        self.wait_until_ready()
        return self

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        url = self.database or f"sqlite:///{self.folder}/runs.db"
        self.errors = (self.folder / f"stderr-{id(self)}").open("w+")
        self.process = subprocess.Popen(
            [*START, "--database", url, *self.arguments],
            env={
                **os.environ,
                "ORCHESTRA_HOME": str(self.folder / "home"),
                "ORCHESTRA_BOOTSTRAP_TOKEN": TOKEN,
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.fullmatch(r"Listening on (http://(.*):(\d+)/graphql)\n", line)
        assert found, f"no server: {line!r} {self.log()}"
        self.url, self.port = found[1], int(found[3])

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Ask it to end, and wait until it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> int:
        self.process.kill()
        return self.wait()

    def wait(self, timeout: float = 40) -> int:
        status = self.process.wait(timeout)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.errors.close()
        return status

    def log(self) -> str:
        self.errors.flush()
        return Path(self.errors.name).read_text()

    # ------------------------------------------------------------------------------------------- asking

    def client(self) -> httpx.Client:
        return httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60, trust_env=False)

    def ask(self, query: str, client: httpx.Client | None = None, /, **variables: Any) -> dict[str, Any]:
        """The body of an answer."""
        body = {"query": query, "variables": variables}
        if client is not None:
            return dict(client.post(self.url, json=body).json())
        with self.client() as one:
            return dict(one.post(self.url, json=body).json())

    def data(self, query: str, client: httpx.Client | None = None, /, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        body = self.ask(query, client, **variables)
        assert "errors" not in body, body
        return dict(body["data"])

    def resident_bytes(self) -> int:
        """How much memory the process holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    def peak_bytes(self) -> int:
        """The most memory that the process held since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)


def head(length: int | None, *more: str, token: str | None = TOKEN, path: str = "/graphql") -> bytes:
    """The head of a POST request; without a length it is chunked."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *more]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def receive(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    headers, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", headers)[1])  # type: ignore[index]
    while len(body) < length:
        body += _more(connection)
    return int(headers.split()[1]), json.loads(body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    assert data, "the server hung up"
    return data


def at_once(*works: Any) -> list[Any]:
    """What functions return that are called at the same moment, in threads."""
    gate = threading.Barrier(len(works))
    results: list[Any] = [None] * len(works)

    def run(index: int, work: Any) -> None:
        gate.wait()
        results[index] = work()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
