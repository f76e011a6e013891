"""Networks that fail on command: wrap a client's transport, then switch faults on."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra_client.clock import SystemClock
from orchestra_client.errors import TransportConnectionError, TransportTimeout
from orchestra_client.transport import Response

if TYPE_CHECKING:
    from orchestra_client.clock import Clock
    from orchestra_client.transport import AsyncTransport, Request, Transport

__all__ = ["AsyncFaultyTransport", "Faults", "FaultyTransport"]


@dataclass(slots=True)
class _Fault:
    times: int
    matching: str
    is_lost: bool = False
    is_refused: bool = False
    delay: float = 0.0
    answer: Response | None = None


@dataclass(slots=True)
class Faults:
    """The switches. Each fault hits the next requests that match, then is used up; faults queue.

    `matching` is a part of the GraphQL document, usually an operation's name such as ``CreateFlowRun``; empty means
    every request. Safe to share between threads and tasks.

    Attributes:
        requests: every request that was to be sent, in order.
    """

    requests: list[Request] = field(default_factory=list)
    _queue: list[_Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lose_answers(self, times: int = 1, *, matching: str = "") -> None:
        """Let the server answer, and lose the answer: the client sees a timeout.

        Args:
            times: how many requests it hits.
            matching: which ones.
        """
        self._queue.append(_Fault(times, matching, is_lost=True))

    def refuse_connections(self, times: int = 1, *, matching: str = "") -> None:
        """Let requests never reach the server.

        Args:
            times: how many requests it hits.
            matching: which ones.
        """
        self._queue.append(_Fault(times, matching, is_refused=True))

    def answer(
        self, status: int, times: int = 1, *, matching: str = "", retry_after: float | None = None
    ) -> None:
        """Answer with an HTTP status of a proxy or an overloaded server, in place of the server.

        Args:
            status: e.g. 429 or 502.
            times: how many requests it hits.
            matching: which ones.
            retry_after: seconds for the `Retry-After` header; unset means none.
        """
        headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
        self._queue.append(_Fault(times, matching, answer=Response(status, headers)))

    def delay(self, seconds: float, times: int = 1, *, matching: str = "") -> None:
        """Let requests take longer.

        Args:
            seconds: how much longer, by the transport's clock.
            times: how many requests it hits.
            matching: which ones.
        """
        self._queue.append(_Fault(times, matching, delay=seconds))

    def sent(self, matching: str = "") -> list[Request]:
        """The requests that were to be sent.

        Args:
            matching: which ones.
        """
        return [request for request in self.requests if matching in request.text]

    def strike(self, request: Request) -> _Fault | None:
        """Record a request and take the fault that hits it, if any."""
        with self._lock:
            self.requests.append(request)
            for fault in self._queue:
                if fault.times > 0 and fault.matching in request.text:
                    fault.times -= 1
                    return fault
        return None


def _refused() -> TransportConnectionError:
    return TransportConnectionError("the connection was refused (a fault of the test)", was_sent=False)


def _lost() -> TransportTimeout:
    return TransportTimeout("no answer came in time (a fault of the test)", was_sent=True)


class FaultyTransport:
    """Carries a client's requests through a network that fails on command.

    ::

        transport = FaultyTransport(embedded)
        with Client(transport=transport) as client:
            transport.faults.lose_answers(matching="CreateFlowRun")
            client.create_flow_run(flow_id=flow_id)     # one run, although it took two requests

    Safe to share between threads; closes the transport it wraps.

    Args:
        transport: carries the requests that no fault hits.
        faults: the switches; unset means new ones.
        clock: for delays; unset means the system's.
    """

    def __init__(
        self, transport: Transport, faults: Faults | None = None, clock: Clock | None = None
    ) -> None:
        self._inner = transport
        self._clock = clock or SystemClock()
        self.faults = faults or Faults()

    def send(self, request: Request) -> Response:
        """Send once, or fail as the next fault wants it."""
        fault = self.faults.strike(request)
        if fault is None:
            return self._inner.send(request)
        if fault.is_refused:
            raise _refused()
        if fault.answer is not None:
            return fault.answer
        self._clock.sleep(fault.delay)
        response = self._inner.send(request)
        if fault.is_lost:
            raise _lost()
        return response

    def close(self) -> None:
        """Close the transport inside."""
        self._inner.close()


class AsyncFaultyTransport:
    """As `FaultyTransport`, for tasks.

    Args:
        transport: carries the requests that no fault hits.
        faults: the switches; unset means new ones.
        clock: for delays; unset means the system's.
    """

    def __init__(
        self, transport: AsyncTransport, faults: Faults | None = None, clock: Clock | None = None
    ) -> None:
        self._inner = transport
        self._clock = clock or SystemClock()
        self.faults = faults or Faults()

    async def send(self, request: Request) -> Response:
        """Send once, or fail as the next fault wants it."""
        fault = self.faults.strike(request)
        if fault is None:
            return await self._inner.send(request)
        if fault.is_refused:
            raise _refused()
        if fault.answer is not None:
            return fault.answer
        await self._clock.async_sleep(fault.delay)
        response = await self._inner.send(request)
        if fault.is_lost:
            raise _lost()
        return response

    async def close(self) -> None:
        """Close the transport inside."""
        await self._inner.close()
