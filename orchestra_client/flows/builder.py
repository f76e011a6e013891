"""Writing a flow: adding tasks and edges, checking each before anything changes."""

from __future__ import annotations

import itertools
import weakref
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError
from orchestra_client.flows import signatures
from orchestra_client.flows.constants import Constant, as_task
from orchestra_client.flows.edges import Edge, EdgeAnnotation
from orchestra_client.flows.graph import TaskGraph
from orchestra_client.flows.parameter import Parameter
from orchestra_client.flows.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Mapping

__all__ = ["FlowBuilder"]


class FlowBuilder(TaskGraph):
    """A graph that tasks and values are added to. Change it from one thread at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._reference_tasks: dict[Task, None] = {}

    def add_task(self, task: Task) -> Task:
        """Add a task; one that is in the flow already stays as it is.

        Returns:
            The task.

        Raises:
            TypeError: it is no task.
            FlowError: its slug is taken.
        """
        if not isinstance(task, Task):
            raise TypeError(
                f"a flow consists of tasks, not of {type(task).__name__}; make one with @task"
                if callable(task)
                else f"a flow consists of tasks, not of {task!r:.60}"
            )
        self._insert_task(task)
        return task

    def add_edge(
        self,
        upstream_task: Any,
        downstream_task: Any,
        key: str | None = None,
        *,
        mapped: bool = False,
        flattened: bool = False,
    ) -> Edge:
        """Let a task wait for another one.

        Args:
            upstream_task: the one that runs first, or any value.
            downstream_task: the one that waits.
            key: its argument that gets the result; unset means none.
            mapped: whether it runs once for each item of the result.
            flattened: whether the result is a list of lists, whose items count.

        Returns:
            The edge. A plain value for a key becomes one of the flow's constants and no edge of the graph.

        Raises:
            FlowError: the flow cannot have this edge; it has not changed then.
        """
        marks = {"mapped": mapped, "flattened": flattened}
        for end in (upstream_task, downstream_task):
            marks |= end.marks if isinstance(end, EdgeAnnotation) else {}
        edge = Edge(as_task(upstream_task, self), as_task(downstream_task, self), key, **marks)
        self._check(edge)
        self._add(edge)
        return edge

    def _check(self, edge: Edge) -> None:
        task, key = edge.downstream_task, edge.key
        if isinstance(task, Parameter):
            raise FlowError(f"the parameter {task.name!r} cannot wait for a task")
        if key is not None and not signatures.accepts(task.run, key):
            raise FlowError(f"the task {task.name!r} has no argument {key!r}")
        if task in self.tasks:
            keys = {each.key for each in self.edges_to(task)} | self.constants.get(task, {}).keys()
            if key is not None and key in keys:
                raise FlowError(
                    f"the argument {key!r} of the task {task.name!r} is set already; call the task, rather than bind it, "
                    "to have another copy"
                )
            self._check_acyclic(edge)

    def _add(self, edge: Edge) -> None:
        upstream, task = edge.upstream_task, edge.downstream_task
        task._home = weakref.ref(self)
        if isinstance(upstream, Constant) and edge.key and not edge.mapped and not edge.flattened:
            self.add_task(task)
            self.constants.setdefault(task, {})[edge.key] = upstream.value
            return
        self.add_task(upstream)
        self.add_task(task)
        self._insert_edge(edge)

    def restore_edge(self, edge: Edge) -> None:
        """Add an edge between tasks of the flow as it was once checked elsewhere."""
        self._insert_edge(edge)

    def set_dependencies(
        self,
        task: Any,
        *,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable[Any] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
    ) -> None:
        """Add a task with the edges around it.

        Args:
            task: the task.
            upstream_tasks: tasks that it waits for.
            downstream_tasks: tasks that wait for it.
            keyword_tasks: tasks or values for its arguments, by name.
            mapped: whether the edges that end in it are mapped, unless marked otherwise.

        Raises:
            FlowError: the flow cannot have these edges, or a task among them is bound in another flow.
        """
        task = as_task(task, self)
        for each in (task, *(upstream_tasks or ()), *(keyword_tasks or {}).values()):
            self._check_home(each)
        self.add_task(task)
        for upstream in upstream_tasks or ():
            self.add_edge(upstream, task, mapped=mapped)
        for downstream in downstream_tasks or ():
            self.add_edge(task, downstream)
        for key, value in (keyword_tasks or {}).items():
            self.add_edge(value, task, key, mapped=mapped)

    def _check_home(self, value: Any) -> None:
        """Refuse a task that would leave what it waits for behind in another flow."""
        task = value.value if isinstance(value, EdgeAnnotation) else value
        home = task._home() if isinstance(task, Task) and task._home else None
        if home is not None and home is not self and task not in self.tasks:
            raise FlowError(
                f"the task {task.name!r} is bound in the flow {home.name!r} and would come without what it waits for; "
                f"call it again in {self.name!r}, or merge the flows with update()"
            )

    def chain(self, *tasks: Task) -> list[Edge]:
        """Let each of the tasks wait for the one before it.

        Returns:
            The edges.
        """
        return [self.add_edge(first, second) for first, second in itertools.pairwise(tasks)]

    def parameters(self) -> KeysView[Parameter]:
        """The flow's parameters."""
        return dict.fromkeys(task for task in self.tasks if isinstance(task, Parameter)).keys()

    def reference_tasks(self) -> KeysView[Task]:
        """The tasks whose states decide that of a run: those that were set, else the terminal ones."""
        return self._reference_tasks.keys() or self.terminal_tasks()

    def chosen_reference_tasks(self) -> KeysView[Task]:
        """The tasks that were set as reference tasks; none when the terminal ones serve."""
        return self._reference_tasks.keys()

    def set_reference_tasks(self, tasks: Iterable[Task]) -> None:
        """Let these tasks decide whether a run succeeded.

        Args:
            tasks: tasks of the flow; none means the terminal ones.

        Raises:
            FlowError: one is not in the flow.
        """
        self._reference_tasks = dict.fromkeys(self._member(task) for task in tasks)

    def update(self, flow: FlowBuilder, *, merge_parameters: bool = False) -> None:
        """Add everything of another flow: tasks, edges and constants.

        Args:
            flow: the other one, which does not change.
            merge_parameters: whether parameters of one name become one, that of this flow; else they are an error.

        Raises:
            FlowError: a slug is in both.
        """
        own = {parameter.name: parameter for parameter in self.parameters()} if merge_parameters else {}
        same = {each: own[each.name] for each in flow.parameters() if each.name in own}
        for task in flow.tasks:
            self.add_task(same.get(task, task))  # type: ignore[call-overload]  # a task that is no parameter is no key
        for edge in flow.edges:
            upstream = same.get(edge.upstream_task, edge.upstream_task)  # type: ignore[call-overload]  # likewise
            self._add(Edge(upstream, edge.downstream_task, edge.key, edge.mapped, edge.flattened))
        for task, constants in flow.constants.items():
            task._home = weakref.ref(self)
            self.constants.setdefault(task, {}).update(constants)

    def replace(self, old: Task, new: Any) -> None:
        """Put a task in the place of another one, with all its edges.

        Args:
            old: a task of the flow.
            new: the other one, or any value.

        Raises:
            FlowError: `old` is not in the flow.
        """
        edges = [*self.edges_to(old), *self.edges_from(old)]
        for edge in edges:
            self._remove_edge(edge)
        self._remove_task(old)
        task = self.add_task(as_task(new, self))
        if old in self.constants:
            self.constants[task] = self.constants.pop(old)
        for edge in edges:
            upstream, downstream = (task if end is old else end for end in edge.tasks)
            self._add(Edge(upstream, downstream, edge.key, edge.mapped, edge.flattened))
        self._reference_tasks = {task if each is old else each: None for each in self._reference_tasks}
        self.sorted_tasks()
