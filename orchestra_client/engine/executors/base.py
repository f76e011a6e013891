"""What all executors have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from orchestra_client.engine.interruption import stop_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from types import TracebackType

__all__ = ["Executor"]


class Executor(ABC):
    """Runs functions somewhere. Use it within a ``with`` block, as often as you like, from one thread at a time.

    Attributes:
        is_remote: whether functions, arguments and results are pickled on their way.
    """

    is_remote: ClassVar[bool] = False

    @property
    @abstractmethod
    def capacity(self) -> int:
        """How many functions can run at the same time, at least 1. The engine submits no more than that."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Let a function run.

        Args:
            function: what to run.
            args: its arguments.

        Returns:
            What it will have returned or raised.
        """

    def map(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Future[Any]]:
        """Let a function run once for each set of arguments, as the built-in `map` pairs them.

        Args:
            function: what to run.
            iterables: the first arguments of all, the second ones, and so on.

        Returns:
            One future for each, in order.
        """
        return [self.submit(function, *args) for args in zip(*iterables, strict=False)]

    def wait(self, futures: Iterable[Future[Any]]) -> list[Any]:
        """Wait until all are done.

        Args:
            futures: what `submit` and `map` returned.

        Returns:
            What each returned, in order.

        Raises:
            BaseException: what the first of them that failed raised.
        """
        return [future.result() for future in futures]

    def stop(self, key: str) -> None:
        """Ask the tasks that run under a key to end, from any thread; see `interruption` for what can be ended.

        Args:
            key: whose, usually a flow run's id.
        """
        stop_all(key)

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
