"""Functions that travel by name: triggers, cache validators, the filters and adjustments of schedules.

In JSON such a function is ``{"fn": "package.module.name", "kwargs": {…}}``, as Prefect 0.12 to 1.4 write it. Those
of our own keep the names they have there, so that either side finds its own function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from orchestra_client.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "SCRIPT_PREFIX",
    "Configured",
    "Unavailable",
    "describe",
    "dump_reference",
    "load_reference",
    "steady",
]

SCRIPT_PREFIX: Final = "orchestra_script_"
"""How the names of the modules begin that stored scripts are loaded as; 16 hexadecimal digits follow."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SCRIPT = re.compile(rf"\b{SCRIPT_PREFIX}[0-9a-f]{{16}}\b")
_TIME, _DATETIME, _DURATION = "//time:", "//datetime:", "//timedelta:"


class Configured:
    """A function that a factory made from arguments, and that still knows both.

    Immutable and safe to share between threads. Equal to what the same factory made from equal arguments; pickles
    as the call of its factory.

    Args:
        factory: the public function that makes it, e.g. `some_failed`.
        arguments: the keyword arguments it was called with.
        function: what it does when it is called.
    """

    __slots__ = ("__name__", "arguments", "factory", "function")

    def __init__(
        self,
        factory: Callable[..., Configured],
        arguments: Mapping[str, Any],
        function: Callable[..., Any],
    ) -> None:
        self.factory = factory
        self.arguments = MappingProxyType(dict(arguments))
        self.function = function
        self.__name__ = factory.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Configured):
            return NotImplemented
        return (self.factory, self.arguments) == (other.factory, other.arguments)

    def __hash__(self) -> int:
        return hash(self.factory)

    def __repr__(self) -> str:
        return f"{self.__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.factory, dict(self.arguments))


def _rebuild(factory: Callable[..., Configured], arguments: dict[str, Any]) -> Configured:
    return factory(**arguments)


class Unavailable:
    """A function of which only the name travelled: someone's own, or one of a newer peer. Calling it raises.

    Immutable and safe to share between threads.

    Args:
        reference: its JSON, which is written back as it came.
    """

    __slots__ = ("__name__", "reference")

    def __init__(self, reference: Mapping[str, Any]) -> None:
        self.reference = reference
        self.__name__ = str(reference.get("fn"))

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there is no function to call."""
        raise FlowError(
            f"{self.__name__} travelled by name only; load the flow from its storage to have the function itself"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unavailable) and self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.__name__)

    def __repr__(self) -> str:
        return f"<Unavailable: {self.__name__}>"


def describe(thing: object) -> str:
    """The full name of a function or class, or else the type's: nothing that differs between two processes."""
    named = thing if hasattr(thing, "__qualname__") else getattr(thing, "func", type(thing))
    return steady(f"{named.__module__}.{getattr(named, '__qualname__', type(named).__qualname__)}")


def steady(name: str) -> str:
    """A name as it is in every process: without addresses, and of a stored script as if it were run itself."""
    return _SCRIPT.sub("__main__", _ADDRESS.sub("", name))


def dump_reference(
    function: Callable[..., Any] | None, known: Mapping[str, Callable[..., Any]]
) -> dict[str, Any] | None:
    """Write a function as JSON.

    Args:
        function: one of `known`, what one of them made, or someone's own; None stays None.
        known: functions and factories by their names in JSON.

    Returns:
        The name and the arguments. Of someone's own function only the name travels.
    """
    if function is None:
        return None
    if isinstance(function, Unavailable):
        return dict(function.reference)
    named, arguments = (
        (function.factory, function.arguments) if isinstance(function, Configured) else (function, {})
    )
    name = next((name for name, candidate in known.items() if candidate is named), None) or describe(named)
    return {"fn": name, "kwargs": {key: _dump_argument(arguments[key]) for key in sorted(arguments)}}


def load_reference(reference: Any, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any] | None:
    """Read a function.

    Args:
        reference: its JSON; None stays None.
        known: functions and factories by their names in JSON.

    Returns:
        The function, made from its arguments where it has some; an `Unavailable` for a name that is not known.

    Raises:
        FlowError: it is no reference, or its arguments do not fit the function.
    """
    if reference is None:
        return None
    if not isinstance(name := reference.get("fn") if isinstance(reference, Mapping) else None, str):
        raise FlowError(f"{reference!r:.60} is no reference to a function, which is an object with `fn`")
    function, arguments = known.get(name), reference.get("kwargs") or {}
    if function is None:
        return Unavailable(dict(reference))
    try:
        loaded: Callable[..., Any] = (
            function(**{name: _load_argument(value) for name, value in arguments.items()})
            if arguments
            else function
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise FlowError(f"{name} does not take {arguments!r:.100}: {error}") from None
    return loaded


def _dump_argument(value: Any) -> Any:
    if isinstance(value, datetime):
        return _DATETIME + value.isoformat()
    if isinstance(value, time):
        return _TIME + value.isoformat()
    if isinstance(value, timedelta):
        return f"{_DURATION}{value.total_seconds()}"
    return list(value) if isinstance(value, tuple) else value


def _load_argument(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith(_DATETIME):
        moment = datetime.fromisoformat(value.removeprefix(_DATETIME))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if value.startswith(_TIME):
        return time.fromisoformat(value.removeprefix(_TIME))
    if value.startswith(_DURATION):
        return timedelta(seconds=float(value.removeprefix(_DURATION)))
    return value
