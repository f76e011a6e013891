"""What the schemas of flows and schedules have in common: unknown fields that survive, one error, one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from orchestra_client.errors import FlowError
from orchestra_client.references import dump_reference, load_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Generic from marshmallow 4 on and not before, so at run time it is used without its parameter.
    _Field = fields.Field[Any]
else:
    _Field = fields.Field

__all__ = [
    "DocumentSchema",
    "FunctionField",
    "JSONValue",
    "Seconds",
    "in_order",
    "load_document",
    "split_extra",
]


class DocumentSchema(Schema):
    """The base of these schemas. Built once; safe to share between threads."""

    class Meta:
        """Fields of a newer peer come along."""

        unknown = INCLUDE


class JSONValue(_Field):
    """Any JSON value, as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)


class Seconds(_Field):
    """A number of seconds, whole where it can be: Prefect reads no fractions."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_none=True, **options)

    def _serialize(self, value: float | None, attr: str | None, obj: Any, **kwargs: Any) -> float | None:
        return value if value is None or value % 1 else int(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("not a number of seconds")
        return value


class FunctionField(_Field):
    """A function that travels by name.

    Args:
        known: functions and factories by their names in JSON.
        options: as for any marshmallow field.
    """

    def __init__(self, known: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        super().__init__(allow_none=True, **options)
        self._known = known

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> dict[str, Any] | None:
        return dump_reference(value, self._known)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Callable[..., Any] | None:
        try:
            return load_reference(value, self._known)
        except FlowError as error:
            raise ValidationError(str(error)) from None


def load_document(schema: Schema, document: Any, what: str) -> dict[str, Any]:
    """Read the fields of a document.

    Args:
        schema: what it is read by.
        document: the JSON.
        what: what it is meant to be, for the error.

    Returns:
        The fields by name.

    Raises:
        FlowError: it does not fit; the error names the first place where it does not.
    """
    try:
        values: dict[str, Any] = schema.load(document)
    except ValidationError as error:
        raise FlowError(f"this is not the JSON of {what}: {_first(error.messages)}") from None
    return values


def _first(messages: Any) -> str:
    """The first complaint of a marshmallow error, after its path."""
    path = ""
    while isinstance(messages, dict):
        key, messages = next(iter(messages.items()))
        path += f"[{key}]" if isinstance(key, int) else f".{key}"
    complaint = messages[0] if isinstance(messages, list) and messages else messages
    return f"{path.removeprefix('.').removeprefix('_schema')}: {complaint}".removeprefix(": ")


def split_extra(values: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Take out of `values` and return what a newer peer added: neither a field of the schema nor its frame."""
    names = [name for name in values if name not in known]
    extra = {name: values.pop(name) for name in names}
    return {name: value for name, value in extra.items() if name not in ("type", "__version__")}


def in_order(value: Any) -> Any:
    """A copy of a JSON value whose objects have their keys in alphabetical order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [in_order(item) for item in value]
    return value
