"""Signs of life: one beat for all runs of a process, and what each run learns from the answer."""

from __future__ import annotations

import logging
import random as chance
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.clock import Clock, SystemClock
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.channel import ChannelSource
from orchestra_client.delivery.failures import requested_wait
from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.worker import Worker
from orchestra_client.errors import ConfigurationError, OrchestraError
from orchestra_client.operations import checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from orchestra_client.client import Client
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import HeartbeatResult

__all__ = ["ABANDONED", "CHUNK", "Beating", "Heartbeats", "RunNotice"]

_log = logging.getLogger("orchestra_client.delivery")

CHUNK = 500
"""Runs of one request."""

ABANDONED = 75.0
"""Seconds without a beat after which a run has no process any more: two beats of the slowest, and what an answer takes."""

_CANCELLED = frozenset({"Cancelling", "Cancelled"})


@dataclass(frozen=True, slots=True)
class RunNotice:
    """What the answer to a beat told about a run.

    Attributes:
        flow_run_id: the run.
        state: the type of its state; None when it does not exist any more.
        version: of that state; likewise.
        message: why the beat was not taken, when it was not.
    """

    flow_run_id: str
    state: str | None
    version: int | None
    message: str | None


class Beating:
    """A flow run that beats until it leaves; a context manager that leaves at its end.

    Safe to share between threads.

    Args:
        flow_run_id: the run, checked.
        version: the highest that its state can have while it is this process's; None when that is not known.
        on_cancelled: called when the run is cancelled or to be cancelled.
        on_lost: called when it is someone else's, finished by someone else, or deleted.
        leave: ends the beating.
    """

    def __init__(
        self,
        flow_run_id: str,
        version: int | None,
        on_cancelled: Callable[[RunNotice], object] | None,
        on_lost: Callable[[RunNotice], object] | None,
        leave: Callable[[Beating], None],
    ) -> None:
        self.flow_run_id = flow_run_id
        self._version = version
        self._on_cancelled = on_cancelled
        self._on_lost = on_lost
        self._leave = leave
        self._was_cancelled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()

    def expect(self, version: int) -> None:
        """Tell which version the run's state is about to have by this process's own doing.

        To be called before the state is sent, so that no beat takes it for someone else's.

        Args:
            version: one above the version that is sent with the state.
        """
        self._version = max(version, self._version or 0)

    def leave(self) -> None:
        """Beat no more. Leaving twice does nothing."""
        self._leave(self)

    def hear(self, result: HeartbeatResult) -> None:
        """Take in what a beat was answered, and tell those who want to know, each once.

        Args:
            result: of a server that tells states.
        """
        if not self._is_news(result):
            return
        notice = RunNotice(self.flow_run_id, result.state, result.version, result.message)
        if result.state in _CANCELLED and not self._was_cancelled:
            self._was_cancelled = True
            self._tell(self._on_cancelled, notice)
            if result:
                # It goes on until it has cleaned up. Whoever moves it on from here is someone else.
                self._version = result.version
                return
        else:
            self._tell(self._on_lost, notice)
        self.leave()

    def _is_news(self, result: HeartbeatResult) -> bool:
        if self._version is None:
            return not result or (result.state in _CANCELLED and not self._was_cancelled)
        return result.version is None or result.version > self._version

    def _tell(self, callback: Callable[[RunNotice], object] | None, notice: RunNotice) -> None:
        if callback is None:
            return
        try:
            callback(notice)
        except Exception:  # noqa: BLE001 - the caller's own; the other runs must go on beating
            _log.exception("What was to be done about %s failed.", notice)


class Heartbeats:
    """Beats for all flow runs of a process, from a thread of its own that outlives whatever the runs do.

    ::

        with heartbeats.add(flow_run_id, version=2, on_lost=stop) as beating:
            beating.expect(3)
            client.set_flow_run_state(flow_run_id, 2, Running())
            …

    All runs share one request, `CHUNK` at most, each interval. The first beat comes at a random time within an interval, so
    that processes that start together do not beat together. While the API is away, beats are tried again after growing
    pauses that never exceed the interval. An agent adds the runs of its children here, and beats for them as long as
    they live, even where their own interpreter is busy.

    What is called back is called in the thread that beats, so it should take no time; what it raises is logged.

    Safe to share between threads. A forked child starts without runs and without a thread.

    Args:
        open_client: opens the client that sends, once for each process; closed with this object. Unset means a client
            for the configured server.
        interval: seconds between two beats of a run, more than 0.
        threaded: False starts no thread: the caller does the turns, each when the one before said.
        clock: tells the time; for tests.
        random: returns a float in [0, 1); for tests.

    Raises:
        ConfigurationError: the interval makes no sense.
    """

    def __init__(
        self,
        open_client: Callable[[], Client] | None = None,
        *,
        interval: float = 30.0,
        threaded: bool = True,
        clock: Clock | None = None,
        random: Callable[[], float] = chance.random,
    ) -> None:
        if not interval > 0:
            raise ConfigurationError(f"Runs beat every so many seconds, more than 0, not {interval!r}.")
        self._interval = interval
        self._clock = clock or SystemClock()
        self._random = random
        self._source = ChannelSource(open_client)
        self._backoff = Backoff(min(1.0, interval), interval, random)
        self._worker = Worker("orchestra-heartbeats", self.turn, threaded=threaded)
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew, without runs."""
        self._lock = threading.Lock()
        self._beatings: dict[Beating, None] = {}
        self._due: deque[str] = deque()
        self._next = 0.0
        self._backoff.succeed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """How many runs beat."""
        return len(self._beatings)

    def add(
        self,
        flow_run_id: Id,
        *,
        version: int | None = None,
        on_cancelled: Callable[[RunNotice], object] | None = None,
        on_lost: Callable[[RunNotice], object] | None = None,
    ) -> Beating:
        """Beat for a run from now on.

        Args:
            flow_run_id: the run.
            version: of its state; with it, a run that someone else moves on is noticed. See `Beating.expect`.
            on_cancelled: called once, when the run is cancelled or to be cancelled.
            on_lost: called once, when someone else moved it on, finished or deleted it; it beats no more then.

        Returns:
            What ends the beating: by `leave`, or as a context manager.

        Raises:
            BadInput: the id is no UUID.
        """
        checked = checks.uuid(flow_run_id, "flow_run_id")
        beating = Beating(checked, version, on_cancelled, on_lost, self._remove)
        with self._lock:
            is_first = not self._beatings
            self._beatings[beating] = None
            if is_first:
                self._next = self._clock.monotonic() + self._interval * self._random()
        if is_first:
            self._worker.wake()
        self._worker.ensure()
        return beating

    def close(self, timeout: float = 5.0) -> None:
        """Beat no more.

        Args:
            timeout: seconds to wait for a beat that is under way.
        """
        with self._lock:
            self._beatings.clear()
        self._worker.stop(timeout)
        self._source.close()

    def turn(self) -> float | None:
        """Beat, if it is time to.

        Returns:
            Seconds until it is; None while there are no runs.
        """
        with self._lock:
            if not self._beatings:
                return None
            pause = self._next - self._clock.monotonic()
            if pause > 0:
                return pause
            if not self._due:
                self._due.extend({beating.flow_run_id: None for beating in self._beatings})
        return self._beat()

    def _beat(self) -> float:
        started = self._clock.monotonic()
        try:
            while self._due:
                self._beat_for([self._due[place] for place in range(min(CHUNK, len(self._due)))])
        except OrchestraError as error:
            pause = self._fail(error)
        else:
            if self._backoff.failures:
                _log.warning("Heartbeats are taken again.")
            self._backoff.succeed()
            # Never earlier than the interval, and not with those who happen to beat at the same time now.
            pause = self._interval * (1 + self._random() / 20)
        self._next = started + pause
        return max(self._next - self._clock.monotonic(), 0.0)

    def _beat_for(self, flow_run_ids: list[str]) -> None:
        channel = self._source.channel()
        results = {result.id: result for result in channel.beat(flow_run_ids, ())}
        for _ in flow_run_ids:
            self._due.popleft()
        if channel.tells_states():
            self._hear(results)

    def _hear(self, results: dict[str, HeartbeatResult]) -> None:
        with self._lock:
            concerned = [beating for beating in self._beatings if beating.flow_run_id in results]
        for beating in concerned:
            beating.hear(results[beating.flow_run_id])

    def _fail(self, error: OrchestraError) -> float:
        pause = min(max(self._backoff.fail(), requested_wait(error)), self._interval)
        if self._backoff.failures == 1:
            _log.warning("Heartbeats are not taken (%s); they are tried again.", error)
        return pause

    def _remove(self, beating: Beating) -> None:
        with self._lock:
            self._beatings.pop(beating, None)
