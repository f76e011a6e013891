"""The task runs of a flow run, as the engine keeps them while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestra_client.states import Looped, Mapped, Pending, Result, State
from orchestra_client.states.results import NoResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.flows import Task

__all__ = ["TaskRun", "bare"]

_PENDING = Pending()


@dataclass(eq=False, slots=True)
class TaskRun:
    """One run of a task, or one of the runs that a mapped task becomes. Belongs to the thread of its flow run.

    Attributes:
        task: what runs.
        slug: of the task in its flow.
        map_index: the place among the runs of a mapped task, from 0; None for one that is not mapped.
        parent: the mapped task's own run, for one of the runs it became.
        state: the current state.
        id: on the server; None without one.
        task_id: the task's, on the server.
        version: of the state, on the server.
        run_count: how many tries have begun.
        loop_count: which round of a loop it is in, from 1.
        loop_result: the result of the round before.
        is_looping: whether the next try is another round and does not count.
        inputs: the arguments it gets, by name.
        children: the runs that it became; None until it is mapped.
        unfinished_children: how many of them have not come to an end.
    """

    task: Task
    slug: str
    map_index: int | None = None
    parent: TaskRun | None = None
    state: State = _PENDING
    id: str | None = None
    task_id: str | None = None
    version: int | None = None
    run_count: int = 0
    loop_count: int = 1
    loop_result: Result = NoResult
    is_looping: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    children: list[TaskRun] | None = None
    unfinished_children: int = 0

    def __repr__(self) -> str:
        return f"<TaskRun {self.label}: {self.state.type_name}>"

    @property
    def label(self) -> str:
        """What it is called in messages: the slug, with the map index in brackets."""
        return self.slug if self.map_index is None else f"{self.slug}[{self.map_index}]"

    @property
    def is_done(self) -> bool:
        """Whether it has come to its end, and all runs that it became, too."""
        if self.children is not None:
            return not self.unfinished_children
        # A round of a loop has ended, not the run; and nothing says yet what a mapped one became.
        return self.state.is_finished() and not self.state.is_looped() and not self.state.is_mapped()

    def mapped_state(self) -> State:
        """The state of a mapped run with those of the runs it became, and their results."""
        states = [child.state for child in self.children or ()]
        return Mapped(self.state.message, [state.result for state in states], states, self.state.context)

    def restore(self, state: State) -> None:
        """Continue from a state that an earlier process left it in."""
        self.state = bare(state)
        self.run_count = getattr(self.state, "run_count", 0)
        if isinstance(self.state, Looped):
            self.loop_count = self.state.loop_count + 1
            self.is_looping = True
        elif "task_loop_count" in self.state.context:
            self.loop_count = self.state.context["task_loop_count"]
        if self.loop_count > 1:
            self.loop_result = self.state.result_object


def bare(state: State) -> State:
    """The state without the ones around it that tell who has taken the run."""
    return (getattr(state, "state", None) or _PENDING) if state.is_meta_state() else state
