"""The handler of Python's logging that delivers what runs log."""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4
from weakref import WeakSet

from orchestra_client.clock import Clock, SystemClock
from orchestra_client.config import context
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.batches import Limits
from orchestra_client.delivery.channel import ChannelSource
from orchestra_client.delivery.forks import renew_in_children
from orchestra_client.delivery.log_queue import LogQueue
from orchestra_client.delivery.log_sender import LogSender
from orchestra_client.delivery.masking import secrets
from orchestra_client.delivery.records import Draft, cut, level_of
from orchestra_client.delivery.spool import Spool, spool_folder
from orchestra_client.delivery.worker import Worker
from orchestra_client.errors import BadInput
from orchestra_client.operations import checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client.client import Client

__all__ = ["OrchestraHandler", "active_handlers"]

_log = logging.getLogger("orchestra_client.delivery")

_EXCLUDED = ("httpx", "httpcore", "gql", "orchestra_client.delivery", "orchestra_client.transport")
# Its own messages, not those of other rooms below it: the engine speaks of the run.
_CLIENT = "orchestra_client"

_SHORT = 1.0
"""Seconds between two attempts of someone who waits for all to be delivered."""

_active: WeakSet[OrchestraHandler] = WeakSet()


def active_handlers() -> list[OrchestraHandler]:
    """The handlers of this process that were not closed."""
    return list(_active)


class OrchestraHandler(logging.Handler):
    """Delivers log records to the API, with the ids of the flow run and the task run that they belong to.

    ::

        logging.getLogger().addHandler(OrchestraHandler())

    The ids are those of `orchestra_client.context` where the record is logged, or ``extra={"flow_run_id": …}`` of the
    record itself; `carry` takes them along into threads, process pools and workers. Logging never waits for the
    network and never raises. Records leave in batches from a thread of their own, in order and each once, and are on
    disk from the moment they are logged until they are delivered: what a killed process left behind, the next one
    delivers. What the `secrets` of this process name is masked. Records of the thread that sends are not taken, nor
    those of the libraries that it sends with.

    Safe to share between threads. A forked child continues with its own queue, thread and client; what its parent
    has not delivered yet stays the parent's. At the end of the process, what waits is delivered within
    `flush_timeout`; what is not, waits in the spool.

    Args:
        open_client: opens the client that sends, once for each process, when there is something to send; it is
            closed with the handler. Unset means a client for the configured server.
        level: of the records that are taken.
        spool: the folder where records wait on disk; processes that share one deliver each other's records, so it
            serves one server. Unset means one below `ORCHESTRA_HOME`.
        in_memory: whether records wait in memory alone, where a killed process loses them.
        limits: how much is sent at once, and how much waits; unset means those of `Limits`.
        flush_timeout: seconds that `flush`, `deliver` and the end of the process wait at most.
        adopts: whether to deliver what other processes left in the spool; one whose token is bound to its own run
            has no use for it.
        clock: tells the time; for tests.

    Raises:
        ConfigurationError: a limit makes no sense.
    """

    def __init__(
        self,
        open_client: Callable[[], Client] | None = None,
        *,
        level: int | str = logging.NOTSET,
        spool: Path | None = None,
        in_memory: bool = False,
        limits: Limits | None = None,
        flush_timeout: float = 10.0,
        adopts: bool = True,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(level)
        self.spool = None if in_memory else spool or spool_folder("logs")
        self.limits = limits or Limits()
        self.flush_timeout = flush_timeout
        self.adopts = adopts
        self._source = ChannelSource(open_client)
        self._is_closed = False
        self._gave_up = -_SHORT
        self._has_exit_hook = False
        self._assemble(clock or SystemClock())
        _active.add(self)
        renew_in_children(self)

    def _assemble(self, clock: Clock) -> None:
        spool = None if self.spool is None else Spool(self.spool, clock)
        self._queue = LogQueue(
            spool, self.limits, clock=clock, new_id=lambda: str(uuid4()), on_batch=self._hand_over
        )
        self._sender = LogSender(
            self._queue,
            spool if self.adopts else None,
            channel=self._source.channel,
            clock=clock,
            backoff=Backoff(_SHORT, 30.0, random.random),
        )
        self._worker = Worker("orchestra-logs", self._sender.turn)

    def renew(self) -> None:
        """Begin anew in a forked child."""
        self._has_exit_hook = False
        self._sender.renew()

    @property
    def api_server(self) -> str | None:
        """The URL of the server; None before anything was sent."""
        return self._source.api_server

    # ------------------------------------------------------------------------------------------ logging

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; called by `handle`."""
        try:
            if _is_excluded(record.name):
                _show(record)
            elif not (self._is_closed or self._is_sending()):
                self._queue.put(self._draft(record))
        except Exception:  # noqa: BLE001 - logging breaks no caller; it is told on standard error
            self.handleError(record)

    def _is_sending(self) -> bool:
        return threading.get_ident() == self._worker.ident

    def _draft(self, record: logging.LogRecord) -> Draft:
        secrets.learn(context.get("secrets"))
        given = record.__dict__
        level, level_name = level_of(record)
        # The ids of a run that no server knows would be refused.
        prefix = "log_" if context.get("running_with_backend") is False else ""
        return Draft(
            _run_id(given.get("flow_run_id") or context.get(f"{prefix}flow_run_id")),
            _run_id(given.get("task_run_id") or context.get(f"{prefix}task_run_id")),
            record.created,
            record.name,
            level,
            self._message(record),
            level_name,
        )

    def _message(self, record: logging.LogRecord) -> str:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - of the caller's own objects; better half a record than none
            text = f"{record.msg!r} % {record.args!r} (it cannot be formatted: {error!r})"
        limit = self.limits.max_message
        # What is this far behind the limit is not looked at. A secret that this cuts in two is cut off altogether.
        return cut(secrets.mask(text[: 2 * limit]), limit, len(text))

    # ------------------------------------------------------------------------------------------ delivering

    def flush(self) -> None:
        """Wait until everything that was logged is delivered, `flush_timeout` at most."""
        self.deliver()

    def deliver(self, timeout: float | None = None) -> bool:
        """Wait until everything that was logged is delivered.

        Args:
            timeout: seconds at most; unset means the handler's `flush_timeout`.

        Returns:
            Whether it is; if not, it still will be, by this process or the next one.
        """
        deadline = time.monotonic() + (self.flush_timeout if timeout is None else timeout)
        while self._queue and not self._is_sending():
            left = deadline - time.monotonic()
            if left <= 0 or not self._worker.ensure():
                self._gave_up = time.monotonic()
                return False
            self._sender.is_hurried = True
            self._worker.wake()
            self._queue.wait_until_empty(min(left, _SHORT))
        return not self._queue

    def adopt(self) -> None:
        """Deliver soon what other processes have left behind by now, without waiting for it.

        A handler looks for that each minute once it has something to do; an agent that sees a child end has no need to
        log anything for it.
        """
        self._sender.look_again()
        self._hand_over()

    def close(self) -> None:
        """Deliver what waits, within `flush_timeout`, and end the thread. Closing twice does nothing."""
        if self._is_closed:
            return
        # The end of the process flushes each handler right before it closes it: once is enough.
        if time.monotonic() - self._gave_up >= _SHORT:
            self.deliver()
        self._is_closed = True
        _active.discard(self)
        self._worker.stop(_SHORT)
        _tell_rest(*self._queue.close())
        self._source.close()
        super().close()

    def _hand_over(self) -> None:
        if not self._has_exit_hook:
            self._has_exit_hook = True
            _at_exit_of_child(self)
        self._worker.ensure()
        self._worker.wake()


def _show(record: logging.LogRecord) -> None:
    """Show our own warnings where nobody else would: Python does so itself only where there is no handler at all."""
    is_ours = record.name.startswith(_CLIENT) and record.levelno >= logging.WARNING
    if is_ours and logging.lastResort and all(isinstance(h, OrchestraHandler) for h in logging.root.handlers):
        logging.lastResort.handle(record)


def _tell_rest(kept: int, lost: int) -> None:
    if kept:
        _log.warning("%d log records wait on disk; the next process delivers them.", kept)
    if lost:
        _log.warning("%d log records are lost: they were not delivered in time, and not on disk.", lost)


def _at_exit_of_child(handler: OrchestraHandler) -> None:
    """Close a handler in time in processes of `multiprocessing`, which end without what Python does at its end."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize  # noqa: PLC0415 - loaded already, in such a process

        Finalize(None, handler.close, exitpriority=0)


@lru_cache(maxsize=1024)
def _is_excluded(name: str) -> bool:
    return name == _CLIENT or any(name == each or name.startswith(f"{each}.") for each in _EXCLUDED)


def _run_id(value: Any) -> str | None:
    """A run's id, or None for what the API would refuse, and with it the record and its neighbours."""
    if value is None or isinstance(value, str):
        return _checked(value)
    return _checked(str(value)) if isinstance(value, UUID) else None


@lru_cache(maxsize=1024)
def _checked(value: str | None) -> str | None:
    try:
        return checks.optional(value, "a run's id")
    except BadInput:
        return None
