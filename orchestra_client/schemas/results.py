"""The JSON of results, alone and inside a state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, post_dump, post_load

from orchestra_client.errors import StateSerializationError
from orchestra_client.schemas.fields import CheckedField, NullableField, inside
from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states.frozen import FrozenDict, as_string, freeze, thaw
from orchestra_client.states.results import (
    KNOWN_TYPES,
    NO_RESULT_TYPE,
    PREFECT_RESULT_TYPE,
    SAFE_RESULT_TYPE,
    NoResult,
    Result,
)

__all__ = ["ResultField", "ResultSchema", "ResultsField", "dump_result", "load_result"]

_WITHOUT_LOCATION = frozenset({NO_RESULT_TYPE, SAFE_RESULT_TYPE})


class ResultSchema(Schema):
    """A result of any type that Prefect 0.5 to 1.4 wrote. Built once; safe to share between threads."""

    class Meta:
        """A type's own fields, and those of a newer peer, come along."""

        unknown = INCLUDE

    location = CheckedField(as_string)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Result:
        """Make the result out of its fields."""
        kind, location = data.pop("type"), data.pop("location", None)
        data.pop("__version__", None)
        value = _value_in(location) if kind == PREFECT_RESULT_TYPE else thaw(data.get("value"))
        return Result(value, location, type=kind, fields=freeze(data, ""))

    @post_dump(pass_original=True)
    def complete(self, data: dict[str, Any], original: Result, **kwargs: Any) -> dict[str, Any]:
        """Add the type, its own fields and the version."""
        if original.type in _WITHOUT_LOCATION:
            data.pop("location")
        return {"type": original.type, **data, **thaw(original.fields), "__version__": WIRE_VERSION}


_schema = ResultSchema()


def _value_in(location: str | None) -> Any:
    try:
        return None if location is None else json.loads(location)
    except (ValueError, RecursionError):
        return None  # another of that type's serializers wrote it, the one for dates


def dump_result(result: Result) -> dict[str, Any]:
    """Write a result as JSON: what it is and where, and its value only if its type carries it.

    Args:
        result: the result.

    Returns:
        Plain dicts and lists, which belong to the caller.
    """
    if result is NoResult:
        return {"type": NO_RESULT_TYPE, "__version__": WIRE_VERSION}
    if result.type in KNOWN_TYPES:
        document: dict[str, Any] = _schema.dump(result)
        return document
    location = {} if result.location is None else {"location": result.location}
    return {"type": result.type, **location, **thaw(result.fields)}


def load_result(document: Any, path: str) -> Result:
    """Read a result.

    Args:
        document: the result's JSON; a value without a `type` is one that Prefect 0.3 or 0.4 wrote bare.
        path: where it stands, for the error.

    Returns:
        The result. One of a type that this version does not know keeps its fields as they are.

    Raises:
        StateSerializationError: it is not the JSON of a result.
    """
    kind = document.get("type") if isinstance(document, Mapping) else None
    if not isinstance(kind, str):
        return NoResult if document is None else Result.safe(document)
    if kind == NO_RESULT_TYPE and document.keys() <= {"type", "__version__"}:
        return NoResult
    with inside(path):
        result: Result = _schema.load(document) if kind in KNOWN_TYPES else _load_unknown(kind, document)
    return result


def _load_unknown(kind: str, document: Mapping[str, Any]) -> Result:
    fields: FrozenDict[Any] = freeze({name: document[name] for name in document if name != "type"}, "")
    location = fields.get("location")
    return Result(
        thaw(fields.get("value")), location if isinstance(location, str) else None, type=kind, fields=fields
    )


class ResultField(NullableField):
    """One result."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any]:
        return dump_result(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Result:
        return load_result(value, str(attr))


class ResultsField(NullableField):
    """Results by name. A bare value in place of one, as Prefect 0.3 wrote it, becomes a result."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any]:
        return {name: dump_result(result) for name, result in value.items()}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> FrozenDict[Result]:
        if not isinstance(value, Mapping):
            raise StateSerializationError(f"{attr}: {value!r:.60} is not an object", path=str(attr))
        return FrozenDict({name: load_result(result, f"{attr}.{name}") for name, result in value.items()})
