"""Tasks on a Dask cluster."""

from __future__ import annotations

import math
import time
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.delivery.carrying import carry
from orchestra_client.engine.executors.base import Executor
from orchestra_client.engine.interruption import stop_all
from orchestra_client.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["DaskExecutor"]

_LEAST_CAPACITY = 16
"""A cluster that grows with its work must be given some before it has any workers."""

_RECOUNT = 5.0
"""Seconds after which the threads of all workers are counted again, which asks the scheduler."""


class DaskExecutor(Executor):
    """Runs tasks on a Dask cluster, an existing one or one for the length of the run. Needs the extra ``dask``.

    Tasks, their arguments and their results are pickled on the way; workers need neither credentials nor a way to the
    server, for the run reports all states itself. What a timeout can end is the same as in a `ThreadExecutor`.

    Args:
        address: of a scheduler, e.g. ``tcp://10.0.0.5:8786``; unset means a cluster of processes on this machine.
        cluster_args: for `distributed.LocalCluster`, e.g. ``{"n_workers": 4, "threads_per_worker": 1}``.
        client_args: for `distributed.Client`, e.g. its `security`.

    Raises:
        ConfigurationError: both an address and arguments for a cluster of its own are given.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        cluster_args: Mapping[str, Any] | None = None,
        client_args: Mapping[str, Any] | None = None,
    ) -> None:
        if address is not None and cluster_args is not None:
            raise ConfigurationError(
                "give either the address of a cluster or cluster_args for one of its own"
            )
        self.address = address
        # Its dashboard for this machine alone, at any free port: several clusters may live here.
        self.cluster_args = {"dashboard_address": "127.0.0.1:0", **(cluster_args or {})}
        self.client_args = dict(client_args or {})
        self._client: Any = None
        self._resources = ExitStack()
        self._capacity, self._counted = _LEAST_CAPACITY, -math.inf

    is_remote = True

    @property
    def capacity(self) -> int:
        """Twice the threads of all workers, so that none waits for its next task."""
        now = time.monotonic()
        if now - self._counted >= _RECOUNT:
            threads: dict[str, int] = self._connected().nthreads()
            self._capacity, self._counted = max(_LEAST_CAPACITY, 2 * sum(threads.values())), now
        return self._capacity

    def submit(self, function: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Let a function run on a worker; see `Executor.submit`."""
        ours: Future[Any] = Future()
        # Not pure: two tasks with equal arguments are two tasks.
        theirs = self._connected().submit(carry(function), *args, pure=False)
        theirs.add_done_callback(lambda future: _hand_over(future, ours))
        return ours

    def stop(self, key: str) -> None:
        """Ask the tasks that run under a key to end, on every worker."""
        with suppress(OSError, RuntimeError, ValueError):  # a cluster that is gone has ended them
            self._connected().run(_stop_all, key, wait=False, on_error="ignore")

    def __enter__(self) -> Self:
        try:
            distributed: Any = import_module("distributed")  # an optional part
        except ModuleNotFoundError:
            raise MissingExtra("dask", "DaskExecutor") from None
        enter = self._resources.enter_context
        target = self.address or enter(distributed.LocalCluster(**self.cluster_args))
        self._client = enter(distributed.Client(target, **{"set_as_default": False, **self.client_args}))
        self._counted = -math.inf
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client = None
        self._resources.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_client": None, "_resources": ExitStack()}

    def __repr__(self) -> str:
        return f"DaskExecutor({self.address or self.cluster_args!r})"

    def _connected(self) -> Any:
        if self._client is None:
            raise RuntimeError("a DaskExecutor is connected only within its `with` block")
        return self._client


async def _stop_all(key: str) -> None:
    """End the tasks of a worker. A coroutine, for workers are not waited for: one that is stuck would hold up the run."""
    stop_all(key)


def _hand_over(theirs: Any, ours: Future[Any]) -> None:
    try:
        result = theirs.result()
    except BaseException as error:  # noqa: BLE001 (it belongs to whoever asks for the result)
        ours.set_exception(error)
    else:
        ours.set_result(result)
