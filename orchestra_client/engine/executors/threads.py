"""Tasks side by side in threads of this process."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.engine.executors.base import Executor
from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["ThreadExecutor"]

_Job = tuple["Future[Any]", "Callable[..., Any]", tuple[Any, ...]]


class ThreadExecutor(Executor):
    """Runs tasks in threads, which suits tasks that wait for the network, for disks or for other programs.

    A thread cannot be killed. A timeout or a cancellation ends Python code at its next instruction and an ``async``
    task at its next ``await``; a call into C, `time.sleep` among them, first returns. The run does not wait for that,
    and neither does the end of the process: the threads are daemons, unlike those of `concurrent.futures`.

    Args:
        workers: how many threads, at least 1; unset means four for each processor, and 32 at most.

    Raises:
        ConfigurationError: `workers` is less than 1.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ConfigurationError(f"workers must be 1 or more, not {workers!r}")
        self.workers = workers or min(32, 4 * (os.cpu_count() or 1))
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0

    @property
    def capacity(self) -> int:
        """The number of threads."""
        return self.workers

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Let a function run in one of the threads; see `Executor.submit`."""
        future: Future[Any] = Future()
        self._jobs.put((future, function, args))
        if not self._idle.acquire(blocking=False) and self._started < self.workers:
            self._started += 1
            name = f"orchestra-task-{self._started}"
            threading.Thread(target=_work, args=(self._jobs, self._idle), name=name, daemon=True).start()
        return future

    def __enter__(self) -> Self:
        self._jobs, self._idle, self._started = SimpleQueue(), threading.Semaphore(0), 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for _ in range(self._started):
            self._jobs.put(None)

    def __getstate__(self) -> dict[str, Any]:
        return {"workers": self.workers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # threads and queues do not travel; the number does

    def __repr__(self) -> str:
        return f"ThreadExecutor(workers={self.workers})"


def _work(jobs: SimpleQueue[_Job | None], idle: threading.Semaphore) -> None:
    while (job := jobs.get()) is not None:
        future, function, args = job
        try:
            result = function(*args)
        except BaseException as error:  # noqa: BLE001 (it belongs to whoever asks for the result)
            future.set_exception(error)
        else:
            future.set_result(result)
        # Nothing of a run may stay alive because a thread that waits for the next one remembers it.
        del job, future, function, args
        idle.release()
