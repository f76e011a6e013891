"""Taking the ids of a run, its secrets and the delivery of its logs along, into threads, pools and workers."""

from __future__ import annotations

import logging
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, ParamSpec, TypeVar

from orchestra_client.config import context
from orchestra_client.delivery.handler import OrchestraHandler, active_handlers
from orchestra_client.delivery.masking import secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client.delivery.batches import Limits

__all__ = ["carry"]

P = ParamSpec("P")
T = TypeVar("T")

# What a context may hold beside these, clients and open files among it, is of no use elsewhere.
_PLAIN = (str, int, float, bool, type(None))


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """A function that logs as if it were called here, wherever it is called.

    ::

        with ProcessPoolExecutor() as pool:
            pool.map(carry(transform), chunks)

    It takes along the plain values of `orchestra_client.context` (texts, numbers, None), the secrets that logs must
    not show, and, for processes that have none of their own, the handlers that deliver logs here. No token travels:
    another process authenticates as it is configured to, by `ORCHESTRA_API_TOKEN` or a saved login; one that cannot
    leaves its records in the spool to this one.

    Args:
        function: picklable, if it is to reach another process.

    Returns:
        A function with the same arguments and result, as picklable as `function` is.
    """
    values = {name: value for name, value in context.items() if isinstance(value, _PLAIN)}
    return _Carried(function, values, secrets.values(), _attached())


class _Attached(NamedTuple):
    """A handler, as far as another process can have one like it."""

    logger: str
    logger_level: int
    level: int
    api_server: str | None
    spool: Path | None
    limits: Limits
    flush_timeout: float
    adopts: bool

    def attach(self) -> None:
        handler = OrchestraHandler(
            self.api_server and partial(_client, self.api_server),  # type: ignore[arg-type]  # unset when empty
            level=self.level,
            spool=self.spool,
            in_memory=self.spool is None,
            limits=self.limits,
            flush_timeout=self.flush_timeout,
            adopts=False,
        )
        logger = logging.getLogger(self.logger)
        logger.addHandler(handler)
        logger.setLevel(self.logger_level)


class _Carried(Generic[P, T]):
    def __init__(
        self,
        function: Callable[P, T],
        values: dict[str, Any],
        known: frozenset[str],
        attached: tuple[_Attached, ...],
    ) -> None:
        self._function = function
        self._values = values
        self._secrets = known
        self._attached = attached
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        secrets.add(*self._secrets)
        if self._attached and not active_handlers():
            for each in self._attached:
                each.attach()
        with context(**self._values):
            return self._function(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return _Carried, (self._function, self._values, self._secrets, self._attached)


def _attached() -> tuple[_Attached, ...]:
    named = logging.root.manager.loggerDict.values()
    loggers = [logging.root, *(each for each in named if isinstance(each, logging.Logger))]
    return tuple(
        _describe(logger, handler)
        for logger in loggers
        for handler in logger.handlers
        if isinstance(handler, OrchestraHandler) and handler in active_handlers()
    )


def _describe(logger: logging.Logger, handler: OrchestraHandler) -> _Attached:
    name = "" if logger is logging.root else logger.name
    level = logger.getEffectiveLevel()
    return _Attached(
        name,
        level,
        handler.level,
        handler.api_server,
        handler.spool,
        handler.limits,
        handler.flush_timeout,
        handler.adopts,
    )


def _client(api_server: str) -> Any:
    from orchestra_client.client import Client  # noqa: PLC0415 - slow to import, and only where it is used
    from orchestra_client.transport.retry import RetryPolicy  # noqa: PLC0415 - as above

    return Client(api_server, retry=RetryPolicy(budget=0))
