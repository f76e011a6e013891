"""The signatures of tasks' `run`: what is refused, how arguments are bound, how they are described in JSON."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError
from orchestra_client.references import steady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["accepts", "bind_arguments", "check_signature", "count_outputs", "inputs_of", "outputs_of"]

RESERVED = ("upstream_tasks", "mapped", "task_args", "flow")
"""Arguments of the call of a task itself, which its `run` therefore cannot have."""


def check_signature(run: Callable[..., Any], name: str) -> None:
    """Refuse a function that cannot be a task's `run`.

    Raises:
        FlowError: its arguments cannot all be passed by name, or have the names of a call's own arguments.
    """
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        raise FlowError(
            f"the task {name!r} has a function whose arguments cannot be found out; wrap it in one of your own"
        ) from None
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise FlowError(
                f"the task {name!r} cannot have *{parameter.name}, for arguments are passed by name; "
                f"take a list, or **{parameter.name}"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise FlowError(
                f"the task {name!r} cannot have the positional-only argument {parameter.name!r}, "
                "for arguments are passed by name"
            )
        if parameter.name in RESERVED:
            raise FlowError(
                f"the task {name!r} cannot have an argument {parameter.name!r}, which the call of a task has itself"
            )


def bind_arguments(
    run: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of a call by name.

    Raises:
        FlowError: they do not fit the signature.
    """
    signature = inspect.signature(run)
    try:
        arguments = dict(signature.bind(*args, **kwargs).arguments)
    except TypeError as error:
        raise FlowError(f"the task {name!r} takes {signature}: {error}") from None
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(parameter.name, {}))
    return arguments


def accepts(run: Callable[..., Any], key: str) -> bool:
    """Whether a task's `run` has an argument of this name."""
    parameters = inspect.signature(run).parameters
    return key in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def inputs_of(run: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """The arguments of a task's `run`.

    Returns:
        For each by name: its `type` (a text), whether it is `required`, and its `default`.
    """
    hints = _hints(run)
    return {
        name: {
            "type": _text(hints.get(name, parameter.annotation)),
            "required": parameter.default is parameter.empty,
            "default": None if parameter.default is parameter.empty else parameter.default,
        }
        for name, parameter in inspect.signature(run).parameters.items()
    }


def outputs_of(run: Callable[..., Any]) -> str:
    """What a task's `run` says that it returns, as a text."""
    return _text(_hints(run).get("return", inspect.signature(run).return_annotation))


def count_outputs(run: Callable[..., Any]) -> int | None:
    """How many values a task's `run` returns, when its annotation is a tuple of a fixed length; else None."""
    returned = _hints(run).get("return")
    items = typing.get_args(returned)
    if typing.get_origin(returned) is not tuple or Ellipsis in items:
        return None
    return len(items)


def _hints(run: Callable[..., Any]) -> dict[str, Any]:
    """The annotations that can be found out; the same with and without ``from __future__ import annotations``."""
    try:
        return typing.get_type_hints(inspect.unwrap(run), include_extras=True)
    except Exception:  # noqa: BLE001 (an annotation may be any expression)
        return {}


def _text(annotation: Any) -> str:
    """An annotation as a text that is the same in every process."""
    if annotation is inspect.Signature.empty:
        return "typing.Any"
    return "None" if annotation is type(None) else steady(str(annotation))
