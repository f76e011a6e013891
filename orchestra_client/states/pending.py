"""States of runs that have not begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.states.base import State, as_count, put
from orchestra_client.states.clock import now, utc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pendulum

__all__ = ["Paused", "Pending", "Resume", "Retrying", "Scheduled"]


class Pending(State):
    """The run exists and has not begun. Arguments as for `State`."""

    __slots__ = ()

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        cached_inputs: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Scheduled(Pending):
    """The run is to begin at a time. Other arguments as for `State`.

    Args:
        start_time: when; unset means now. A naive time is UTC. None only in states that a peer wrote
            without one, and in `Paused`.
    """

    __slots__ = ("start_time",)

    start_time: pendulum.DateTime | None

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        start_time: datetime | str | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, cached_inputs, context)
        put(self, "start_time", now() if start_time is None else utc(start_time, "start_time"))


class Paused(Scheduled):
    """The run waits for a person, or for a time. Other arguments as for `State`.

    Args:
        start_time: when it goes on by itself; unset means never.
    """

    __slots__ = ()

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        start_time: datetime | str | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, start_time, cached_inputs, context)
        if start_time is None:
            put(self, "start_time", None)


class Resume(Scheduled):
    """A paused run may go on. Arguments as for `Scheduled`."""

    __slots__ = ()


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Retrying(Scheduled):
    """The run failed and is to be tried again. Other arguments as for `Scheduled`.

    Args:
        run_count: how many tries there were so far; unset means 1.
    """

    __slots__ = ("run_count",)

    run_count: int

    def __init__(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        start_time: datetime | str | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        run_count: int | None = None,
    ) -> None:
        super().__init__(message, result, start_time, cached_inputs, context)
        put(self, "run_count", 1 if run_count is None else as_count(run_count, "run_count"))
