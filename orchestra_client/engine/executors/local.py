"""One task after another, right here."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.engine.executors.base import Executor

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["LocalExecutor"]


class LocalExecutor(Executor):
    """Runs each task in the thread that submits it, before `submit` returns.

    In the main thread of a process on Linux and macOS, a timeout or a cancellation ends a task wherever it is.
    """

    @property
    def capacity(self) -> int:
        """One."""
        return 1

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run a function; see `Executor.submit`."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 (it belongs to whoever asks for the result)
            future.set_exception(error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def __repr__(self) -> str:
        return "LocalExecutor()"
