"""States that must be reported: on disk before they are sent, and until they are answered."""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestra_client.clock import Clock, SystemClock
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.channel import ChannelSource
from orchestra_client.delivery.failures import is_refusal, is_suspect, requested_wait
from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.reports import KeptReports, Report
from orchestra_client.delivery.spool import Spool, spool_folder
from orchestra_client.delivery.worker import Worker
from orchestra_client.errors import ClientError, NotFound, OrchestraError
from orchestra_client.operations.states import QUEUE_INTERVAL, change
from orchestra_client.results import StateResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from orchestra_client.client import Client
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.states import Change, Run
    from orchestra_client.states import State

__all__ = ["Outbox", "Report"]

_log = logging.getLogger("orchestra_client.delivery")

BATCH = 250
"""States of one request."""


class Outbox:
    """Reports states of runs, each once and those of a run in order, through outages and the end of the process.

    ::

        outbox.set_task_run_state(task_run_id, version, Success(result=rows))

    A state is on disk before it is sent. While the API is away, reporting returns at once, as if the state had been
    taken; it and those that follow it are sent as soon as the API is back. What a killed process left behind, another
    one reports that calls `adopt`, under the same transition ids, so that what had been taken before is not set twice.
    What the API does
    not find, another process may reach, of another tenant on this machine; it is kept for a week. Since nobody knows meanwhile whether the API will take a state, an outbox is for reporting what happened; a claim,
    such as a flow run's first Running, needs the client's own answer.

    Safe to share between threads, of which one at a time reports for a run. A forked child starts with an empty one;
    what waits is its parent's to report.

    Args:
        open_client: opens the client that sends, once for each process; closed with the outbox. Unset means a client
            for the configured server that does not retry by itself.
        folder: where states wait on disk; unset means one below `ORCHESTRA_HOME`.
        on_refused: called in the outbox's own thread with a report and the error, when the API refuses a state that
            it was not there to refuse at once, and for each later state of that run, none of which is sent any more.
        threaded: False starts no thread: the caller does the turns, each when the one before said.
        clock: tells the time; for tests.
    """

    def __init__(
        self,
        open_client: Callable[[], Client] | None = None,
        *,
        folder: Path | None = None,
        on_refused: Callable[[Report, OrchestraError], object] | None = None,
        threaded: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._kept = KeptReports(Spool(folder or spool_folder("states"), self._clock), self._clock)
        self._source = ChannelSource(open_client)
        self._on_refused = on_refused
        self._backoff = Backoff(1.0, 30.0, random.random)
        self._worker = Worker("orchestra-states", self.turn, threaded=threaded)
        self._begin_anew()
        renew_in_children(self)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        self._waiting: dict[str, deque[Report]] = {}
        self._held_until: dict[str, float] = {}
        self._not_before = 0.0
        self._backoff.succeed()

    def renew(self) -> None:
        """Begin anew in a forked child."""
        self._kept.abandon()
        self._begin_anew()

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
        """How many states wait for the API."""
        return sum(len(reports) for reports in list(self._waiting.values()))

    # ------------------------------------------------------------------------------------------ reporting

    def set_flow_run_state(self, flow_run_id: Id, version: int | None, state: State) -> State:
        """Report a flow run's state.

        Args:
            flow_run_id: the run.
            version: the version the run must have for the state to be taken; one above that of the state reported
                before, whether or not that was sent already. None takes it whatever the version.
            state: the state.

        Returns:
            The state the run is to be considered in: `state`, also while it waits to be sent, or `Queued`.

        Raises:
            VersionConflict: the run has another version, so someone else moved it.
            StateConflict: the run's state does not allow this one.
            StateSerializationError: something in the state is not JSON.
            ClientError: the API refused it for another reason.
        """
        return self._set("flow_run", change("flow_run", flow_run_id, version, state, str(uuid4())))

    def set_task_run_state(self, task_run_id: Id, version: int | None, state: State) -> State:
        """Report a task run's state; see `set_flow_run_state`."""
        return self._set("task_run", change("task_run", task_run_id, version, state, str(uuid4())))

    def set_task_run_states(self, changes: Iterable[tuple[Id, int | None, State]]) -> list[StateResult]:
        """Report states of many task runs, a few hundred a request. One that is refused does not stop the others.

        Args:
            changes: for each ``(task_run_id, version, state)``, as `set_task_run_state` takes them.

        Returns:
            One result for each, in their order. One that waits to be sent counts as taken; its `version` is None.
        """
        checked = [change("task_run", *each, str(uuid4())) for each in changes]
        return self._report("task_run", checked)

    def _set(self, run: Run, each: Change) -> State:
        [result] = self._report(run, [each])
        if result.error is not None:
            raise result.error
        assert result.state is not None  # only refusals have none
        return result.state

    def _report(self, run: Run, changes: list[Change]) -> list[StateResult]:
        reports = [self._kept.keep(run, each) for each in changes]
        behind = [self._is_queued_behind(report) for report in reports]
        first = [report for report, is_behind in zip(reports, behind, strict=True) if not is_behind]
        answers = iter(self._send_now(run, first))
        return [
            _taken(report) if is_behind else next(answers)
            for report, is_behind in zip(reports, behind, strict=True)
        ]

    def _is_queued_behind(self, report: Report) -> bool:
        """Let a report wait behind those of its run, which it must not overtake, or for an API that is away."""
        run_id = report.change.run_id
        with self._lock:
            must_wait = run_id in self._waiting or self._backoff.failures > 0
            if must_wait:
                self._waiting.setdefault(run_id, deque()).append(report)
        if must_wait:
            # The API may be back since, and nothing else have been waiting.
            self._worker.wake()
        return must_wait

    def _send_now(self, run: Run, reports: list[Report]) -> list[StateResult]:
        try:
            results = self._ask(run, reports, attempt=1)
        except OrchestraError as error:
            self._postpone(reports, error)
            return [_taken(report) for report in reports]
        for report in reports:
            report.remove()
        return results

    def _postpone(self, reports: list[Report], error: OrchestraError) -> None:
        _log.warning("%d states wait for the API: %s", len(reports), error)
        with self._lock:
            for report in reports:
                self._waiting.setdefault(report.change.run_id, deque()).append(report)
        self._worker.ensure()
        self._worker.wake()

    def _ask(self, run: Run, reports: list[Report], *, attempt: int) -> list[StateResult]:
        """The API's answers; reports that it refuses together are sent one by one."""
        if not reports:
            return []
        channel = self._source.channel()
        try:
            return channel.set_states(run, [report.change for report in reports])
        except OrchestraError as error:
            if not (is_refusal(error) or (is_suspect(error, attempt) and channel.is_healthy())):
                raise
            if len(reports) == 1:
                return [_refused(reports[0], error)]
        return [answer for report in reports for answer in self._ask(run, [report], attempt=attempt)]

    # ------------------------------------------------------------------------------------------ delivering

    def deliver(self, timeout: float = 10.0, *, of: Set[str] | None = None) -> bool:
        """Wait until every state is answered.

        Args:
            timeout: seconds at most.
            of: the ids of the runs whose states are waited for; unset means all.

        Returns:
            Whether they are; if not, this process goes on trying, or the next one does.
        """

        def is_done() -> bool:
            return not self._waiting if of is None else of.isdisjoint(self._waiting)

        with self._lock:
            if is_done():
                return True
        self._not_before = 0.0
        self._worker.ensure()
        self._worker.wake()
        with self._emptied:
            return self._emptied.wait_for(is_done, timeout)

    def waiting(self) -> set[str]:
        """The ids of the runs, flow runs and task runs alike, of which states wait for the API."""
        with self._lock:
            return set(self._waiting)

    def adopt(self) -> int:
        """Take over what ended processes left behind; it is sent in the outbox's thread.

        Returns:
            How many states that are.
        """
        reports = self._kept.adopt()
        with self._lock:
            # Who reported earlier goes first.
            for report in reversed(reports):
                self._waiting.setdefault(report.change.run_id, deque()).appendleft(report)
        if reports:
            self._worker.ensure()
            self._worker.wake()
        return len(reports)

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what waits, and end the thread. What is not answered by then waits for the next process.

        Args:
            timeout: seconds to wait at most.
        """
        if not self.deliver(timeout):
            _log.warning("%d states wait on disk; the next process reports them.", len(self))
        self._worker.stop(1.0)
        self._kept.close()
        self._source.close()

    def turn(self) -> float | None:
        """Send what waits, unless the API was away just now.

        Returns:
            Seconds until something is to be tried again; None when nothing waits.
        """
        pause = self._not_before - self._clock.monotonic()
        if pause > 0:
            return pause
        try:
            while heads := self._heads():
                for run in ("flow_run", "task_run"):
                    self._send(run, [head for head in heads if head.run == run])
        except OrchestraError as error:
            pause = self._backoff.fail(requested_wait(error))
            self._not_before = self._clock.monotonic() + pause
            return pause
        self._backoff.succeed()
        return self._pause()

    def _heads(self) -> list[Report]:
        """The next report of each run that may be sent now."""
        now = self._clock.monotonic()
        with self._lock:
            return [
                reports[0]
                for run_id, reports in self._waiting.items()
                if self._held_until.get(run_id, 0.0) <= now
            ][:BATCH]

    def _pause(self) -> float | None:
        if not self._waiting:
            return None
        return max(min(self._held_until.values(), default=0.0) - self._clock.monotonic(), 0.0)

    def _send(self, run: Run, reports: list[Report]) -> None:
        results = self._ask(run, reports, attempt=self._backoff.failures + 1)
        for report, result in zip(reports, results, strict=True):
            self._settle(report, result)

    def _settle(self, report: Report, result: StateResult) -> None:
        run_id = report.change.run_id
        if result.status == "QUEUED":
            # It is Running in a report of the past: its slot is still to be had before what came after it.
            self._held_until[run_id] = self._clock.monotonic() + QUEUE_INTERVAL.total_seconds()
        elif result.error is None:
            self._answered(report)
        else:
            self._refuse(run_id, result.error)

    def _answered(self, report: Report) -> None:
        self._kept.answered(report)
        with self._lock:
            reports = self._waiting[report.change.run_id]
            reports.remove(report)
            if not reports:
                self._forget(report.change.run_id)

    def _refuse(self, run_id: str, error: OrchestraError) -> None:
        with self._lock:
            reports = list(self._waiting[run_id])
            self._forget(run_id)
        for report in reports:
            state = report.change.state.type_name
            # Where processes of several tenants share a folder, a run that is not found may be another tenant's.
            if isinstance(error, NotFound) and self._kept.release(report):
                _log.info("The state %s of run %s, which was left behind, is left to others.", state, run_id)
                continue
            self._kept.answered(report)
            _log.warning("The state %s of run %s was refused: %s", state, run_id, error)
            self._tell(report, error)

    def _tell(self, report: Report, error: OrchestraError) -> None:
        if self._on_refused is None:
            return
        try:
            self._on_refused(report, error)
        except Exception:  # noqa: BLE001 - the caller's own; the other states must be reported all the same
            _log.exception(
                "What was to be done about a refused state of run %s failed.", report.change.run_id
            )

    def _forget(self, run_id: str) -> None:
        del self._waiting[run_id]
        self._held_until.pop(run_id, None)
        self._emptied.notify_all()


def _taken(report: Report) -> StateResult:
    return StateResult(report.change.run_id, "SUCCESS", report.change.state)


def _refused(report: Report, error: OrchestraError) -> StateResult:
    assert isinstance(error, ClientError)  # as every refusal is
    return StateResult(report.change.run_id, "ERROR", None, str(error), error=error)
