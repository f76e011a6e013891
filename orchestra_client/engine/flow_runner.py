"""Running a flow: one thread decides what happens next, executors do the work, a reporter keeps the states.

That thread is never held by a task that waits: retries, runs without a slot and paused ones are entries of a timer or
of a queue. So a flow run needs no more threads than tasks that really run, and every decision is made in one place.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestra_client.config import context
from orchestra_client.engine.attempts import Attempt, make_attempt
from orchestra_client.engine.caching import cache_name, cached, remember
from orchestra_client.engine.claims import Claims
from orchestra_client.engine.endings import Outcome, after, flow_state
from orchestra_client.engine.handlers import call_handlers
from orchestra_client.engine.inbox import Inbox
from orchestra_client.engine.naming import name_task_run
from orchestra_client.engine.opening import Opening
from orchestra_client.engine.progress import Progress
from orchestra_client.engine.reporting import RunDisowned
from orchestra_client.engine.run_context import task_values
from orchestra_client.engine.timers import Timers
from orchestra_client.states import Cancelled, Failed, Paused, Running, State, use_clock

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from orchestra_client.clock import Clock
    from orchestra_client.engine.executors import Executor
    from orchestra_client.engine.reporting import Reporter
    from orchestra_client.engine.task_runs import TaskRun
    from orchestra_client.engine.values import Values
    from orchestra_client.flows import Flow, Task

__all__ = ["FlowRunner"]

_GRACE = 5.0
"""Seconds that tasks have to end after a cancellation, before they are reported as ended anyway."""


class FlowRunner:
    """Runs a flow once, in the thread that calls `run`; `cancel` and `disown` may be called from any other.

    Args:
        flow: the flow.
        runs: a run for each of its tasks, finished ones among them when an earlier process began with this flow run.
        executor: what runs the tasks.
        reporter: what keeps the states.
        values: finds the values of task runs.
        run_context: what `orchestra_client.context` holds meanwhile; has a `flow_run_id`.
        clock: tells the time and waits.
        random: a number from 0 to 1.
        state: of the flow run.

    Attributes:
        state: of the flow run.
    """

    def __init__(
        self,
        flow: Flow,
        runs: Mapping[Task, TaskRun],
        *,
        executor: Executor,
        reporter: Reporter,
        values: Values,
        run_context: Mapping[str, Any],
        clock: Clock,
        random: Callable[[], float],
        state: State,
    ) -> None:
        self.state = state
        self._flow = flow
        self._executor = executor
        self._reporter = reporter
        self._values = values
        self._context = run_context
        self._key = str(run_context["flow_run_id"])
        self._clock = clock
        self._random = random
        self._log: logging.Logger = run_context["logger"]
        self._inbox = Inbox(clock)
        self._timers = Timers()
        self._claims = Claims()
        self._changes: list[tuple[TaskRun, State]] = []
        self._working: set[TaskRun] = set()
        self._progress = Progress(flow, runs)
        self._opening = Opening(flow, runs, values, reporter, run_context)
        self._why_cancelled: str | None = None

    # ------------------------------------------------------------------------------------------ from outside

    def cancel(self, reason: str) -> None:
        """End the run's tasks and then the run, as Cancelled. Can be called from any thread, and again.

        Args:
            reason: for people.
        """
        self._inbox.put(partial(self._cancel, reason))
        self._executor.stop(self._key)

    def disown(self, reason: str) -> None:
        """End the run's tasks and report nothing more, from any thread: someone else owns the run.

        Args:
            reason: for people.
        """
        self._inbox.put(partial(self._disown, reason))
        self._executor.stop(self._key)

    def run(self) -> State:
        """Run the flow.

        Returns:
            The state of the flow run: a final one, whose result maps tasks to their states; or Paused when all that is
            left waits for a person, or for longer than this process is to wait.

        Raises:
            RunDisowned: someone else owns the flow run.
        """
        with ExitStack() as stack:
            stack.enter_context(use_clock(self._clock.now))
            stack.enter_context(context(**self._context))
            stack.enter_context(self._executor)
            try:
                return self._run()
            except BaseException:
                self._executor.stop(self._key)
                raise

    # ------------------------------------------------------------------------------------------ the loop

    def _run(self) -> State:
        self._log.info("The flow run of %r begins.", self._flow.name)
        if self.state.is_cancelling():
            self._cancel(self.state.message or "The flow run was cancelled before it began.")
        else:
            self._set_flow_state(Running("The flow run began."))
        if self.state.is_running():
            self._advance()
            while self._wait():
                self._advance()
            self._end()
        self._log.info(
            "The flow run of %r is %s: %s", self._flow.name, self.state.type_name, self.state.message
        )
        return self.state

    def _advance(self) -> None:
        """Do all that can be done without waiting."""
        while True:
            for event in self._inbox.drain():
                event()
            self._timers.run_due(self._clock.monotonic())
            if self._why_cancelled is None:
                for run in self._progress.opened():
                    self._open(run)
            # Ends before beginnings: whoever does not own the run any more is told so before a task begins.
            if self._changes:
                self._report()
            elif not self._begin_some():
                return

    def _wait(self) -> bool:
        """Wait until there is something to do; False when there is nothing left to wait for here."""
        seconds = self._timers.next_after(self._clock.monotonic())
        is_anyone_working = bool(self._working)
        if not is_anyone_working and (self._why_cancelled is not None or self._is_too_long(seconds)):
            return False
        for event in self._inbox.wait(seconds, is_anyone_working=is_anyone_working):
            event()
        return True

    def _is_too_long(self, seconds: float | None) -> bool:
        """Whether all that is left is a wait that somebody else ends."""
        return not self._claims and (seconds is None or seconds > self._reporter.longest_wait)

    # ------------------------------------------------------------------------------------------ beginnings

    def _open(self, run: TaskRun) -> None:
        """Decide about a run whose upstream tasks have all come to their ends."""
        for each, state in self._opening.open(run):
            if state is not None:
                self._propose(each, state)
            elif each.state.is_scheduled():
                self._schedule(each)
            else:
                self._claims.add(each)
        self._progress.complete(run)

    def _schedule(self, run: TaskRun) -> None:
        start = getattr(run.state, "start_time", None)
        if start is None:
            return  # paused until somebody resumes it
        seconds = (start - self._clock.now()).total_seconds()
        if seconds <= 0:
            self._claims.add(run)
        else:
            self._timers.at(self._clock.monotonic() + seconds, partial(self._claims.add, run))

    def _begin_some(self) -> bool:
        """Claim and begin as many runs as there is room for; False when none could be."""
        if not self._claims:
            return False
        room = self._executor.capacity - len(self._working)
        began = Running("The task run began.")
        claims = [(run, call_handlers(run.task, run.state, began)) for run in self._claims.take(room)]
        for (run, _), state in zip(claims, self._reporter.set_task_states(claims), strict=True):
            if state.is_queued():
                tags, pause = self._claims.refused(run)
                self._timers.at(self._clock.monotonic() + pause, partial(self._claims.wake, tags))
            else:
                self._claims.accepted(run)
                self._apply(run, state)
        return bool(claims)

    def _dispatch(self, run: TaskRun) -> None:
        run.run_count += not run.is_looping
        run.is_looping = False
        self._working.add(run)
        attempt = Attempt(
            run.task,
            run.inputs,
            self._task_context(run),
            self._key,
            self._values.store_of(run.task),
            self._executor.is_remote,
        )
        try:
            future = self._executor.submit(make_attempt, attempt)
        except Exception as error:  # noqa: BLE001 (an executor may fail in any way, e.g. lose its cluster)
            future = Future()
            future.set_exception(error)
        future.add_done_callback(lambda done: self._inbox.put(partial(self._conclude, run, done)))

    def _task_context(self, run: TaskRun) -> dict[str, Any]:
        values = {**self._context, **task_values(run)}
        # Those are this thread's alone.
        del values["caches"]
        return {**values, "task_run_name": name_task_run(run, values, self._reporter)}

    # ------------------------------------------------------------------------------------------ ends

    def _conclude(self, run: TaskRun, done: Future[Outcome]) -> None:
        """Decide what follows from a try that has ended."""
        if run not in self._working:
            return  # it was given up before
        self._working.discard(run)
        self._claims.released(run)
        error = done.exception()
        outcome = done.result() if error is None else _broken(error)
        state = after(run, outcome, self._clock.now(), self._random)
        self._propose(
            run, cached(state, run.task, run.inputs, self._context["parameters"], self._clock.now())
        )

    def _propose(self, run: TaskRun, state: State) -> None:
        self._changes.append((run, call_handlers(run.task, run.state, state)))

    def _report(self) -> None:
        changes, self._changes = self._changes, []
        states = self._reporter.set_task_states(changes)
        for (run, _), state in zip(changes, states, strict=True):
            self._apply(run, state)

    def _apply(self, run: TaskRun, state: State) -> None:
        """Take note of a state that was accepted, and of what follows from it."""
        run.state = state
        if state.is_running():
            self._dispatch(run)
        elif run.children is not None and state.is_mapped():
            self._progress.complete(run)
        elif state.is_looped():
            run.is_looping = True
            run.loop_count, run.loop_result = run.loop_count + 1, state.result_object
            self._claims.add(run)
        elif state.is_scheduled():
            if self._why_cancelled is None:
                self._schedule(run)
        elif state.is_finished():
            self._finish(run)

    def _finish(self, run: TaskRun) -> None:
        if run.state.is_cached():
            remember(self._context["caches"], cache_name(run.task, run.slug), run.state)
        run.inputs = {}
        self._progress.finish(run)

    def _end(self) -> None:
        if self._why_cancelled is not None:
            self._cancel_rest(self._why_cancelled)
            return
        results = self._progress.results()
        if self._progress.is_over():
            self._set_flow_state(flow_state(self._progress.reference_states(), results))
            return
        # Not reported: on the server the run stays Running, from where the queue brings it back.
        waiting = [run.label for run in self._progress.unfinished() if run.state.is_scheduled()]
        seconds = self._timers.next_after(self._clock.monotonic())
        start = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        self.state = Paused(f"Waiting: {', '.join(waiting[:10])}", results, start_time=start)

    def _set_flow_state(self, state: State) -> None:
        self.state = self._reporter.set_flow_state(call_handlers(self._flow, self.state, state))

    # ------------------------------------------------------------------------------------------ the end of it all

    def _cancel(self, reason: str) -> None:
        if self._why_cancelled is None:
            self._log.warning("The flow run of %r is being cancelled: %s", self._flow.name, reason)
            self._why_cancelled = reason
            self._claims.clear()
            self._timers.clear()
            self._timers.at(self._clock.monotonic() + _GRACE, self._give_up)
        # Again, for what began since it was asked for.
        self._executor.stop(self._key)

    def _give_up(self) -> None:
        """Stop waiting for tasks that do not end."""
        for run in self._working:
            self._propose(
                run, Cancelled("The task run was told to end, and goes on until the call it is in returns.")
            )
        self._working.clear()

    def _cancel_rest(self, reason: str) -> None:
        self._changes += [(run, Cancelled(reason)) for run in self._progress.unfinished()]
        self._report()
        self._set_flow_state(Cancelled(reason, self._progress.results()))

    def _disown(self, reason: str) -> None:
        raise RunDisowned(reason)


def _broken(error: BaseException) -> Outcome:
    """The outcome of a try that never came back from the executor."""
    return Outcome(Failed(f"the executor lost the task: {type(error).__name__}: {error}", result=error))
