"""Tasks and edges, and what follows from them: order, neighbours, roots, ends, slugs."""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Iterable, KeysView, Mapping

    from orchestra_client.flows.edges import Edge
    from orchestra_client.flows.tasks import Task

__all__ = ["TaskGraph"]


class TaskGraph:
    """A directed graph of tasks without cycles.

    All its sets are ordered: they keep the order in which tasks and edges were added, so that everything that
    follows from them is the same in every process. Change it from one thread at a time.

    Attributes:
        constants: arguments that are plain values, by task and name.
    """

    name: str

    def __init__(self) -> None:
        self.constants: dict[Task, dict[str, Any]] = {}
        self._slugs: dict[Task, str] = {}
        self._tasks: dict[str, Task] = {}
        self._numbers: dict[str, int] = {}
        self._edges: dict[Edge, None] = {}
        self._upstream: dict[Task, dict[Edge, None]] = {}
        self._downstream: dict[Task, dict[Edge, None]] = {}

    @property
    def tasks(self) -> KeysView[Task]:
        """The tasks, as a read-only set in the order they were added."""
        return self._slugs.keys()

    @property
    def edges(self) -> KeysView[Edge]:
        """The edges, as a read-only set in the order they were added."""
        return self._edges.keys()

    @property
    def slugs(self) -> Mapping[Task, str]:
        """The slug of each task in this flow."""
        return MappingProxyType(self._slugs)

    def task_of(self, slug: str) -> Task:
        """The task with a slug.

        Raises:
            FlowError: there is none.
        """
        if slug not in self._tasks:
            raise FlowError(f"the flow {self.name!r} has no task with the slug {slug!r}")
        return self._tasks[slug]

    def edges_to(self, task: Task) -> KeysView[Edge]:
        """The edges that end in a task.

        Raises:
            FlowError: the task is not in the flow.
        """
        return self._upstream[self._member(task)].keys()

    def edges_from(self, task: Task) -> KeysView[Edge]:
        """The edges that begin in a task.

        Raises:
            FlowError: the task is not in the flow.
        """
        return self._downstream[self._member(task)].keys()

    def upstream_tasks(self, task: Task) -> KeysView[Task]:
        """The tasks that a task waits for."""
        return dict.fromkeys(edge.upstream_task for edge in self.edges_to(task)).keys()

    def downstream_tasks(self, task: Task) -> KeysView[Task]:
        """The tasks that wait for a task."""
        return dict.fromkeys(edge.downstream_task for edge in self.edges_from(task)).keys()

    def root_tasks(self) -> KeysView[Task]:
        """The tasks that wait for none."""
        return dict.fromkeys(task for task in self._slugs if not self._upstream[task]).keys()

    def terminal_tasks(self) -> KeysView[Task]:
        """The tasks that none waits for."""
        return dict.fromkeys(task for task in self._slugs if not self._downstream[task]).keys()

    def get_tasks(
        self,
        name: str | None = None,
        slug: str | None = None,
        tags: Iterable[str] | None = None,
        task_type: type[Task] | None = None,
    ) -> list[Task]:
        """The tasks that fit everything that is asked for.

        Args:
            name: their name; unset means any.
            slug: their slug in this flow; unset means any.
            tags: tags they all have; unset means any.
            task_type: their class or one above it; unset means any.

        Returns:
            The tasks, in the order they were added.
        """
        wanted = set(tags or ())
        return [
            task
            for task, own_slug in self._slugs.items()
            if name in (None, task.name)
            and slug in (None, own_slug)
            and wanted <= task.tags
            and (task_type is None or isinstance(task, task_type))
        ]

    def sorted_tasks(self, root_tasks: Iterable[Task] | None = None) -> tuple[Task, ...]:
        """The tasks, each after all those it waits for.

        Args:
            root_tasks: where to begin; unset means everywhere.

        Returns:
            These tasks and all after them, the same order in every process.

        Raises:
            FlowError: tasks wait for one another in a circle, which is named.
        """
        reached = self._reachable(root_tasks) if root_tasks is not None else self._slugs
        waiting = {
            task: sum(edge.upstream_task in reached for edge in self._upstream[task]) for task in reached
        }
        ready = deque(task for task, count in waiting.items() if not count)
        ordered = []
        while ready:
            ordered.append(task := ready.popleft())
            for edge in self._downstream[task]:
                waiting[edge.downstream_task] -= 1
                if not waiting[edge.downstream_task]:
                    ready.append(edge.downstream_task)
        if len(ordered) < len(reached):
            raise self._cycle_error(next(task for task, count in waiting.items() if count))
        return tuple(ordered)

    def _reachable(self, roots: Iterable[Task]) -> dict[Task, None]:
        reached: dict[Task, None] = {}
        pending = [self._member(task) for task in roots]
        while pending:
            if (task := pending.pop()) not in reached:
                reached[task] = None
                pending.extend(edge.downstream_task for edge in self._downstream[task])
        return reached

    def _path(self, start: Task, end: Task) -> list[Task]:
        """The tasks of a way along the edges; empty without one."""
        came_from: dict[Task, Task | None] = {start: None}
        pending = [start]
        while pending:
            task = pending.pop()
            if task is end:
                break
            for edge in self._downstream.get(task, ()):
                if edge.downstream_task not in came_from:
                    came_from[edge.downstream_task] = task
                    pending.append(edge.downstream_task)
        path: list[Task] = []
        step: Task | None = end if end in came_from else None
        while step is not None:
            path.append(step)
            step = came_from[step]
        return path[::-1]

    def _check_acyclic(self, edge: Edge) -> None:
        """Refuse an edge that would close a circle."""
        if path := self._path(edge.downstream_task, edge.upstream_task):
            raise self._circle([edge.upstream_task, *path])

    def _cycle_error(self, stuck: Task) -> FlowError:
        """The error for a graph whose task `stuck` is in, or behind, a circle."""
        seen: list[Task] = []
        while stuck not in seen:
            seen.append(stuck)
            stuck = next(
                edge.upstream_task for edge in self._upstream[stuck] if self._upstream[edge.upstream_task]
            )
        return self._circle([*seen[seen.index(stuck) :], stuck][::-1])

    def _circle(self, path: list[Task]) -> FlowError:
        names = " -> ".join(repr(self._slugs.get(task, task.name)) for task in path)
        return FlowError(f"the flow {self.name!r} has tasks that wait for one another in a circle: {names}")

    def _member(self, task: Task) -> Task:
        if task not in self._slugs:
            raise FlowError(f"the task {task.name!r} is not in the flow {self.name!r}")
        return task

    def _insert_task(self, task: Task) -> None:
        """Add a task under its slug, or one made as Prefect 1.4 makes it: name, tags and a number."""
        if task in self._slugs:
            return
        if task.slug and task.slug in self._tasks:
            raise FlowError(_taken(task, self.name))
        slug = task.slug or self._next_slug("-".join([task.name, *sorted(task.tags)]))
        self._slugs[task], self._tasks[slug] = slug, task
        self._upstream[task], self._downstream[task] = {}, {}

    def _next_slug(self, prefix: str) -> str:
        while True:
            number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
            if (slug := f"{prefix}-{number}") not in self._tasks:
                return slug

    def _remove_task(self, task: Task) -> None:
        """Remove a task without edges."""
        del self._tasks[self._slugs.pop(task)]
        del self._upstream[task], self._downstream[task]

    def _copy_graph(self, other: TaskGraph) -> None:
        """Take over everything of another graph, in containers of its own."""
        self.constants = {task: dict(values) for task, values in other.constants.items()}
        self._slugs, self._tasks = dict(other._slugs), dict(other._tasks)
        self._numbers, self._edges = dict(other._numbers), dict(other._edges)
        self._upstream = {task: dict(edges) for task, edges in other._upstream.items()}
        self._downstream = {task: dict(edges) for task, edges in other._downstream.items()}

    def _insert_edge(self, edge: Edge) -> None:
        self._edges[edge] = None
        self._downstream[edge.upstream_task][edge] = None
        self._upstream[edge.downstream_task][edge] = None

    def _remove_edge(self, edge: Edge) -> None:
        del self._edges[edge]
        del self._downstream[edge.upstream_task][edge]
        del self._upstream[edge.downstream_task][edge]


def _taken(task: Task, flow_name: str) -> str:
    from orchestra_client.flows.parameter import Parameter  # noqa: PLC0415 (only for the message)

    if isinstance(task, Parameter):
        return (
            f"the flow {flow_name!r} has a parameter or slug {task.name!r} already; use that parameter again, "
            "or give this one another name"
        )
    return f"the flow {flow_name!r} has a task with the slug {task.slug!r} already"
