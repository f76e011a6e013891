"""Edges between tasks, and the marks an argument can carry that become part of its edge."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from orchestra_client.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.flows.tasks import Task

__all__ = ["Edge", "EdgeAnnotation", "flatten", "mapped", "unmapped"]


@dataclass(frozen=True, slots=True)
class Edge:
    """One task waits for another one, and may get its result.

    Immutable, hence safe to share. Two edges are equal when they join the very same tasks in the same way.

    Args:
        upstream_task: the one that runs first.
        downstream_task: the one that waits.
        key: the argument of the downstream task that gets the result; None for none.
        mapped: the downstream task runs once for each item of the result.
        flattened: the result is a list of lists, whose items count.

    Raises:
        FlowError: a task would wait for itself, or the key could not be an argument.
    """

    upstream_task: Task
    downstream_task: Task
    key: str | None = None
    mapped: bool = False
    flattened: bool = False

    def __post_init__(self) -> None:
        if self.upstream_task is self.downstream_task:
            raise FlowError(f"the task {self.upstream_task.name!r} cannot wait for itself")
        if self.key is not None and (not self.key.isidentifier() or keyword.iskeyword(self.key)):
            raise FlowError(f"{self.key!r} cannot be the name of an argument")

    @property
    def tasks(self) -> tuple[Task, Task]:
        """The upstream and the downstream task."""
        return self.upstream_task, self.downstream_task

    def __repr__(self) -> str:
        marks = "".join(f", {mark}" for mark in ("mapped", "flattened") if getattr(self, mark))
        arrow = f"{self.upstream_task.name!r} -> {self.downstream_task.name!r}"
        return f"<Edge: {arrow}, key={self.key!r}{marks}>"


class EdgeAnnotation:
    """An argument with marks for the edge it becomes. Marks can be nested: ``unmapped(flatten(x))``.

    Args:
        value: a task or any value.

    Attributes:
        value: the argument without its marks.
        marks: fields of the edge, by name.
    """

    own_marks: ClassVar[Mapping[str, bool]] = {}

    def __init__(self, value: Any) -> None:
        inner = value.marks if isinstance(value, EdgeAnnotation) else {}
        self.value: Any = value.value if isinstance(value, EdgeAnnotation) else value
        self.marks: dict[str, bool] = {**inner, **self.own_marks}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class mapped(EdgeAnnotation):  # noqa: N801 (used like a function)
    """Run the task once for each item of this argument."""

    own_marks = {"mapped": True}  # noqa: RUF012 (never changed)


class unmapped(EdgeAnnotation):  # noqa: N801 (used like a function)
    """In a mapped call, pass this argument whole to each run."""

    own_marks = {"mapped": False}  # noqa: RUF012 (never changed)


class flatten(EdgeAnnotation):  # noqa: N801 (used like a function)
    """This argument is a list of lists; pass, or map over, the items of all of them."""

    own_marks = {"flattened": True}  # noqa: RUF012 (never changed)
