"""HTTP/1.1 as uvicorn speaks it, with an end to what a client may send besides bodies, and to its waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers, or of what follows its last chunk."""

PATIENCE = 30.0
"""Seconds that a request's head may take, and in which a body or an answer has to get on."""

SLOWEST = 500
"""Bytes a second with which a body is taken, or an answer, however long that is."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Its parser would take headers of any length into memory, before anybody is asked who they are; and who sends half
    of a request, or reads half of an answer, would be waited for for good.

    Belongs to one event loop, as every protocol of asyncio does.

    Attributes:
        patience: as `PATIENCE`.
    """

    patience = PATIENCE

    _without_body = 0
    _has_begun = False
    _has_head = False
    _taken = 0
    _was_held_up = False
    _unsent = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._receiving = _Watch(self.loop, self.patience, self._look_at_request)
        self._sending = _Watch(self.loop, self.patience, self._look_at_answer)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._receiving.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._receiving.close()
        self._sending.close()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to count anew."""
        self._without_body = 0
        self._has_begun, self._has_head = True, False
        self._receiving.begin()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        super().on_headers_complete()
        self._has_head = True
        self._taken = 0
        self._receiving.begin()

    def on_body(self, body: bytes) -> None:
        """Bodies have a limit of their own."""
        self._without_body = 0
        self._taken += len(body)
        super().on_body(body)
        # The client cannot send while its last bytes are not taken from here.
        self._was_held_up = self._was_held_up or self.flow.read_paused

    def on_message_complete(self) -> None:
        """Wait for nothing: it is the client who waits now."""
        self._has_begun = False
        self._receiving.end()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the client to take what is left of the answer, also when nothing more is to be said."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._watch_answer()

    def data_received(self, data: bytes) -> None:
        """Read what came, and hang up on who has sent too much of anything but a body."""
        self._without_body += len(data)
        super().data_received(data)
        if self._without_body > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The request's headers are longer than {MAX_HEAD} bytes.")

    def pause_writing(self) -> None:
        """Wait for the client to take what was sent."""
        super().pause_writing()
        self._watch_answer()

    def _look_at_request(self) -> bool:
        """Whether to wait on for the rest of a request; hangs up when not."""
        is_held_up = self._was_held_up or self._is_held_up()
        gets_on = self._has_head and self._taken >= self.patience * SLOWEST
        self._taken, self._was_held_up = 0, self.flow.read_paused
        if not (is_held_up or gets_on or self.transport.is_closing()):
            self._hang_up()
        return not self.transport.is_closing()

    def _is_held_up(self) -> bool:
        """Whether it is us for whom the client waits."""
        if self.flow.read_paused:
            return True
        is_answering = bool(self.cycle) and not self.cycle.response_complete
        # Without the head of the next request, it is the one before that is not answered yet.
        return is_answering and (not self._has_head or self.cycle.waiting_for_100_continue)

    def _hang_up(self) -> None:
        # Who has said nothing yet is told nothing: the next answer would be taken for that of its first request.
        if self._has_begun and not (self._has_head and self.cycle.response_started):
            self.transport.write(STATUS_LINE[408] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _watch_answer(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._sending.begin()

    def _look_at_answer(self) -> bool:
        """Whether to wait on for the client to read; drops what it does not when not."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        gets_on = before - self._unsent >= self.patience * SLOWEST
        if self._unsent and not gets_on:
            self.transport.abort()
        return bool(self._unsent) and gets_on


def bounded_protocol(patience: float) -> type[BoundedProtocol]:
    """The protocol of a server that waits for its clients so long.

    Args:
        patience: as `PATIENCE`, in seconds.
    """
    return type("BoundedProtocol", (BoundedProtocol,), {"patience": patience})


class _Watch:
    """Looks after a while whether something went on meanwhile, and again, until it ends.

    Beginning and ending cost next to nothing: the timer runs on, and finds out later.

    Args:
        loop: the connection's.
        seconds: between two looks.
        look: tells whether to go on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, look: Callable[[], bool]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._look = look
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Look after the time from now, and not before."""
        self._due = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._ring)

    def end(self) -> None:
        """Look no more, until it begins anew."""
        self._due = None

    def close(self) -> None:
        """Be forgotten."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._due is None:
            return
        now = self._loop.time()
        if now >= self._due:
            if not self._look():
                self._due = None
                return
            self._due = now + self._seconds
        self._timer = self._loop.call_later(self._due - now, self._ring)
