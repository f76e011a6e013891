"""The JSON of tasks and parameters."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from marshmallow import fields

from orchestra_client.errors import FlowError
from orchestra_client.flows.cache_validators import CACHE_VALIDATORS, never_use
from orchestra_client.flows.parameter import Parameter
from orchestra_client.flows.tasks import Task
from orchestra_client.flows.triggers import TRIGGERS, all_successful
from orchestra_client.references import describe
from orchestra_client.schemas.documents import (
    DocumentSchema,
    FunctionField,
    JSONValue,
    Seconds,
    load_document,
    split_extra,
)
from orchestra_client.schemas.results import dump_result, load_result
from orchestra_client.schemas.version import WIRE_VERSION
from orchestra_client.states import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["PlaceholderParameter", "PlaceholderTask", "dump_parameter", "dump_task", "load_task"]


class _Placeholder(Task):
    """A task that was read from JSON: everything but what it runs.

    Attributes:
        document_type: its `type` in JSON.
        extra_fields: JSON fields of a newer peer, written back as they came.
    """

    document_type: str
    document_inputs: Any
    document_outputs: Any
    extra_fields: Mapping[str, Any]

    def run(self, **inputs: Any) -> NoReturn:
        """Refuse."""
        raise FlowError(
            f"the task {self.name!r} was read from JSON, without its code; load the flow from its storage to run it"
        )

    def inputs(self) -> dict[str, dict[str, Any]]:
        """The arguments of the code it stands for."""
        inputs: dict[str, dict[str, Any]] = self.document_inputs
        return inputs

    def outputs(self) -> str:
        """What the code it stands for says that it returns."""
        outputs: str = self.document_outputs
        return outputs

    def type_name(self) -> str:
        """What kind of task it stands for."""
        return self.document_type


class PlaceholderTask(_Placeholder):
    """A task that was read from JSON: everything but what it runs."""


class PlaceholderParameter(_Placeholder, Parameter):
    """A parameter that was read from JSON."""

    parameter_fields: Mapping[str, Any]


class TaskSchema(DocumentSchema):
    """`Task`. The last fields are ours alone, and only written where they say something."""

    type = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    slug = fields.String(required=True)
    tags = fields.List(fields.String(), allow_none=True)
    max_retries = fields.Integer(allow_none=True)
    retry_delay = Seconds()
    timeout = Seconds()
    trigger = FunctionField(TRIGGERS)
    skip_on_upstream_skip = fields.Boolean(allow_none=True)
    cache_for = Seconds()
    cache_key = fields.String(allow_none=True)
    cache_validator = FunctionField(CACHE_VALIDATORS)
    auto_generated = fields.Boolean(allow_none=True)
    inputs = JSONValue()
    outputs = JSONValue()
    retry_backoff = fields.Float()
    retry_jitter = fields.Float()
    retry_on = fields.List(fields.String())
    checkpoint = fields.Boolean()
    target = fields.String()
    task_run_name = fields.String()
    log_stdout = fields.Boolean()
    nout = fields.Integer()
    result = JSONValue()


class ParameterSchema(DocumentSchema):
    """`Parameter`, as the list of parameters has it besides the list of tasks."""

    type = fields.String(allow_none=True)
    name = fields.String(required=True)
    slug = fields.String(allow_none=True)
    default = JSONValue()
    required = fields.Boolean(allow_none=True)
    tags = fields.List(fields.String(), allow_none=True)
    outputs = JSONValue()


_task, _parameter = TaskSchema(), ParameterSchema()

_OURS: Mapping[str, Any] = {
    "retry_backoff": 1,
    "retry_jitter": 0,
    "retry_on": None,
    "checkpoint": None,
    "target": None,
    "task_run_name": None,
    "log_stdout": False,
    "nout": None,
    "result": None,
}
"""Our own fields and the values that are left out, so that what Prefect wrote is written back as it was."""


def dump_task(task: Task, slug: str) -> dict[str, Any]:
    """Write a task.

    Args:
        task: the task.
        slug: its slug in the flow.

    Returns:
        Plain dicts and lists.
    """
    values = {name: getattr(task, name) for name in _task.fields if name not in ("type", "inputs", "outputs")}
    values |= {"slug": slug, "type": task.type_name(), "outputs": task.outputs(), "tags": sorted(task.tags)}
    values["inputs"] = {
        name: {"type": each["type"], "required": each["required"]} for name, each in task.inputs().items()
    }
    for name in ("retry_delay", "cache_for"):
        values[name] = _seconds(values[name])
    for name in ("target", "task_run_name"):
        values[name] = describe(values[name]) if callable(values[name]) else values[name]
    values["retry_on"] = _names(values["retry_on"])
    values["result"] = _dump_result(values["result"])
    if isinstance(task, Parameter):
        values["checkpoint"] = None  # every parameter has the same
    written = {name: value for name, value in values.items() if name not in _OURS or value != _OURS[name]}
    return {**_task.dump(written), **getattr(task, "extra_fields", {}), "__version__": WIRE_VERSION}


def dump_parameter(parameter: Parameter, slug: str) -> dict[str, Any]:
    """Write a parameter for the list of parameters.

    Returns:
        Plain dicts and lists.
    """
    values = {
        "type": parameter.type_name(),
        "name": parameter.name,
        "slug": slug,
        "default": parameter.default,
        "required": parameter.required,
        "tags": sorted(parameter.tags),
        "outputs": parameter.outputs(),
    }
    return {
        **_parameter.dump(values),
        **getattr(parameter, "parameter_fields", {}),
        "__version__": WIRE_VERSION,
    }


def load_task(document: Any, parameters: Mapping[str, Any], path: str) -> Task:
    """Read a task.

    Args:
        document: the task's JSON.
        parameters: the JSON of the flow's parameters, by slug.
        path: where it stands, for errors.

    Returns:
        A placeholder; a parameter where one of that slug is among `parameters`.

    Raises:
        FlowError: it is not the JSON of a task.
    """
    values = load_document(_task, document, f"a flow, at {path}")
    extra = split_extra(values, _task.fields)
    values["name"] = values.get("name") or values["slug"]
    parameter = parameters.get(values["slug"])
    task: PlaceholderTask | PlaceholderParameter = (
        PlaceholderTask(values["name"]) if parameter is None else _load_parameter(parameter, values["slug"])
    )
    for name in ("type", "inputs", "outputs"):
        setattr(task, f"document_{name}", values.pop(name, None))
    task.document_inputs = task.document_inputs or {}
    task.extra_fields = extra
    _restore(task, values)
    return task


def _load_parameter(document: Any, slug: str) -> PlaceholderParameter:
    values = load_document(_parameter, document, f"a flow, at the parameter {slug!r}")
    extra = split_extra(values, _parameter.fields)
    parameter = PlaceholderParameter(values["name"], values.get("default"), bool(values.get("required")))
    parameter.parameter_fields = extra
    return parameter


def _restore(task: Task, values: dict[str, Any]) -> None:
    """Give a placeholder its settings, unchecked: a peer may allow what we do not."""
    values["tags"] = set(values.get("tags") or ())
    values["max_retries"] = values.get("max_retries") or 0
    values["trigger"] = values.get("trigger") or all_successful
    values["cache_validator"] = values.get("cache_validator") or never_use
    values["auto_generated"] = bool(values.get("auto_generated"))
    if values.get("skip_on_upstream_skip") is None:
        values["skip_on_upstream_skip"] = True
    for name in ("retry_delay", "cache_for"):
        seconds = values.get(name)
        values[name] = None if seconds is None else timedelta(seconds=seconds)
    if "result" in values:
        values["result"] = load_result(values["result"], "result")
    for name, value in values.items():
        setattr(task, name, value)


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _names(exceptions: Iterable[Any] | None) -> list[str] | None:
    """The exceptions' names; in a placeholder they are names already."""
    return (
        None if exceptions is None else sorted(e if isinstance(e, str) else describe(e) for e in exceptions)
    )


def _dump_result(result: Any) -> dict[str, Any] | None:
    """A result's JSON: its own if it has one, else the name of its class."""
    if result is None or isinstance(result, dict):
        return result
    if isinstance(result, Result):
        return dump_result(result)
    serialize: Callable[[], dict[str, Any]] | None = getattr(result, "serialize", None)
    return serialize() if serialize else {"type": describe(type(result))}
