"""The JSON of states: one schema for each class, chosen by `type`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import INCLUDE, Schema, post_dump, post_load

from orchestra_client import states
from orchestra_client.errors import StateSerializationError
from orchestra_client.schemas.fields import CheckedField, JSONObject, Moment, NullableField, inside
from orchestra_client.schemas.legacy import is_legacy, upgrade
from orchestra_client.schemas.results import ResultField, ResultsField, load_result
from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states.base import as_count, as_message, as_texts
from orchestra_client.states.frozen import EMPTY, FrozenDict, freeze, thaw
from orchestra_client.states.hierarchy import canonical_name
from orchestra_client.states.results import NoResult

__all__ = ["MAX_NESTED_STATES", "SCHEMAS", "StateSchema", "dump_state", "load_state"]

MAX_NESTED_STATES = 32
"""How many states may stand around one another. We never write more than two; Prefect 0.12 did."""

_NOT_FIELDS = frozenset({"type", "__version__"})


class StateField(NullableField):
    """The state inside a meta state."""

    def _serialize(self, value: states.State | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else dump_state(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> states.State:
        with inside(str(attr)):
            return _load(value)


class StateSchema(Schema):
    """What all states have in common. Built once; safe to share between threads.

    Attributes:
        state_class: the class whose states it reads and writes.
        not_in_json: values for those of the class's fields that do not travel.
    """

    state_class: ClassVar[type[states.State]] = states.State
    not_in_json: ClassVar[Mapping[str, Any]] = {}

    class Meta:
        """Fields of a newer peer come along."""

        unknown = INCLUDE

    message = CheckedField(as_message, load_default=None)
    context = JSONObject(load_default=EMPTY)
    cached_inputs = ResultsField(load_default=EMPTY)
    _result = ResultField(load_default=NoResult)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> states.State:
        """Make the state; null is the same as nothing, and what is no field of ours is kept for the way back."""
        values = {name: field.load_default for name, field in self.fields.items()}
        extra = {}
        for name, value in data.items():
            if name not in values:
                extra[name] = value
            elif value is not None:
                values[name] = value
        return self.state_class.restore(
            {
                **values,
                **self.not_in_json,
                "extra_fields": _extra_fields(extra),
                "type_name": self.state_class.__name__,
            }
        )

    @post_dump(pass_original=True)
    def complete(self, data: dict[str, Any], original: states.State, **kwargs: Any) -> dict[str, Any]:
        """Add the type, a newer peer's fields and the version."""
        document = {"type": original.type_name, **data, "__version__": WIRE_VERSION}
        return document | thaw(original.extra_fields) if original.extra_fields else document


def _extra_fields(extra: dict[str, Any]) -> FrozenDict[Any]:
    if extra.keys() <= _NOT_FIELDS:
        return EMPTY
    frozen: FrozenDict[Any] = freeze({name: extra[name] for name in extra if name not in _NOT_FIELDS}, "")
    return frozen


class PendingSchema(StateSchema):
    """`Pending`."""

    state_class: ClassVar[type[states.State]] = states.Pending


class ScheduledSchema(PendingSchema):
    """`Scheduled`."""

    state_class = states.Scheduled
    start_time = Moment(load_default=None)


class PausedSchema(ScheduledSchema):
    """`Paused`."""

    state_class = states.Paused


class ResumeSchema(ScheduledSchema):
    """`Resume`."""

    state_class = states.Resume


class RetryingSchema(ScheduledSchema):
    """`Retrying`."""

    state_class = states.Retrying
    run_count = CheckedField(as_count, load_default=1)


class RunningSchema(StateSchema):
    """`Running`."""

    state_class = states.Running


class CancellingSchema(RunningSchema):
    """`Cancelling`."""

    state_class = states.Cancelling


class FinishedSchema(StateSchema):
    """`Finished`."""

    state_class: ClassVar[type[states.State]] = states.Finished


class LoopedSchema(FinishedSchema):
    """`Looped`."""

    state_class = states.Looped
    loop_count = CheckedField(as_count, load_default=1)


class CancelledSchema(FinishedSchema):
    """`Cancelled`."""

    state_class = states.Cancelled


class SuccessSchema(FinishedSchema):
    """`Success`."""

    state_class: ClassVar[type[states.State]] = states.Success


class CachedSchema(SuccessSchema):
    """`Cached`."""

    state_class = states.Cached
    cached_parameters = JSONObject(load_default=None)
    cached_result_expiration = Moment(load_default=None)
    hashed_inputs = JSONObject(as_texts, load_default=None)


class MappedSchema(SuccessSchema):
    """`Mapped`, whose result and states stay with the runs it stands for."""

    state_class = states.Mapped
    not_in_json: ClassVar[Mapping[str, Any]] = {"_result": NoResult, "map_states": ()}
    n_map_states = CheckedField(as_count, load_default=0)

    class Meta(StateSchema.Meta):
        """Prefect leaves the result out as well."""

        exclude = ("_result",)


class SkippedSchema(SuccessSchema):
    """`Skipped`."""

    state_class = states.Skipped


class FailedSchema(FinishedSchema):
    """`Failed`."""

    state_class = states.Failed


class TimedOutSchema(FailedSchema):
    """`TimedOut`."""

    state_class = states.TimedOut


class TriggerFailedSchema(FailedSchema):
    """`TriggerFailed`."""

    state_class = states.TriggerFailed


class ValidationFailedSchema(FailedSchema):
    """`ValidationFailed`."""

    state_class = states.ValidationFailed


class MetaStateSchema(StateSchema):
    """What the states around another state have in common."""

    state = StateField(load_default=None)


class ClientFailedSchema(MetaStateSchema):
    """`ClientFailed`."""

    state_class = states.ClientFailed


class SubmittedSchema(MetaStateSchema):
    """`Submitted`."""

    state_class = states.Submitted


class QueuedSchema(MetaStateSchema):
    """`Queued`."""

    state_class = states.Queued
    start_time = Moment(load_default=None)


def _schemas(base: type[StateSchema]) -> list[type[StateSchema]]:
    return [base, *(schema for child in base.__subclasses__() for schema in _schemas(child))]


SCHEMAS: Mapping[str, StateSchema] = {
    schema.state_class.__name__: schema()
    for schema in _schemas(StateSchema)
    if schema.state_class is not states.State
}
"""The one schema of each state class, by the class's name."""


def dump_state(state: states.State) -> dict[str, Any]:
    """Write a state as JSON; see :meth:`State.serialize <orchestra_client.states.State.serialize>`.

    Args:
        state: the state. A user's own subclass is written as the class of ours that it derives from.

    Returns:
        Plain dicts and lists, which belong to the caller.

    Raises:
        StateSerializationError: it is a bare `State`, which has no type on the wire.
    """
    schema = SCHEMAS.get(state.type_name)
    if schema is not None:
        document: dict[str, Any] = schema.dump(state)
        return document
    if not state.extra_fields:
        raise StateSerializationError("type: a bare State has none; use one of its subclasses", path="type")
    unknown: dict[str, Any] = thaw(state.extra_fields)
    return unknown


def load_state(document: Mapping[str, Any]) -> states.State:
    """Read a state; see :meth:`State.deserialize <orchestra_client.states.State.deserialize>`.

    Args:
        document: the state's JSON. It is not changed.

    Returns:
        The state; a plain `State` for a type that this version does not know.

    Raises:
        StateSerializationError: it is not the JSON of a state; the error names the path.
    """
    inner: Any = document
    for _ in range(MAX_NESTED_STATES):
        inner = inner.get("state") if isinstance(inner, Mapping) else None
        if inner is None:
            return _load(document)
    raise StateSerializationError(
        f"state: more than {MAX_NESTED_STATES} states inside one another", path="state"
    )


def _load(document: Any) -> states.State:
    if not isinstance(document, Mapping):
        raise StateSerializationError(
            f"type: {document!r:.60} is not a state, which is an object", path="type"
        )
    kind = document.get("type")
    if not isinstance(kind, str):
        raise StateSerializationError(f"type: {kind!r:.60} is not the name of a state's type", path="type")
    schema = SCHEMAS.get(canonical_name(kind))
    if schema is None:
        return _load_unknown(kind, document)
    state: states.State = schema.load(upgrade(document) if is_legacy(document) else document)
    return state


def _load_unknown(kind: str, document: Mapping[str, Any]) -> states.State:
    kept: FrozenDict[Any] = freeze(document, "")
    message, context, inputs = kept.get("message"), kept.get("context"), kept.get("cached_inputs")
    return states.State.restore(
        {
            "message": message if isinstance(message, str) else None,
            "_result": load_result(thaw(kept.get("_result")), "_result"),
            "context": context if isinstance(context, dict) else EMPTY,
            "cached_inputs": FrozenDict(
                {name: load_result(thaw(value), name) for name, value in inputs.items()}
                if isinstance(inputs, dict)
                else {}
            ),
            "extra_fields": kept,
            "type_name": kind,
        }
    )
