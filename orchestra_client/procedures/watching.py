"""Watching a flow run until it is finished: its states, how far its task runs are, its log."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import NotFound, OrchestraError
from orchestra_client.operation import Pause
from orchestra_client.operations import checks
from orchestra_client.operations.logs import LOG_PAGE
from orchestra_client.operations.watching import Entered, LogMark, Look
from orchestra_client.operations.watching import watch_flow_run as look_at_flow_run
from orchestra_client.procedures.explaining import explain_flow_run
from orchestra_client.procedures.flow_runs import deleted, timed_out
from orchestra_client.procedures.logs import get_flow_run_logs
from orchestra_client.states.hierarchy import SCHEDULED
from orchestra_client.watching.events import (
    LogsWritten,
    Looked,
    StateChanged,
    TaskRunsProgressed,
    WaitExplained,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import LogRecord
    from orchestra_client.states import State
    from orchestra_client.watching.events import WatchEvent

__all__ = ["watch_flow_run"]

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
_GROWTH = 1.5
_LAST_PAUSE = 1.0
"""For what the log still says after the end: a run delivers it every second."""

_LAST_LOOKS = 30
"""At a log that does not go quiet: a process that outlived its run may write it for ever."""

_DUE = timedelta(seconds=10)
"""After its time, a run that no agent has taken is worth an explanation: agents ask every ten seconds at least."""

_REREAD = 100
"""Records at the end of the log between which others may still come: who logs on several machines delivers late."""


def watch_flow_run(
    flow_run_id: Id,
    *,
    emit: Callable[[WatchEvent], object],
    logs: bool,
    min_level: str | None,
    timeout: float | None,
    monotonic: Callable[[], float],
    now: Callable[[], datetime],
) -> Procedure[State]:
    """Look at a run until it is finished and its log has gone quiet, one request a look.

    While things happen it looks four times a second, and else at growing intervals of up to five seconds. What was
    logged before the end may arrive after it, so the final state is told last, whatever comes in between. Once, when the
    run is due and nobody takes it, it also asks why.

    Args:
        flow_run_id: the run.
        emit: called with what happened, in order.
        logs: whether to read the log.
        min_level: of the records to read; None for all.
        timeout: seconds to wait for the end at most; None means for ever.
        monotonic: a clock of seconds.
        now: tells what o'clock it is at the server.

    Returns:
        The final state.

    Raises:
        TypeError: `timeout` is no number.
        BadInput: `timeout` is negative.
        WaitTimeout: it did not finish in time.
        NotFound: there is no such run, or none any more.
    """
    run_id = checks.uuid(flow_run_id, "flow_run_id")
    if timeout is not None:
        checks.seconds(timeout, "timeout")
    log = _Log(run_id, min_level) if logs else None
    watched, started, pause, last_looks = _Watched(run_id, log), monotonic(), _FIRST_PAUSE, 0
    try:
        while True:
            has_news = yield from watched.look(emit)
            yield from watched.explain(emit, now)
            state, waited = watched.state, monotonic() - started
            is_late = timeout is not None and waited >= timeout
            has_more = log is not None and log.has_more
            if state.is_finished():
                last_looks += not has_more
                if log is None or is_late or last_looks > (_LAST_LOOKS if has_news else 1):
                    return state
                pause = _LAST_PAUSE
            elif is_late:
                raise timed_out(run_id, state, waited)
            else:
                last_looks, pause = 0, _FIRST_PAUSE if has_news else min(pause * _GROWTH, _LONGEST_PAUSE)
            if not has_more:
                yield Pause(pause if timeout is None else min(pause, timeout - waited))
    finally:
        # Also of a watching that is broken off while the last of the log is waited for.
        watched.tell_end(emit)


class _Watched:
    """A flow run as far as it is known, and what of that was told.

    Args:
        run_id: the run.
        log: its log; None when it is not to be read.
    """

    state: State

    def __init__(self, run_id: str, log: _Log | None) -> None:
        self._run_id = run_id
        self._log = log
        self._last: Entered | None = None
        self._counts: Mapping[str, int] | None = None
        self._end: StateChanged | None = None
        self._is_explained = False

    def look(self, emit: Callable[[WatchEvent], object]) -> Procedure[bool]:
        """Ask for what is new and tell it in order, but for an end; returns whether there was anything."""
        look = yield from self._found()
        records = (yield from self._log.take(look)) if self._log else []
        if look.states:
            # It was no end: the run was woken.
            self.tell_end(emit)
        news = [*self._in_order(look, records), *self._progress(look)]
        for event in news:
            emit(event)
        if not self.state.is_finished():
            emit(Looked(self._run_id))
        return bool(news or look.states)

    def _found(self) -> Procedure[Look]:
        try:
            found: Look = yield look_at_flow_run(
                self._run_id,
                after_version=self._last.version if self._last else -1,
                mark=self._log.mark if self._log else None,
            )
        except NotFound as error:
            if self._last is None:
                raise
            raise deleted(self._run_id, "watched") from error
        return found

    def explain(self, emit: Callable[[WatchEvent], object], now: Callable[[], datetime]) -> Procedure[None]:
        """Tell why nobody takes the run, once, when it has been due for some seconds."""
        moment = now()
        if self._is_explained or not self._is_overdue(moment):
            return
        self._is_explained = True
        try:
            explanation = yield from explain_flow_run(self._run_id, now=now)
        except OrchestraError:
            # It is help, no part of what was asked for. What is wrong with the server, the next look meets, too.
            return
        emit(WaitExplained(self._run_id, explanation, moment))

    def _is_overdue(self, moment: datetime) -> bool:
        start: datetime | None = getattr(self.state, "start_time", None)
        if self._last is None or start is None or self.state.type_name not in SCHEDULED | {"Queued"}:
            return False
        return moment - max(start, self._last.timestamp) >= _DUE

    def tell_end(self, emit: Callable[[WatchEvent], object]) -> None:
        """Tell the final state, once."""
        end, self._end = self._end, None
        if end is not None:
            emit(end)

    def _in_order(self, look: Look, records: Sequence[LogRecord]) -> Iterator[WatchEvent]:
        """States and records by their times."""
        # The clock of the servers may have been set back between two states; their versions tell their order.
        moments = accumulate((each.timestamp for each in look.states), max)
        together: list[tuple[datetime, Any]] = [
            *zip(moments, look.states, strict=True),
            *((record.timestamp, record) for record in records),
        ]
        together.sort(key=itemgetter(0))
        for is_state, some in groupby(together, key=lambda each: isinstance(each[1], Entered)):
            if is_state:
                yield from self._changes(look, (entered for _, entered in some))
            else:
                yield LogsWritten(self._run_id, tuple(record for _, record in some))

    def _changes(self, look: Look, entered: Iterable[Entered]) -> Iterator[StateChanged]:
        for each in entered:
            previous = self._last.state if self._last else None
            self._last, self.state = each, each.state
            change = StateChanged(
                self._run_id, look.name, look.flow_name, each.state, previous, each.timestamp
            )
            if each is look.states[-1] and each.state.is_finished():
                self._end = change
            else:
                yield change

    def _progress(self, look: Look) -> Iterator[TaskRunsProgressed]:
        if look.counts != self._counts:
            self._counts = look.counts
            yield TaskRunsProgressed(self._run_id, look.counts, look.total)


class _Log:
    """What was read of a run's log, and where to go on.

    Records are asked for by their time, which is when they were logged, not when they arrived. So each look reads the
    end of the log again without the records that are known there. What arrives before that end makes the log longer
    than what was read; then all of it is read.

    Args:
        run_id: the run.
        min_level: of the records to read; None for all.
    """

    def __init__(self, run_id: str, min_level: str | None) -> None:
        self._run_id = run_id
        self._min_level = min_level
        self._seen: set[str] = set()
        self._end: list[LogRecord] = []
        self.has_more = False

    @property
    def mark(self) -> LogMark:
        """Where to go on."""
        if len(self._end) < _REREAD:
            return LogMark(None, self._end, self._min_level)
        return LogMark(self._end[0], self._end[1:], self._min_level)

    def take(self, look: Look) -> Procedure[Sequence[LogRecord]]:
        """Take note of what a look found; returns the new records, after asking for those that came too late."""
        records: Sequence[LogRecord] = look.logs
        self.has_more = len(records) == LOG_PAGE
        if not records and look.log_count > len(self._seen):
            whole = yield from get_flow_run_logs(self._run_id, self._min_level)
            records = [record for record in whole if record.id not in self._seen]
        self._seen.update(record.id for record in records)
        self._end = sorted([*self._end, *records], key=lambda each: (each.timestamp, each.id))[-_REREAD:]
        return records
