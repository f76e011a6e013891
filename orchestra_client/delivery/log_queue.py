"""Log records on their way from those who log to the one who sends."""

from __future__ import annotations

import threading
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestra_client.delivery.batches import Batch
from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.records import Draft, Sequencer, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestra_client.clock import Clock
    from orchestra_client.delivery.batches import Limits
    from orchestra_client.delivery.spool import Spool, Stream

__all__ = ["REPORTER", "LogQueue"]

REPORTER = "orchestra.delivery"
"""The logger's name in records that tell of lost ones."""

_FULL = "{} dropped: more was logged than could be delivered or kept."
_REFUSED = "{} dropped: the API refused them."


class LogQueue:
    """Takes records one by one and gives them away in batches, bounded in memory and on disk.

    Each record is written to the spool as it comes, so that one that was taken outlives a `kill -9`. When there is no
    room on disk, records wait in memory alone; when there is none there, either, they are dropped, counted, and
    the count takes their place among the records.

    Safe to share between threads, for any number that put and one that takes; also from signal handlers and
    finalizers. A forked child starts with an empty one: what waits is its parent's to deliver.

    Args:
        spool: where records wait on disk; None keeps them in memory alone.
        limits: how much waits.
        clock: for when batches are due, and for the times of reports.
        new_id: returns a new UUID as text.
        on_batch: called, holding up whoever logs, when a batch is begun or complete.
    """

    def __init__(
        self,
        spool: Spool | None,
        limits: Limits,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        on_batch: Callable[[], object],
    ) -> None:
        self._spool = spool
        self._limits = limits
        self._clock = clock
        self._new_id = new_id
        self._on_batch = on_batch
        self._stream: Stream | None = None
        self._begin_anew()
        renew_in_children(self)

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()
        self._emptied = threading.Condition(self._lock)
        self._is_putting = False
        self._late: deque[Draft] = deque()
        self._open: Batch | None = None
        self._sealed: deque[Batch] = deque()
        self._sequencer: Sequencer | None = None
        self._memory = 0
        self._on_disk = 0
        self._dropped: Counter[tuple[str, str | None]] = Counter()
        self.spool_error: OSError | None = None
        self._others_on_disk = 0

    def renew(self) -> None:
        """Begin anew in a forked child."""
        if self._stream is not None:
            self._stream.abandon()
            self._stream = None
        self._begin_anew()

    # ------------------------------------------------------------------------------------------ putting

    def put(self, draft: Draft) -> None:
        """Take a record, or count it as dropped. Neither waits for the network nor raises."""
        with self._lock:
            self._late.append(draft)
            # What interrupts this very thread here, and logs, leaves its record to the one that it interrupts.
            if self._is_putting:
                return
            self._is_putting = True
            try:
                while self._late:
                    self._put(self._late.popleft())
            finally:
                self._is_putting = False

    def count_refused(self, lines: Iterable[bytes]) -> None:
        """Have records that the API refused reported; refused reports are not."""
        records = [read_record(line) for line in lines]
        lost = Counter(each.get("flow_run_id") for each in records if each.get("name") != REPORTER)
        with self._lock:
            for flow_run_id, count in lost.items():
                self._dropped[_REFUSED, flow_run_id] += count

    def _put(self, draft: Draft) -> None:
        if self._memory >= self._limits.max_memory:
            self._dropped[_FULL, draft.flow_run_id] += 1
            self._numbers().skip()
            return
        if self._dropped:
            self._report()
        self._add(self._numbers().line(draft))

    def _report(self) -> None:
        dropped, self._dropped = self._dropped, Counter()
        now = self._clock.now().timestamp()
        for (reason, flow_run_id), count in dropped.items():
            message = reason.format("1 record was" if count == 1 else f"{count} records were")
            draft = Draft(flow_run_id, None, now, REPORTER, "WARNING", message)
            self._add(self._numbers().line(draft))

    def _add(self, line: bytes) -> None:
        batch, size = self._open, len(line)
        if batch is None or batch.size + size > self._limits.max_bytes:
            self._seal()
            batch = self._open = self._begin()
            self._on_batch()
        batch.add(line)
        self._memory += size
        if batch.count >= self._limits.max_records:
            self._seal()
            self._on_batch()

    def _begin(self) -> Batch:
        batch = Batch(self._new_id(), self._clock.monotonic())
        if self._spool is not None and self._has_disk():
            try:
                stream = self._opened()
                batch.journal = stream.journal(batch.key, self._limits.max_bytes)
                batch.path = batch.journal.path
            except OSError as error:
                self.spool_error = error
        return batch

    def _has_disk(self) -> bool:
        taken = self._on_disk + self._others_on_disk
        return taken + self._limits.max_bytes <= self._limits.max_spool

    def _seal(self) -> None:
        batch, self._open = self._open, None
        if batch is None:
            return
        batch.seal()
        self._sealed.append(batch)
        if batch.path is not None:
            self._on_disk += batch.size
            if self._memory > self._limits.max_memory // 2:
                self._forget(batch)

    def _forget(self, batch: Batch) -> None:
        if batch.lines is not None:
            batch.lines = None
            self._memory -= batch.size

    def _opened(self) -> Stream:
        assert self._spool is not None
        if self._stream is None:
            self._stream = self._spool.open_stream()
        return self._stream

    def _numbers(self) -> Sequencer:
        if self._sequencer is None:
            with suppress(OSError):
                if self._spool is not None:
                    self._opened()
            self._sequencer = Sequencer(self._stream.name if self._stream else self._new_id())
        return self._sequencer

    # ------------------------------------------------------------------------------------------ taking

    def take(self, *, at_once: bool = False) -> Batch | None:
        """The batch to deliver next, which stays the next one until it is `done`.

        Args:
            at_once: also one that others may still join.

        Returns:
            A sealed batch; None when none is due.
        """
        with self._lock:
            if self._dropped and self._memory < self._limits.max_memory:
                self._report()
            if not self._sealed and self._open and (at_once or self.due_in() == 0):
                self._seal()
            return self._sealed[0] if self._sealed else None

    def done(self, batch: Batch) -> None:
        """Forget a batch: it was delivered, or is lost."""
        batch.discard()
        with self._lock:
            if batch not in self._sealed:  # it came too late: the queue is closed
                return
            self._sealed.remove(batch)
            if batch.path is not None:
                self._on_disk -= batch.size
            self._forget(batch)
            if not self:
                self._emptied.notify_all()

    def measure_others(self) -> None:
        """Notice how much of the spool other processes fill."""
        if self._spool is not None:
            own = self._stream.size() if self._stream else 0
            self._others_on_disk = max(self._spool.size() - own, 0)

    def due_in(self) -> float | None:
        """Seconds until a batch is due; None when there is no record at all."""
        with self._lock:
            if self._sealed:
                return 0.0
            if self._open is None:
                return None
            return max(self._open.opened + self._limits.max_age - self._clock.monotonic(), 0.0)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._sealed or self._open or self._dropped)

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until everything is delivered.

        Args:
            timeout: seconds at most.

        Returns:
            Whether it is.
        """
        with self._emptied:
            return self._emptied.wait_for(lambda: not self, timeout)

    def close(self) -> tuple[int, int]:
        """Leave what waits on disk to the next process. Nothing may be put from now on.

        Returns:
            How many records wait on disk, and how many are lost because they were in memory alone.
        """
        with self._lock:
            self._seal()
            kept = sum(batch.count for batch in self._sealed if self._is_kept(batch))
            total = sum(batch.count for batch in self._sealed)
            self._sealed.clear()
            if self._stream is not None:
                self._stream.close()
                self._stream = None
            self._emptied.notify_all()
            return kept, total - kept

    def _is_kept(self, batch: Batch) -> bool:
        if batch.path is None and batch.lines is not None and self._spool is not None:
            with suppress(OSError):
                batch.path = self._opened().write(batch.key, b"".join(batch.lines)).path
        return batch.path is not None
