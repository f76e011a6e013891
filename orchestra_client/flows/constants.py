"""The tasks that a flow makes for plain values: constants, and collections that have tasks among their items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.flows.edges import EdgeAnnotation
from orchestra_client.flows.tasks import Task

if TYPE_CHECKING:
    from orchestra_client.flows.builder import FlowBuilder

__all__ = ["Constant", "Dict", "List", "Set", "Tuple", "as_task"]

_SHORT = 8  # how long a value's text may be to serve as its task's name, as in Prefect 1.4


class Constant(Task):
    """A task that returns a value.

    Args:
        value: the value.
        name: unset means the value itself if that is short, else its type.
        settings: as for `Task`.
    """

    wire_type = "prefect.tasks.core.constants.Constant"

    def __init__(self, value: Any, name: str | None = None, **settings: Any) -> None:
        self.value = value
        super().__init__(name or _name_of(value), **settings)

    def run(self) -> Any:
        """The value."""
        return self.value


class _Collection(Task):
    """A task that collects results, which it gets as `arg_1`, `arg_2` and so on."""

    def bind(
        self,
        *args: Any,
        mapped: bool = False,
        upstream_tasks: Iterable[Any] | None = None,
        flow: FlowBuilder | None = None,
        **kwargs: Any,
    ) -> Self:
        """Put the task into a flow, bound to its items."""
        items = {f"arg_{number}": item for number, item in enumerate(args, 1)}
        return super().bind(mapped=mapped, upstream_tasks=upstream_tasks, flow=flow, **items, **kwargs)


class List(_Collection):
    """Collects results into a list."""

    wire_type = "prefect.tasks.core.collections.List"

    def run(self, **task_results: Any) -> list:  # type: ignore[type-arg]  # Prefect's JSON says just `list`
        """The results in the order of their arguments."""
        return _in_order(task_results)


class Tuple(_Collection):
    """Collects results into a tuple."""

    wire_type = "prefect.tasks.core.collections.Tuple"

    def run(self, **task_results: Any) -> tuple:  # type: ignore[type-arg]  # Prefect's JSON says just `tuple`
        """The results in the order of their arguments."""
        return tuple(_in_order(task_results))


class Set(_Collection):
    """Collects results into a set."""

    wire_type = "prefect.tasks.core.collections.Set"

    def run(self, **task_results: Any) -> set:  # type: ignore[type-arg]  # Prefect's JSON says just `set`
        """The distinct results."""
        return set(task_results.values())


class Dict(Task):
    """Collects results into a dict."""

    wire_type = "prefect.tasks.core.collections.Dict"

    def run(self, keys: Iterable[Any], values: Iterable[Any]) -> dict:  # type: ignore[type-arg]  # Prefect's JSON says just `dict`
        """The values by their keys."""
        return dict(zip(keys, values, strict=True))


def as_task(value: Any, flow: FlowBuilder) -> Task:
    """The task for anything that stands where a task belongs.

    Args:
        value: a task, which comes back as it is; or any value, with or without marks for its edge.
        flow: where the tasks for a collection and its items are put.

    Returns:
        A task that is not in the flow yet, save for that of a collection which has tasks among its items.
    """
    if isinstance(value, EdgeAnnotation):
        return as_task(value.value, flow)
    if isinstance(value, Task):
        return value
    task = Constant(value) if _is_constant(value) else _collect(value, flow)
    task.auto_generated = True
    return task


def _collect(value: Any, flow: FlowBuilder) -> Task:
    if isinstance(value, Mapping):
        return Dict().bind(keys=list(value), values=list(value.values()), flow=flow)
    if isinstance(value, set | frozenset):
        return Set().bind(*_sorted(value), flow=flow)
    return (List if isinstance(value, list) else Tuple)().bind(*value, flow=flow)


def _is_constant(value: Any) -> bool:
    if isinstance(value, Task | EdgeAnnotation):
        return False
    if isinstance(value, dict):
        return all(_is_constant(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return all(_is_constant(item) for item in value)
    return True


def _sorted(items: Iterable[Any]) -> list[Any]:
    """The items of a set in an order that is the same in every process: tasks as they were made, then the rest."""
    return sorted(
        items, key=lambda item: (0, item._serial, "") if isinstance(item, Task) else (1, 0, repr(item))
    )


def _name_of(value: Any) -> str:
    text = f"{{{', '.join(map(repr, _sorted(value)))}}}" if isinstance(value, set) and value else repr(value)
    return text if len(text) <= _SHORT else f"Constant[{type(value).__name__}]"


def _in_order(task_results: Mapping[str, Any]) -> list[Any]:
    return [
        task_results[name] for name in sorted(task_results, key=lambda name: int(name.removeprefix("arg_")))
    ]
