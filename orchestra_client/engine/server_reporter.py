"""Reporting a flow run to the server.

Two kinds of states are told apart. A claim, that is Running, has to be answered: only then is it sure that nobody else
has the run and that there is a slot. Everything else tells what happened; it goes through the outbox, which keeps it on
disk and delivers it even if the API is away or this process ends.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.failures import is_refusal, requested_wait
from orchestra_client.engine.reporting import RunDisowned
from orchestra_client.engine.task_runs import TaskRun
from orchestra_client.errors import OrchestraError, StateConflict, TransportConnectionError, VersionConflict
from orchestra_client.operations.states import change
from orchestra_client.states import Failed, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from orchestra_client.client import Client
    from orchestra_client.clock import Clock
    from orchestra_client.delivery.channel import Channel
    from orchestra_client.delivery.heartbeats import Beating
    from orchestra_client.delivery.outbox import Outbox
    from orchestra_client.operations.states import Run
    from orchestra_client.results import MappedChild, StateResult, TaskRunInfo

__all__ = ["ServerReporter"]

T = TypeVar("T")

_log = logging.getLogger("orchestra_client.engine")

_LONGEST_PAUSE = 15.0
"""Seconds between two attempts while the API is away."""

_DELIVERY = 0.5
"""Seconds that a delivery from the outbox may take before it counts as such an attempt."""


class ServerReporter:
    """Keeps the states of one flow run on the server. Belongs to the thread of the flow run.

    Args:
        client: asks and claims.
        channel: the same for states that keep their transition id from attempt to attempt.
        outbox: delivers what happened.
        flow_run_id: the flow run.
        version: of its state.
        beating: is told of versions that are this process's own doing.
        clock: tells the time and waits.
        random: a number from 0 to 1.
        longest_wait: see `Reporter`.
        patience: seconds that the API may be away before the run is given up.

    Attributes:
        on_cancelled: called when a state was refused because the flow run is being cancelled.
    """

    def __init__(
        self,
        client: Client,
        channel: Channel,
        outbox: Outbox,
        *,
        flow_run_id: str,
        version: int,
        beating: Beating,
        clock: Clock,
        random: Callable[[], float],
        longest_wait: float,
        patience: float,
    ) -> None:
        self.longest_wait = longest_wait
        self.on_cancelled: Callable[[str], object] = lambda reason: None
        self._client = client
        self._channel = channel
        self._outbox = outbox
        self._flow_run_id = flow_run_id
        self._version = version
        self._beating = beating
        self._clock = clock
        self._random = random
        self._patience = patience

    # ------------------------------------------------------------------------------------------ states

    def set_flow_state(self, state: State) -> State:
        """Put the flow run into a state; see `Reporter`."""
        if state.is_cancelled() and (end := self._catch_up()) is not None:
            return end
        self._beating.expect(self._version + 1)
        try:
            if state.is_running():
                [result] = self._claim("flow_run", [(self._flow_run_id, self._version, state)])
                if result.error is not None:
                    raise result.error
            else:
                self._outbox.set_flow_run_state(self._flow_run_id, self._version, state)
        except (VersionConflict, StateConflict) as error:
            raise RunDisowned(str(error)) from error
        self._version += 1
        return state

    def _catch_up(self) -> State | None:
        """Learn the version that whoever cancels the run gave it; its state, if it has ended by now."""
        info = self._patiently(lambda: self._client.get_flow_run_info(self._flow_run_id))
        self._version = info.version
        return info.state if info.state.is_finished() else None

    def set_task_states(self, changes: Sequence[tuple[TaskRun, State]]) -> list[State]:
        """Put task runs into states; see `Reporter`."""
        if not changes:
            return []
        items = [(str(run.id), run.version, state) for run, state in changes]
        if any(state.is_running() for _, state in changes):
            results = self._claim("task_run", items)
        else:
            results = self._outbox.set_task_run_states(items)
        return [self._taken(*each, result) for each, result in zip(changes, results, strict=True)]

    def _taken(self, run: TaskRun, state: State, result: StateResult) -> State:
        if result.error is not None:
            return self._refused(run, state, result.error)
        if result.status == "SUCCESS":
            run.version = (run.version or 0) + 1 if result.version is None else result.version
        return result.state or state

    def _refused(self, run: TaskRun, state: State, error: OrchestraError) -> State:
        if isinstance(error, VersionConflict):
            raise RunDisowned(str(error))
        if isinstance(error, StateConflict):
            return self._conflicting(run, error)
        if state.is_failed():
            raise error  # not even that it failed can be kept
        _log.error("A state of %s was refused: %s", run.label, error)
        failed = Failed(f"the state {state.type_name} could not be kept: {error}")
        [result] = self._outbox.set_task_run_states([(str(run.id), run.version, failed)])
        return self._taken(run, failed, result)

    def _conflicting(self, run: TaskRun, error: StateConflict) -> State:
        """Find out whether a conflict comes from the flow run's being cancelled."""
        current = self._patiently(lambda: self._client.get_flow_run_state(self._flow_run_id))
        if not (current.is_cancelling() or current.is_cancelled()):
            raise RunDisowned(str(error)) from error
        self.on_cancelled(current.message or "The flow run was cancelled.")
        return run.state

    def _claim(self, kind: Run, items: Iterable[tuple[str, int | None, State]]) -> list[StateResult]:
        changes = [change(kind, *item, str(uuid4())) for item in items]
        # What waits comes first: the claim's version counts on it.
        self._patiently(self._empty_outbox)
        return self._patiently(lambda: self._channel.set_states(kind, changes))

    def _empty_outbox(self) -> None:
        if len(self._outbox) and not self._outbox.deliver(_DELIVERY):
            raise TransportConnectionError(f"{len(self._outbox)} states wait for it")

    def deliver(self) -> None:
        """Wait until all that was reported is answered.

        Raises:
            TransportError: the API was away for too long; what is left waits on disk for the next process.
        """
        self._patiently(self._empty_outbox)

    # ------------------------------------------------------------------------------------------ everything else

    def adopt_children(self, parent: TaskRun, number: int) -> list[TaskRun]:
        """Find or make the runs that a mapped one becomes; see `Reporter`."""
        known = self._known_children(parent) if parent.state.is_mapped() else {}
        missing = [index for index in range(number) if index not in known]
        infos = self._patiently(
            lambda: self._client.get_task_run_infos(self._flow_run_id, str(parent.task_id), missing)
        )
        found: dict[int, MappedChild | TaskRunInfo] = {**known, **dict(zip(missing, infos, strict=True))}
        return [self._child(parent, index, found[index]) for index in range(number)]

    def _known_children(self, parent: TaskRun) -> dict[int, MappedChild]:
        children = self._patiently(lambda: self._client.get_mapped_children(str(parent.id)))
        return {child.map_index: child for child in children}

    def _child(self, parent: TaskRun, index: int, info: MappedChild | TaskRunInfo) -> TaskRun:
        child = TaskRun(
            parent.task, parent.slug, index, parent, id=info.id, task_id=parent.task_id, version=info.version
        )
        child.restore(info.state)
        return child

    def cached_states(self, run: TaskRun) -> list[State]:
        """States of earlier runs that may be used in place of one; see `Reporter`."""
        if run.task.cache_for is None:
            return []
        after = self._clock.now() - run.task.cache_for
        return self._client.get_latest_cached_states(str(run.task_id), run.task.cache_key, after)

    def name_task_run(self, run: TaskRun, name: str) -> None:
        """Give a task run a name."""
        self._client.set_task_run_name(str(run.id), name)

    def _patiently(self, call: Callable[[], T]) -> T:
        """Make a call again and again while the API is away.

        Raises:
            OrchestraError: the API refused it, or was away for too long.
        """
        backoff = Backoff(1.0, _LONGEST_PAUSE, self._random)
        started = self._clock.monotonic()
        while True:
            try:
                return call()
            except OrchestraError as error:
                if is_refusal(error) or self._clock.monotonic() - started > self._patience:
                    raise
                pause = backoff.fail(requested_wait(error))
                _log.warning(
                    "The API is away; the run waits for it and asks again in %.0f s: %s", pause, error
                )
                self._clock.sleep(pause)
