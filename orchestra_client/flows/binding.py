"""How a task becomes part of a flow: by being called, bound, mapped, or made to wait for another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.errors import FlowError
from orchestra_client.flows import signatures
from orchestra_client.flows.edges import EdgeAnnotation
from orchestra_client.flows.operators import TaskOperators
from orchestra_client.flows.scope import active_flow, active_tags

if TYPE_CHECKING:
    from orchestra_client.flows.builder import FlowBuilder
    from orchestra_client.flows.tasks import Task

__all__ = ["TaskBinding"]


class TaskBinding(TaskOperators):
    """What a task does to become part of a flow. Its methods change that flow: use them from one thread at a time."""

    name: str
    tags: set[str]
    run: Callable[..., Any]

    def copy(self, **task_args: Any) -> Self:
        """A copy that is part of no flow, with some attributes changed."""
        raise NotImplementedError

    def __call__(
        self,
        *args: Any,
        mapped: bool = False,
        task_args: Mapping[str, Any] | None = None,
        upstream_tasks: Iterable[Any] | None = None,
        flow: FlowBuilder | None = None,
        **kwargs: Any,
    ) -> Self:
        """Put a copy of the task into a flow, bound to arguments.

        Args:
            args: arguments of `run`: tasks, whose results it gets, or any other values.
            mapped: whether it runs once for each item of the arguments; see `map`.
            task_args: attributes to change in the copy, by name.
            upstream_tasks: tasks to wait for without getting their results.
            flow: the flow; unset means that of the ``with`` block.
            kwargs: arguments of `run` by name.

        Returns:
            The copy.

        Raises:
            FlowError: there is no flow, or the arguments do not fit.
        """
        new = self.copy(**(task_args or {}))
        return new.bind(*args, mapped=mapped, upstream_tasks=upstream_tasks, flow=flow, **kwargs)

    def bind(
        self,
        *args: Any,
        mapped: bool = False,
        upstream_tasks: Iterable[Any] | None = None,
        flow: FlowBuilder | None = None,
        **kwargs: Any,
    ) -> Self:
        """Put the task itself, and no copy, into a flow; arguments as for a call.

        Returns:
            The task.

        Raises:
            FlowError: there is no flow, the arguments do not fit, or the task is bound in this flow already.
        """
        arguments = signatures.bind_arguments(self.run, self.name, args, kwargs)
        upstream = None if upstream_tasks is None else list(upstream_tasks)
        if mapped:
            _check_mapped(self.name, [*arguments.values(), *(upstream or ())])
        self.set_dependencies(flow, upstream_tasks=upstream, keyword_tasks=arguments, mapped=mapped)
        self.tags |= active_tags()
        return self

    def map(
        self,
        *args: Any,
        task_args: Mapping[str, Any] | None = None,
        upstream_tasks: Iterable[Any] | None = None,
        flow: FlowBuilder | None = None,
        **kwargs: Any,
    ) -> Self:
        """Put a copy of the task into a flow that runs once for each item of its arguments, side by side.

        Args:
            args: arguments of `run`: tasks that return lists, or lists; `unmapped(x)` is passed whole to each run,
                and `flatten(x)` is a list of lists.
            task_args: as for a call.
            upstream_tasks: as for a call; each run waits for its counterpart.
            flow: as for a call.
            kwargs: arguments of `run` by name.

        Returns:
            The copy.

        Raises:
            FlowError: as for a call, or nothing is mapped, or something is no list.
        """
        new = self.copy(**{"nout": None, **(task_args or {})})
        return new.bind(*args, mapped=True, upstream_tasks=upstream_tasks, flow=flow, **kwargs)

    def set_dependencies(
        self,
        flow: FlowBuilder | None = None,
        *,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable[Any] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
    ) -> Self:
        """Let the task wait for others, and others for it; see `Flow.set_dependencies`.

        Returns:
            The task.

        Raises:
            FlowError: there is no flow, or it cannot have these edges.
        """
        flow = flow or active_flow()
        if flow is None:
            raise FlowError(
                f"the task {self.name!r} was used outside of a flow; do it within `with Flow(…)`, pass flow=…, or call "
                "its run() to run it right here"
            )
        flow.set_dependencies(
            self,
            upstream_tasks=upstream_tasks,
            downstream_tasks=downstream_tasks,
            keyword_tasks=keyword_tasks,
            mapped=mapped,
        )
        return self

    def set_upstream(
        self, task: Any, flow: FlowBuilder | None = None, *, key: str | None = None, mapped: bool = False
    ) -> Self:
        """Let the task wait for another one.

        Args:
            task: the other one, or any value.
            flow: the flow; unset means that of the ``with`` block.
            key: the argument that gets its result; unset means none.
            mapped: whether the task runs once for each item of the result.

        Returns:
            The task.
        """
        if key is None:
            return self.set_dependencies(flow, upstream_tasks=[task], mapped=mapped)
        return self.set_dependencies(flow, keyword_tasks={key: task}, mapped=mapped)

    def set_downstream(
        self, task: Task, flow: FlowBuilder | None = None, *, key: str | None = None, mapped: bool = False
    ) -> Self:
        """Let another task wait for this one; arguments as for `set_upstream`.

        Returns:
            This task.
        """
        task.set_upstream(self, flow, key=key, mapped=mapped)
        return self


def _check_mapped(name: str, arguments: Iterable[Any]) -> None:
    """Refuse to map over nothing, or over what is no list."""
    values = [each for each in arguments if not _is_unmapped(each)]
    if not values:
        raise FlowError(
            f"the task {name!r} is mapped over nothing: give map() an argument that is not unmapped"
        )
    for value in values:
        bare = value.value if isinstance(value, EdgeAnnotation) else value
        is_list = hasattr(bare, "__getitem__") and hasattr(bare, "__len__") and not isinstance(bare, Mapping)
        if not isinstance(bare, TaskBinding) and not is_list:
            raise FlowError(
                f"the task {name!r} cannot be mapped over {bare!r:.60}, which is no list; use unmapped(…) to pass it "
                "to each run"
            )


def _is_unmapped(value: Any) -> bool:
    return isinstance(value, EdgeAnnotation) and value.marks.get("mapped") is False
