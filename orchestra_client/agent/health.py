"""An agent's state over HTTP, for probes and people."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["HealthServer", "parse_address"]

_TIMEOUT = 5.0
"""Seconds that a request may take to arrive."""


def parse_address(text: str) -> tuple[str, int]:
    """Read an address to listen on.

    Args:
        text: ``HOST:PORT``, ``[IPV6]:PORT``, or either behind ``http://``.

    Raises:
        ConfigurationError: it is none of these.
    """
    host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigurationError(f"The health address is written HOST:PORT, as 127.0.0.1:8080, not {text!r}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


class HealthServer:
    """Answers ``GET /`` and ``GET /health`` with a JSON object; 200 while all is well, else 503. A context manager.

    It tells no secrets and changes nothing. Its threads end with the process.

    Args:
        address: where to listen; port 0 picks a free one.
        read: gives the object, and whether all is well; called in threads of this server.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """

    def __init__(self, address: tuple[str, int], read: Callable[[], tuple[bool, dict[str, Any]]]) -> None:
        try:
            self._server = _Server(address, read)
        except OSError as error:
            raise ConfigurationError(
                f"The health address {address[0]}:{address[1]} cannot be used: {error.strerror or error}."
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="orchestra-agent-health", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/health"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], read: Callable[[], tuple[bool, dict[str, Any]]]) -> None:
        if ":" in address[0]:
            import socket  # noqa: PLC0415 - for the name of a number, where it is needed

            self.address_family = socket.AF_INET6
        self.read = read
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT
    server_version = "orchestra-agent"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a GET."""
        if self.path not in {"/", "/health"}:
            self.send_error(404)
            return
        is_well, told = self.server.read()
        body = json.dumps(told).encode()
        self.send_response(200 if is_well else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class's
        """Log no requests."""
