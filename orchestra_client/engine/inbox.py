"""What happens to a flow run while its thread waits: tries that end, and news from outside."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from orchestra_client.clock import SystemClock

if TYPE_CHECKING:
    from orchestra_client.clock import Clock

__all__ = ["Inbox"]


class Inbox:
    """A queue of events. Any thread may put one in; one thread takes them out.

    Args:
        clock: what waiting is measured by. Another one than the system's is turned by hand: when nobody is at work who
            could put something in, waiting just moves its hands.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: SimpleQueue[Any] = SimpleQueue()

    def put(self, event: Any) -> None:
        """Add an event, from any thread."""
        self._events.put(event)

    def drain(self) -> list[Any]:
        """What has happened so far, in order; empty when nothing has."""
        events = []
        while not self._events.empty():
            events.append(self._events.get())
        return events

    def wait(self, seconds: float | None, *, is_anyone_working: bool) -> list[Any]:
        """Wait until something happens.

        Args:
            seconds: how long at most; None for as long as it takes.
            is_anyone_working: whether an event will come without anything from outside.

        Returns:
            All that has happened by then, in order; empty when the time is over.
        """
        if not isinstance(self._clock, SystemClock) and not is_anyone_working and seconds is not None:
            self._clock.sleep(seconds)
            return self.drain()
        limit = seconds if isinstance(self._clock, SystemClock) else None
        try:
            first = self._events.get(timeout=limit)
        except Empty:
            return []
        return [first, *self.drain()]
