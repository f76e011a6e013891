"""HTTP/1.1 as uvicorn speaks it, with an end to what a client may send besides bodies."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers, or of what follows its last chunk."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its parser would take headers of any length into memory, before anybody is asked who they are.

    Belongs to one event loop, as every protocol of asyncio does.
    """

    _without_body = 0

    def on_message_begin(self) -> None:
        """Begin to count anew."""
        self._without_body = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Bodies have a limit of their own."""
        self._without_body = 0
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        """Read what came, and hang up on who has sent too much of anything but a body."""
        self._without_body += len(data)
        super().data_received(data)
        if self._without_body > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The request's headers are longer than {MAX_HEAD} bytes.")
