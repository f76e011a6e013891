"""Ending work that is under way: after a timeout, or because its run was cancelled.

What can be ended depends on where it runs:

- in the main thread, on systems with `SIGALRM`: everything that Python code does, a blocking call, too;
- an ``async`` function: at its next ``await``;
- in any other thread: Python code at its next instruction. A call into C first has to return. Work with a timeout has
  a thread of its own there, so that nobody needs to wait for it; `Stopped.has_ended` tells whether it still goes on.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import signal
import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

__all__ = ["Reason", "Stopped", "run_stoppable", "stop_all"]

Reason = Literal["timeout", "cancelled"]

GRACE = 0.5
"""Seconds that work in a thread has to end after it was told to, before it is left to itself."""

_ALARM: signal.Signals | None = getattr(signal, "SIGALRM", None)
_lock = threading.Lock()
_under_way: dict[str, set[_Work]] = {}
_in_main_thread: list[_Work] = []
"""What runs in the main thread, the innermost last: a task may run a flow of its own."""


class Stopped(BaseException):
    """Work was told to end before it was done. No `Exception`, so that no task swallows it by accident.

    Attributes:
        reason: why.
        has_ended: False when it may still go on, in a thread that nobody waits for.
    """

    def __init__(self, reason: Reason = "cancelled", has_ended: bool = True) -> None:
        super().__init__(reason, has_ended)
        self.reason: Reason = reason
        self.has_ended = has_ended


def stop_all(key: str) -> None:
    """End all work of this process that runs under a key.

    Args:
        key: whose, as given to `run_stoppable`. Nothing happens when there is none.
    """
    with _lock:
        works = list(_under_way.get(key, ()))
    for work in works:
        work.stop("cancelled")


def run_stoppable(
    function: Callable[..., Any], arguments: Mapping[str, Any], *, key: str, timeout: float | None
) -> Any:
    """Run a function that other threads can end, and a timeout.

    Args:
        function: what to run; an ``async`` one is run to its end here.
        arguments: its arguments by name.
        key: what `stop_all` ends it by.
        timeout: seconds it may take; None for as long as it wants.

    Returns:
        What it returned.

    Raises:
        Stopped: it was told to end.
        BaseException: what it raised.
    """
    work = _Work(function, arguments, key)
    if _has_loop():
        return _run_in_own_thread(work, timeout)
    if _ALARM is not None and threading.current_thread() is threading.main_thread():
        return work.run_in_main_thread(timeout)
    return work.run() if timeout is None else _run_in_own_thread(work, timeout)


class _Work:
    """One function under way. One thread runs it; any other one may stop it."""

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any], key: str) -> None:
        self._function = function
        self._arguments = arguments
        self._key = key
        self._guard = threading.Lock()
        self._thread: int | None = None
        self._cancel_coroutine: Callable[[], object] | None = None
        self._has_alarm = False
        self.deadline: float | None = None
        self.reason: Reason | None = None

    def run(self) -> Any:
        """Run it in this thread."""
        try:
            return self._run()
        except (Stopped, asyncio.CancelledError):
            if self.reason is None:
                raise
            raise Stopped(self.reason) from None
        finally:
            # Once more: what stops the work may strike while it says that it is over.
            self._leave()

    def run_in_main_thread(self, timeout: float | None) -> Any:
        """Run it in this thread, the main one, where a signal ends it."""
        self._has_alarm = True
        self.deadline = None if timeout is None else time.monotonic() + timeout
        assert _ALARM is not None  # the caller has looked
        previous = signal.signal(_ALARM, _on_alarm)
        _in_main_thread.append(self)
        _set_timer(self.deadline)
        try:
            return self.run()
        finally:
            _in_main_thread.pop()
            _set_timer(_in_main_thread[-1].deadline if _in_main_thread else None)
            # The default would kill the process, should an alarm be on its way; ours ignores a late one.
            if previous is not signal.SIG_DFL:
                signal.signal(_ALARM, previous)

    def stop(self, reason: Reason) -> None:
        """Tell it to end, from any thread; the first reason counts."""
        with self._guard:
            if self._thread is None:
                return
            self.reason = self.reason or reason
            if self._cancel_coroutine is not None:
                self._cancel_coroutine()
            elif self._has_alarm:
                assert _ALARM is not None  # it has been set
                signal.pthread_kill(self._thread, _ALARM)
            else:
                identifier = ctypes.c_ulong(self._thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(identifier, ctypes.py_object(Stopped))

    def on_alarm(self) -> None:
        """Come from the timer, or from `stop`, which has said why."""
        if self._thread is None:
            return
        self.reason = self.reason or "timeout"
        if self._cancel_coroutine is None:
            raise Stopped(self.reason)
        self._cancel_coroutine()

    def _run(self) -> Any:
        self._thread = threading.get_ident()
        with _lock:
            _under_way.setdefault(self._key, set()).add(self)
        try:
            result = self._function(**self._arguments)
            return asyncio.run(self._await(result)) if inspect.iscoroutine(result) else result
        finally:
            self._leave()

    async def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(coroutine)
        with self._guard:
            self._cancel_coroutine = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await task
        finally:
            with self._guard:
                self._cancel_coroutine = None

    def _leave(self) -> None:
        with self._guard:
            self._thread = None
        with _lock:
            works = _under_way.get(self._key, set())
            works.discard(self)
            if not works:
                _under_way.pop(self._key, None)


def _on_alarm(number: int, frame: object) -> None:
    if _in_main_thread:
        _in_main_thread[-1].on_alarm()


def _set_timer(deadline: float | None) -> None:
    # A deadline that has passed still has to ring; 0 would mean never.
    seconds = 0.0 if deadline is None else max(deadline - time.monotonic(), 1e-6)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _run_in_own_thread(work: _Work, timeout: float | None) -> Any:
    """Run work in a thread that can be left behind."""
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work.run(), None))
        except BaseException as error:  # noqa: BLE001 (raised again below)
            outcome.append((None, error))

    context = copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="orchestra-timed-task", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        work.stop("timeout")
        thread.join(GRACE)
    if not outcome:
        raise Stopped(work.reason or "timeout", has_ended=False)
    [(result, error)] = outcome
    if error is not None:
        raise error
    return result


def _has_loop() -> bool:
    """Whether an event loop runs in this thread, where no second one may."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
