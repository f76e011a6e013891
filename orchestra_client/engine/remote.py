"""Running a flow run of the server: loading it, beating for it, reporting it, and continuing what was begun."""

from __future__ import annotations

import logging
import random
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from orchestra_client.clock import Clock, SystemClock
from orchestra_client.delivery.channel import Channel
from orchestra_client.delivery.heartbeats import Heartbeats
from orchestra_client.delivery.masking import secrets
from orchestra_client.delivery.outbox import Outbox
from orchestra_client.engine.executors.local import LocalExecutor
from orchestra_client.engine.flow_runner import FlowRunner
from orchestra_client.engine.ownership import refuse_live_run
from orchestra_client.engine.results.local import LocalResults
from orchestra_client.engine.run_context import RunSecrets, flow_values
from orchestra_client.engine.server_reporter import ServerReporter
from orchestra_client.engine.task_runs import TaskRun, bare
from orchestra_client.engine.values import Values
from orchestra_client.errors import FlowStorageError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestra_client.client import Client
    from orchestra_client.delivery.heartbeats import RunNotice
    from orchestra_client.delivery.outbox import Report
    from orchestra_client.engine.executors import Executor
    from orchestra_client.errors import OrchestraError
    from orchestra_client.flows import Flow, Task
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import FlowRunInfo
    from orchestra_client.states import State

__all__ = ["BEAT_INTERVAL", "LONGEST_WAIT", "ServerRun"]

BEAT_INTERVAL = 8.0
"""Seconds between two beats. Their answers tell of a cancellation, which shall be seen within ten."""

LONGEST_WAIT = 600.0
"""Seconds that a process waits for a retry or a start, with nothing else to do, before it leaves that to the queue."""

_LAST_DELIVERY = 1.0
"""Seconds for a last delivery when a run has been given up."""

_log = logging.getLogger("orchestra_client.engine")


class ServerRun:
    """One flow run of the server, to be run in this process.

    ::

        state = ServerRun(flow, flow_run_id, open_client).run()

    Task runs that have ended are not run again: their results are loaded from where they were stored. If it turns out
    that someone else owns the flow run, everything stops, and nothing more is reported. A Running one whose process has
    beaten within `ABANDONED` seconds is someone else's.

    `run` is called once; `cancel` and `abandon` may be called from any thread.

    Args:
        flow: the flow, as it was registered.
        flow_run_id: the flow run.
        open_client: opens the client that asks and claims.
        open_delivery: opens those that deliver states and heartbeats, which wait for the API by themselves and want a
            client that does not; unset means `open_client`.
        executor: what runs the tasks; unset means the flow's own, or else one task after another.
        longest_wait: seconds; see `LONGEST_WAIT`.
        patience: seconds that the API may be away before the run is given up; unset means an hour.
        outbox: where states wait on disk; unset means a folder below `ORCHESTRA_HOME`.
        clock: tells the time and waits; for tests.
    """

    def __init__(
        self,
        flow: Flow,
        flow_run_id: Id,
        open_client: Callable[[], Client],
        *,
        open_delivery: Callable[[], Client] | None = None,
        executor: Executor | None = None,
        longest_wait: float = LONGEST_WAIT,
        patience: float = 3600.0,
        outbox: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._flow = flow
        self._flow_run_id = str(flow_run_id)
        self._open_client = open_client
        self._open_delivery = open_delivery or open_client
        self._executor = executor or flow.executor or LocalExecutor()
        self._longest_wait = longest_wait
        self._patience = patience
        self._folder = outbox
        self._clock = clock or SystemClock()
        self._runner: FlowRunner | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the run was found to be nobody else's, so that what becomes of it is this process's to report."""
        return self._runner is not None

    def run(self) -> State:
        """Run it.

        Returns:
            The final state; Paused when it was left to the queue, where it is still Running.

        Raises:
            RunDisowned: someone else owns the flow run.
            FlowStorageError: the flow is not the one that was registered.
            OrchestraError: the API refused what had to be asked, or was away for too long.
        """
        with ExitStack() as stack:
            client = stack.enter_context(self._open_client())
            info = client.get_flow_run_info(self._flow_run_id)
            if info.state.is_finished():
                _log.info("Flow run %s is %s already.", info.id, info.state.type_name)
                return info.state
            refuse_live_run(info, client._server_now())
            outbox = Outbox(
                self._open_delivery, folder=self._folder, on_refused=self._on_refused, clock=self._clock
            )
            # Whoever gets here has delivered all there is, or has lost the run or the API.
            stack.callback(outbox.close, _LAST_DELIVERY)
            beats = stack.enter_context(
                Heartbeats(self._open_delivery, interval=BEAT_INTERVAL, clock=self._clock)
            )
            beating = beats.add(
                info.id, version=info.version, on_cancelled=self._on_cancelled, on_lost=self._on_lost
            )
            reporter = ServerReporter(
                client,
                Channel(client),
                outbox,
                flow_run_id=info.id,
                version=info.version,
                beating=beating,
                clock=self._clock,
                random=random.random,
                longest_wait=self._longest_wait,
                patience=self._patience,
            )
            self._runner = self._make_runner(client, info, reporter)
            reporter.on_cancelled = self._runner.cancel
            self._wait_for_start(info.state)
            state = self._runner.run()
            reporter.deliver()
            return state

    def cancel(self, reason: str) -> None:
        """End the tasks, and the run as Cancelled; before it has begun, nothing happens.

        Args:
            reason: for people.
        """
        if self._runner is not None:
            self._runner.cancel(reason)

    def abandon(self, reason: str) -> None:
        """End the tasks and report nothing more; before the run has begun, nothing happens.

        Args:
            reason: for people.
        """
        if self._runner is not None:
            self._runner.disown(reason)

    def _make_runner(self, client: Client, info: FlowRunInfo, reporter: ServerReporter) -> FlowRunner:
        return FlowRunner(
            self._flow,
            _task_runs(self._flow, info),
            executor=self._executor,
            reporter=reporter,
            values=Values(self._flow, info.parameters, default=LocalResults()),
            run_context=self._context(client, info),
            clock=self._clock,
            random=random.random,
            state=bare(info.state) if info.state.is_meta_state() else info.state,
        )

    def _context(self, client: Client, info: FlowRunInfo) -> dict[str, Any]:
        return flow_values(
            self._flow.name,
            now=self._clock.now(),
            given=info.context,
            run={
                "flow_run_id": info.id,
                "flow_run_name": info.name,
                "flow_id": info.flow_id,
                "project_id": info.project.id if info.project else None,
                "project_name": info.project.name if info.project else None,
                "parameters": dict(info.parameters),
                "scheduled_start_time": info.scheduled_start_time,
                "running_with_backend": True,
                "secrets": RunSecrets(_given_secrets(info), lambda name: _look_up(client, name)),
            },
        )

    def _wait_for_start(self, state: State) -> None:
        """Wait for the time the run was scheduled for: an agent may be early."""
        start = getattr(bare(state), "start_time", None)
        if start is not None and not state.is_running():
            seconds = (start - self._clock.now()).total_seconds()
            if seconds > 0:
                _log.info("The flow run begins in %.0f s.", seconds)
                self._clock.sleep(min(seconds, self._longest_wait))

    # ------------------------------------------------------------------------------------------ news, in other threads

    def _on_cancelled(self, notice: RunNotice) -> None:
        self.cancel(notice.message or "The flow run was cancelled.")

    def _on_lost(self, notice: RunNotice) -> None:
        self.abandon(f"it is {notice.state} at version {notice.version} by someone else's doing")

    def _on_refused(self, report: Report, error: OrchestraError) -> None:
        self.abandon(
            f"the state {report.change.state.type_name} of run {report.change.run_id} was refused: {error}"
        )


def _task_runs(flow: Flow, info: FlowRunInfo) -> dict[Task, TaskRun]:
    infos = {each.task_slug: each for each in info.task_runs}
    if missing := [slug for slug in flow.slugs.values() if slug not in infos]:
        raise FlowStorageError(
            f"the flow {flow.name!r} has changed since it was registered: {', '.join(missing[:5])} is none of its "
            "registered tasks; register it again"
        )
    runs = {}
    for task, slug in flow.slugs.items():
        each = infos[slug]
        runs[task] = TaskRun(task, slug, id=each.id, task_id=each.task_id, version=each.version)
        runs[task].restore(each.state)
    return runs


def _given_secrets(info: FlowRunInfo) -> Mapping[str, Any] | None:
    given = info.context.get("secrets")
    return given if isinstance(given, dict) else None


def _look_up(client: Client, name: str) -> Any:
    try:
        value = client.get_secret(name)
    except NotFound:
        raise KeyError(f"there is no secret {name!r}; set it with `client.set_secret`") from None
    secrets.add(value)
    return value
