"""Results: what a run returned, and where that is kept.

A state carries a :class:`Result`. Only its description travels in JSON: the type, the location and the fields
of that type. The value itself stays in this process, unless the description contains it, as those of
`Result.json` and `Result.safe` do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from orchestra_client.states.frozen import EMPTY, FrozenDict, as_string, freeze

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KNOWN_TYPES", "NO_RESULT_TYPE", "PREFECT_RESULT_TYPE", "SAFE_RESULT_TYPE", "NoResult", "Result"]

NO_RESULT_TYPE: Final = "NoResultType"
PREFECT_RESULT_TYPE: Final = "PrefectResult"
SAFE_RESULT_TYPE: Final = "SafeResult"

KNOWN_TYPES: Final = frozenset(
    {
        NO_RESULT_TYPE,
        SAFE_RESULT_TYPE,
        PREFECT_RESULT_TYPE,
        "Result",
        "CustomResult",
        "ResultHandlerResult",
        "AzureResult",
        "ConstantResult",
        "GCSResult",
        "LocalResult",
        "S3Result",
        "SecretResult",
    }
)
"""The result types that Prefect 0.5 to 1.4 wrote. Any other is kept exactly as it came."""

_set = object.__setattr__


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Result:
    """The outcome of a run: a value, where it is kept, or both.

    Immutable and safe to share between threads and forks. Two results are equal when type, location, fields
    and value are. The value is any object; it is neither copied nor checked.

    Args:
        value: what the run returned; None when it is not in this process.
        location: where the value is kept, in the terms of the type: a path, a key, an address.
        type: the result's type on the wire.
        fields: what else that type needs, as JSON: `dir` of a ``LocalResult``, `bucket` of an ``S3Result``.

    Raises:
        StateSerializationError: `location` is not a string, or `fields` not a JSON object.
    """

    __slots__ = ("__weakref__", "fields", "location", "type", "value")

    value: Any
    location: str | None
    type: str
    fields: Mapping[str, Any]

    def __init__(
        self,
        value: Any = None,
        location: str | None = None,
        *,
        type: str = "Result",  # noqa: A002 - the name of the field on the wire
        fields: Mapping[str, Any] = EMPTY,
    ) -> None:
        _set(self, "value", value)
        _set(self, "location", None if location is None else as_string(location, "_result.location"))
        _set(self, "type", type)
        _set(self, "fields", fields if isinstance(fields, FrozenDict) else freeze(dict(fields), "_result"))

    @classmethod
    def json(cls, value: Any) -> Result:
        """A result whose value travels in JSON, for small values that every reader may see.

        Prefect 0.12 and 1.4 read it as their ``PrefectResult``, whose location is the value as JSON text.

        Args:
            value: any JSON value.

        Returns:
            The result, with its value in its location.

        Raises:
            StateSerializationError: `value` is not JSON.
        """
        text = json.dumps(freeze(value, "_result"))
        return cls(value, text, type=PREFECT_RESULT_TYPE)

    @classmethod
    def safe(cls, value: Any, handler: Mapping[str, Any] | None = None) -> Result:
        """A result as Prefect wrote it before 0.11: the value, or a reference to it, in the JSON.

        Args:
            value: any JSON value.
            handler: the result handler's own JSON; unset means one without settings.

        Returns:
            The result. Prefect 0.12 reads its value, 1.4 only that there is a result.

        Raises:
            StateSerializationError: `value` or `handler` is not JSON.
        """
        fields = {"value": value, "result_handler": handler or {"type": "ResultHandler"}}
        return cls(value, type=SAFE_RESULT_TYPE, fields=fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        mine = (self.type, self.location, self.fields)
        # Identity first: a value need not equal itself (NaN), nor even answer yes or no (an array).
        same_value = self.value is other.value or bool(self.value == other.value)
        return mine == (other.type, other.location, other.fields) and same_value

    def __hash__(self) -> int:
        return hash((self.type, self.location))

    def __repr__(self) -> str:
        return (
            f"<{self.type}: {self.value!r}>"
            if self.location is None
            else f"<{self.type} at {self.location!r}>"
        )

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        for name, value in state[1].items():
            _set(self, name, value)


NoResult: Final = Result(type=NO_RESULT_TYPE)
"""There is no result: the run has not returned. A run that returned None has ``Result(None)``."""


def as_result(value: Any) -> Result:
    """The result that a state keeps for a value: itself for a `Result`, `NoResult` for None."""
    if value is None:
        return NoResult
    return value if isinstance(value, Result) else Result(value)


def as_results(values: Mapping[str, Any] | None, path: str) -> FrozenDict[Result]:
    """The results that a state keeps for a mapping of names to values or results.

    Raises:
        StateSerializationError: `values` is no mapping of strings.
    """
    if not values:
        return EMPTY
    results = {}
    for name, value in values.items():
        results[as_string(name, path)] = value if isinstance(value, Result) else Result(value)
    return FrozenDict(results)
