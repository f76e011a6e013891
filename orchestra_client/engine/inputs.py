"""What a task run gets from the runs it waits for: values, and one item of each list for the runs of a mapped task.

Pure, save that a value of an earlier process is loaded through the function that is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestra_client.engine.task_runs import TaskRun

if TYPE_CHECKING:
    from orchestra_client.flows import Edge, Task
    from orchestra_client.states import State

__all__ = ["Item", "Source", "collect_inputs", "item_inputs", "items_of", "upstream_states"]

Source = Callable[[TaskRun], Any]
"""Finds the value of a run, loading it where it must."""


class Item(NamedTuple):
    """One of the things that a task is mapped over.

    Attributes:
        state: of the run it came from.
        value: the item itself.
    """

    state: State
    value: Any


def upstream_states(edges: Iterable[Edge], runs: Mapping[Task, TaskRun]) -> dict[Edge, State]:
    """The state at the other end of each edge."""
    return {edge: runs[edge.upstream_task].state for edge in edges}


def collect_inputs(
    edges: Iterable[Edge], runs: Mapping[Task, TaskRun], constants: Mapping[str, Any], value_of: Source
) -> dict[str, Any]:
    """The arguments of a run that do not depend on its map index.

    Args:
        edges: those that end in the task.
        runs: the run of each task.
        constants: arguments that are plain values, by name.
        value_of: finds the value of a run.

    Returns:
        The values by name; those of mapped edges are left out.

    Raises:
        ResultError: a value cannot be loaded.
    """
    inputs = dict(constants)
    for edge in edges:
        if edge.key is not None and not edge.mapped:
            value = value_of(runs[edge.upstream_task])
            inputs[edge.key] = _flat(value) if edge.flattened else value
    return inputs


def items_of(edge: Edge, run: TaskRun, value_of: Source) -> list[Item] | None:
    """What a task is mapped over, along one edge.

    Args:
        edge: a mapped edge.
        run: at its upstream end.
        value_of: finds the value of a run.

    Returns:
        The items in order; None when there is no list to take them from.

    Raises:
        ResultError: a value cannot be loaded.
    """
    if run.children is not None:
        items = [Item(child.state, value_of(child)) for child in run.children]
    else:
        value = value_of(run) if run.state.is_successful() else None
        if not _is_list(value):
            return None
        items = [Item(run.state, each) for each in _items(value)]
    return list(chain.from_iterable(map(_flat_item, items))) if edge.flattened else items


def item_inputs(items: Mapping[Edge, Sequence[Item]], index: int) -> dict[str, Any]:
    """The arguments that one run of a mapped task gets of its own."""
    return {edge.key: each[index].value for edge, each in items.items() if edge.key is not None}


def _flat_item(item: Item) -> list[Item]:
    if not (item.state.is_successful() and _is_nested(item.value)):
        return [item]  # what failed stays one item, whose run its trigger stops
    return [Item(item.state, each) for each in _items(item.value)]


def _flat(value: Any) -> Any:
    if not _is_list(value):
        return value
    return list(chain.from_iterable(_items(each) if _is_nested(each) else [each] for each in _items(value)))


def _is_list(value: Any) -> bool:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, Mapping)


def _is_nested(value: Any) -> bool:
    # A list of texts is flat already.
    return _is_list(value) and not isinstance(value, str | bytes)


def _items(value: Any) -> list[Any]:
    return [value[index] for index in range(len(value))]
