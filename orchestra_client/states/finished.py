"""States of runs that came to an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.states.base import State, as_count, as_object, as_texts, put
from orchestra_client.states.clock import utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pendulum

__all__ = [
    "Cached",
    "Cancelled",
    "Failed",
    "Finished",
    "Looped",
    "Mapped",
    "Skipped",
    "Success",
    "TimedOut",
    "TriggerFailed",
    "ValidationFailed",
]


class Finished(State):
    """The run came to an end. Arguments as for `State`."""

    __slots__ = ()


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Looped(Finished):
    """One round of a looping task ended; the next one follows. Other arguments as for `State`.

    Args:
        loop_count: which round it was, from 1; unset means 1.
    """

    __slots__ = ("loop_count",)

    loop_count: int

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        loop_count: int | None = None,
        context: Mapping[str, Any] | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        put(self, "loop_count", 1 if loop_count is None else as_count(loop_count, "loop_count"))


class Cancelled(Finished):
    """A person ended the run. Arguments as for `State`."""

    __slots__ = ()


class Success(Finished):
    """The run ended well. Arguments as for `State`."""

    __slots__ = ()


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Cached(Success):
    """The run ended well, and a later one may use its result again. Other arguments as for `State`.

    Args:
        cached_parameters: the flow run's parameters the result belongs to, as a JSON object.
        cached_result_expiration: until when it may be used; unset means for ever.
        hashed_inputs: a hash of each input, by its name.
    """

    __slots__ = ("cached_parameters", "cached_result_expiration", "hashed_inputs")

    cached_parameters: Mapping[str, Any] | None
    cached_result_expiration: pendulum.DateTime | None
    hashed_inputs: Mapping[str, str] | None

    def __init__(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        cached_inputs: Mapping[str, Any] | None = None,
        cached_parameters: Mapping[str, Any] | None = None,
        cached_result_expiration: datetime | str | None = None,
        context: Mapping[str, Any] | None = None,
        hashed_inputs: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        until = cached_result_expiration
        put(
            self,
            "cached_result_expiration",
            None if until is None else utc(until, "cached_result_expiration"),
        )
        put(self, "cached_parameters", as_object(cached_parameters, "cached_parameters"))
        put(self, "hashed_inputs", as_texts(hashed_inputs, "hashed_inputs"))


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Mapped(Success):
    """The run became one run for each item, and all of those were made. Other arguments as for `State`.

    Its result, like `map_states`, does not travel in JSON: the runs made have their own states.

    Args:
        map_states: the states of the runs made, in order; None for one that is not known.
        n_map_states: how many there are; unset means as many as `map_states` has.
    """

    __slots__ = ("map_states", "n_map_states")

    map_states: tuple[State | None, ...]
    n_map_states: int

    def __init__(  # noqa: PLR0917 - the arguments' order is the API's
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        map_states: Sequence[State | None] | None = None,
        context: Mapping[str, Any] | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
        n_map_states: int | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)
        put(self, "map_states", tuple(map_states or ()))
        count = len(self.map_states) if n_map_states is None else n_map_states
        put(self, "n_map_states", as_count(count, "n_map_states"))


class Skipped(Success):
    """The run was passed over, which counts as a success. Arguments as for `State`."""

    __slots__ = ()


class Failed(Finished):
    """The run ended badly. Arguments as for `State`."""

    __slots__ = ()

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        cached_inputs: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, result, context, cached_inputs)


class TimedOut(Failed):
    """The run took longer than it was allowed to. Arguments as for `Failed`."""

    __slots__ = ()


class TriggerFailed(Failed):
    """The run never began because of how the runs before it ended. Arguments as for `Failed`."""

    __slots__ = ()


class ValidationFailed(Failed):
    """The run returned something that its checks refused. Arguments as for `Failed`."""

    __slots__ = ()
