"""The root of all states: what every state has, can tell and can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from orchestra_client.errors import StateSerializationError
from orchestra_client.states.checks import StateChecks
from orchestra_client.states.frozen import EMPTY, FrozenDict, as_string, freeze
from orchestra_client.states.hierarchy import COLORS, PARENTS, ROOT
from orchestra_client.states.results import Result, as_result, as_results

if TYPE_CHECKING:
    from typing import Self

__all__ = ["State", "put"]

put = object.__setattr__
"""Sets a field of a state under construction; afterwards nothing does."""


@dataclass(frozen=True, init=False, eq=False, repr=False)
class State(StateChecks):
    """What is known of a flow run or task run at one moment.

    States never change: assigning to a field raises, and the containers they were given are copied into
    read-only ones. So they are safe to share between threads, tasks and forks; they pickle and copy.

    Two states are equal when they are of one class and type and agree in result, cached inputs, their class's
    own fields and the fields a newer peer added. Message and context do not count: they tell about a state
    and are not part of it. The hash agrees with that and ignores results' values, which may have none.

    Args:
        message: what happened, for people; an exception stands for its text.
        result: what the run returned, or a `Result`; None means there is none.
        context: anything about the run, as a JSON object.
        cached_inputs: the run's inputs by name, each a value or a `Result`, kept for a retry.

    Attributes:
        color: the colour to show the state in, as ``#rrggbb``.
        type_name: the type on the wire; the class's name, except for a type this version does not know.
        extra_fields: JSON fields of a newer peer, written back as they came; for a type this version does
            not know, the whole document.

    Raises:
        StateSerializationError: something that goes into JSON is not JSON; the error names its path.
    """

    __slots__ = ("__weakref__", "_result", "cached_inputs", "context", "extra_fields", "message", "type_name")

    color: ClassVar[str] = COLORS[ROOT]
    _wire_type: ClassVar[str] = ROOT
    _lineage: ClassVar[frozenset[str]] = frozenset({ROOT})
    _compared: ClassVar[tuple[str, ...]] = ("_result", "cached_inputs", "extra_fields", "type_name")

    message: str | None
    _result: Result
    context: Mapping[str, Any]
    cached_inputs: Mapping[str, Result]
    extra_fields: Mapping[str, Any]
    type_name: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = [base.__name__ for base in cls.__mro__]
        cls._lineage = frozenset(names)
        # A user's own subclass travels as the type it is a kind of: no peer knows its name.
        cls._wire_type = next((name for name in names if name in PARENTS), ROOT)
        cls.color = COLORS[cls._wire_type]
        own_fields: tuple[str, ...] = cls.__dict__.get("__slots__", ())
        cls._compared = (*cls._compared, *own_fields)

    def __init__(
        self,
        message: str | BaseException | None = None,
        result: Any = None,
        context: Mapping[str, Any] | None = None,
        cached_inputs: Mapping[str, Any] | None = None,
    ) -> None:
        put(self, "message", None if message is None else as_text(message))
        put(self, "_result", as_result(result))
        put(self, "context", as_object(context, "context") or EMPTY)
        put(self, "cached_inputs", as_results(cached_inputs, "cached_inputs"))
        put(self, "extra_fields", EMPTY)
        put(self, "type_name", self._wire_type)

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Self:
        """Build a state from checked values of all its fields, as the schemas do; nothing is defaulted.

        Args:
            values: a value for each of the class's fields, by the field's name, in the form a state keeps.

        Returns:
            The state.
        """
        state = object.__new__(cls)
        for name, value in values.items():
            put(state, name, value)
        return state

    @property
    def result(self) -> Any:
        """What the run returned; None when there is nothing, or when it is not in this process."""
        return self._result.value

    @property
    def result_object(self) -> Result:
        """The result with its type and location, where `result` is the bare value."""
        return self._result

    def serialize(self) -> dict[str, Any]:
        """Write the state as JSON that this library and Prefect 0.12 to 1.4 load.

        Returns:
            Plain dicts and lists, which belong to the caller.

        Raises:
            StateSerializationError: the state is a bare `State`, which has no type on the wire.
        """
        from orchestra_client.schemas.states import dump_state  # noqa: PLC0415 - schemas know the classes

        return dump_state(self)

    @staticmethod
    def deserialize(json: Mapping[str, Any]) -> State:
        """Load a state that this library or any Prefect from 0.3 to 1.4 wrote.

        Args:
            json: the state's JSON object. It is not changed.

        Returns:
            A state of the class that its `type` names. A type this version does not know becomes a plain
            `State` with that `type_name`, which serializes to the same JSON again.

        Raises:
            StateSerializationError: it is not the JSON of a state; the error names the path.
        """
        from orchestra_client.schemas.states import load_state  # noqa: PLC0415 - schemas know the classes

        return load_state(json)

    @overload
    @classmethod
    def children(cls, include_self: bool = ..., names_only: Literal[False] = ...) -> list[type[State]]: ...
    @overload
    @classmethod
    def children(cls, include_self: bool = ..., *, names_only: Literal[True]) -> list[str]: ...
    @overload
    @classmethod
    def children(cls, include_self: bool, names_only: Literal[True]) -> list[str]: ...
    @classmethod
    def children(cls, include_self: bool = False, names_only: bool = False) -> list[type[State]] | list[str]:
        """All classes below this one, at any depth; users' own subclasses count, private ones do not.

        Args:
            include_self: whether to add this class, as the last one.
            names_only: whether to answer names instead of classes.

        Returns:
            A list, each class followed by those below it.
        """
        return _answer([*_below(cls), *([cls] if include_self else [])], names_only)

    @overload
    @classmethod
    def parents(cls, include_self: bool = ..., names_only: Literal[False] = ...) -> list[type[State]]: ...
    @overload
    @classmethod
    def parents(cls, include_self: bool = ..., *, names_only: Literal[True]) -> list[str]: ...
    @overload
    @classmethod
    def parents(cls, include_self: bool, names_only: Literal[True]) -> list[str]: ...
    @classmethod
    def parents(cls, include_self: bool = False, names_only: bool = False) -> list[type[State]] | list[str]:
        """All classes above this one, the nearest first and `State` last; private ones do not count.

        Args:
            include_self: whether to add this class, as the last one.
            names_only: whether to answer names instead of classes.

        Returns:
            A list, empty for `State` itself.
        """
        above = [
            base for base in cls.__mro__[1:] if issubclass(base, State) and not base.__name__.startswith("_")
        ]
        return _answer([*above, *([cls] if include_self else [])], names_only)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self._compared)

    def __hash__(self) -> int:
        values = (getattr(self, name) for name in self._compared)
        return hash(tuple(value for value in values if not isinstance(value, dict)))

    def __repr__(self) -> str:
        return f"<{self.type_name}>" if self.message is None else f'<{self.type_name}: "{self.message}">'

    def _repr_html_(self) -> str:
        from orchestra_client.html import state_html  # noqa: PLC0415 - for notebooks alone

        return state_html(self)

    def __setstate__(self, state: tuple[dict[str, Any] | None, dict[str, Any]]) -> None:
        attributes, slots = state
        for name, value in {**(attributes or {}), **slots}.items():
            put(self, name, value)


def _below(cls: type[State]) -> list[type[State]]:
    found: list[type[State]] = []
    for child in cls.__subclasses__():
        found += [] if child.__name__.startswith("_") else [child]
        found += _below(child)
    return found


def _answer(classes: list[type[State]], names_only: bool) -> list[type[State]] | list[str]:
    return [cls.__name__ for cls in classes] if names_only else classes


def as_text(message: str | BaseException) -> str:
    """The text of a message. What UTF-8 cannot carry is escaped: a message must never stop a state."""
    text = str.__str__(message) if isinstance(message, str) else str(message) or repr(message)
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def as_message(value: object, path: str) -> str:
    """The text of a message in JSON.

    Raises:
        StateSerializationError: it is no string.
    """
    return as_text(value) if isinstance(value, str) else as_string(value, path)


def as_object(value: object, path: str) -> FrozenDict[Any] | None:
    """A read-only copy of a JSON object, or None.

    Raises:
        StateSerializationError: it is no mapping, or something in it is not JSON.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise StateSerializationError(
            f"{path}: a value of type {type(value).__name__} is not an object", path=path
        )
    frozen: FrozenDict[Any] = freeze(value, path)
    return frozen


def as_texts(value: object, path: str) -> FrozenDict[str] | None:
    """A read-only copy of a JSON object with strings for values, or None.

    Raises:
        StateSerializationError: it is no mapping, or a key or value in it is no string.
    """
    texts: FrozenDict[Any] | None = as_object(value, path)
    for name, text in (texts or {}).items():
        if not isinstance(text, str):
            raise StateSerializationError(
                f"{path}.{name}: {text!r:.60} is not a string", path=f"{path}.{name}"
            )
    return texts


def as_count(value: object, path: str) -> int:
    """A count: a whole number from 0 up.

    Raises:
        StateSerializationError: it is anything else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise StateSerializationError(f"{path}: {value!r:.60} is not a whole number from 0 up", path=path)
    return int(value)
