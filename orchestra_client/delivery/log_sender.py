"""Delivers log records: those of this process, and those that others left behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra_client.delivery.batches import read_sound_lines
from orchestra_client.delivery.failures import is_refusal, is_suspect, requested_wait
from orchestra_client.delivery.parts import Part
from orchestra_client.delivery.shelf import Shelf
from orchestra_client.delivery.spool import LIFETIME, is_outdated
from orchestra_client.errors import OrchestraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.clock import Clock
    from orchestra_client.delivery.backoff import Backoff
    from orchestra_client.delivery.batches import Batch
    from orchestra_client.delivery.channel import Channel
    from orchestra_client.delivery.log_queue import LogQueue
    from orchestra_client.delivery.spool import Entry, Spool, Stream

__all__ = ["LogSender"]

_log = logging.getLogger("orchestra_client.delivery")

ADOPTION_INTERVAL = 60.0
"""Seconds between two looks for streams that were left behind."""

MAX_MISSES = 32
"""Refusals of a batch, with nothing of it accepted, after which no smaller parts are tried: its run is gone."""


@dataclass(slots=True)
class _Outcome:
    refused: list[bytes] = field(default_factory=list)
    has_accepted: bool = False
    reason: OrchestraError | None = None


class LogSender:
    """Sends batch after batch, each until it is accepted or refused for good; nobody's record overtakes another.

    Its turns belong to one thread.

    Args:
        queue: of this process.
        spool: where others left theirs; None to deliver nobody else's.
        channel: called when something is to be sent; raises as opening a client does.
        clock: for pauses and the age of streams.
        backoff: the pauses while the API is away.
    """

    def __init__(
        self,
        queue: LogQueue,
        spool: Spool | None,
        *,
        channel: Callable[[], Channel],
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self._queue = queue
        self._spool = spool
        self._channel = channel
        self._clock = clock
        self._backoff = backoff
        self._shelf = Shelf(clock)
        self._not_before = 0.0
        self._next_adoption = 0.0
        self.is_hurried = False

    def renew(self) -> None:
        """Begin anew in a forked child."""
        self._backoff.succeed()
        self._not_before = self._next_adoption = 0.0
        self.is_hurried = False

    def look_again(self) -> None:
        """Have the next turn look for what others left behind; may be called from any thread."""
        self._next_adoption = 0.0

    @property
    def failures(self) -> int:
        """How often in a row the API could not be reached; 0 while it can."""
        return self._backoff.failures

    def turn(self) -> float | None:
        """Send what is due, unless the API was away just now.

        Returns:
            Seconds until there will be something to do; None when that is not known.
        """
        now = self._clock.monotonic()
        if now < self._not_before and not self.is_hurried:
            return self._not_before - now
        try:
            self._send_own()
        except OrchestraError as error:
            return self._fail(error)
        self._succeed()
        self._adopt()
        return self._pause()

    def _pause(self) -> float | None:
        due = self._queue.due_in()
        if self._spool is None:
            return due
        adoption = max(self._next_adoption - self._clock.monotonic(), 0.0)
        return adoption if due is None else min(due, adoption)

    def _fail(self, error: OrchestraError) -> float:
        pause = self._backoff.fail(requested_wait(error))
        self._not_before = self._clock.monotonic() + pause
        if self._backoff.failures == 1:
            _log.warning("Logs cannot be delivered (%s); they are kept, and tried again.", error)
        return pause

    def _succeed(self) -> None:
        if self._backoff.failures:
            _log.warning("Logs are delivered again.")
        self._backoff.succeed()
        self._not_before = 0.0

    # ------------------------------------------------------------------------------------------ own records

    def _send_own(self) -> None:
        self._tell_spool_error()
        while (batch := self._queue.take(at_once=self.is_hurried)) is not None:
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        if lines := batch.read():
            self._count_refused(self._write(Part(lines, batch.key), is_inherited=False))
        self._queue.done(batch)

    def _count_refused(self, outcome: _Outcome) -> None:
        if outcome.refused:
            _log.warning("%d log records were refused and dropped: %s", len(outcome.refused), outcome.reason)
            self._queue.count_refused(outcome.refused)

    def _tell_spool_error(self) -> None:
        error, self._queue.spool_error = self._queue.spool_error, None
        if error is not None:
            _log.warning("Logs wait in memory alone, since the spool cannot be written to: %s.", error)

    # ------------------------------------------------------------------------------------------ others' records

    def _adopt(self) -> None:
        if self._spool is None or self._clock.monotonic() < self._next_adoption:
            return
        self._next_adoption = self._clock.monotonic() + ADOPTION_INTERVAL
        try:
            for stream in self._spool.adopt(self._shelf.is_due):
                self._send_stream(stream)
        except OrchestraError as error:
            # Neither a missing permission nor an outage that begins right here holds up this process's own.
            _log.info("Logs that another process left behind are not delivered yet: %s", error)
        self._queue.measure_others()

    def _send_stream(self, stream: Stream) -> None:
        try:
            for place, entry in enumerate(stream.entries()):
                if not (self._is_outdated(entry) or self._send_entry(entry, is_first=place == 0)):
                    # The credential of this process does not reach these runs; another process's may.
                    self._shelf.put(stream.name)
                    return
                # Between two batches of others, this process's own go first.
                self._send_own()
            self._shelf.remove(stream.name)
        finally:
            stream.close()

    def _send_entry(self, entry: Entry, *, is_first: bool) -> bool:
        if lines := read_sound_lines(entry.path):
            # Of all that was left behind, only the first can have been sent before, its answer lost.
            outcome = self._write(Part(lines, entry.key), is_inherited=is_first)
            if not outcome.has_accepted:
                return False
            self._count_refused(outcome)
        entry.remove()
        return True

    def _is_outdated(self, entry: Entry) -> bool:
        if not is_outdated(entry.path, self._clock.now()):
            return False
        _log.warning("Log records are given up after %s days: %s.", LIFETIME.days, entry.path)
        entry.remove()
        return True

    # ------------------------------------------------------------------------------------------ sending

    def _write(self, whole: Part, *, is_inherited: bool) -> _Outcome:
        """Write all of a batch that the API takes: refused parts are sent again in halves."""
        outcome, waiting, misses = _Outcome(), [whole], 0
        while waiting:
            part = waiting.pop()
            error = self._try(part, is_inherited=is_inherited)
            if error is None:
                outcome.has_accepted = True
                continue
            misses, outcome.reason = misses + 1, error
            if len(part.lines) > 1 and (outcome.has_accepted or misses < MAX_MISSES):
                waiting += reversed(part.halves())
            else:
                outcome.refused += part.lines
        return outcome

    def _try(self, part: Part, *, is_inherited: bool) -> OrchestraError | None:
        channel = self._channel()
        # Another credential's repeat is not recognised by its key. Parts are written in order, each as a whole.
        if is_inherited and channel.has_log(part.lines[-1]):
            return None
        try:
            channel.write_logs(part.lines, part.key)
        except OrchestraError as error:
            is_suspect_now = is_suspect(error, self._backoff.failures + 1)
            if is_refusal(error) or (is_suspect_now and channel.is_healthy()):
                return error
            raise
        return None
