"""How far a flow run is: which tasks may be opened, which runs have ended, what the results are. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestra_client.engine.task_runs import TaskRun
    from orchestra_client.flows import Flow, Task
    from orchestra_client.states import State

__all__ = ["Progress"]


class Progress:
    """Keeps count of what each task still waits for. Belongs to the thread of the flow run.

    Args:
        flow: the flow.
        runs: the run of each task.
    """

    def __init__(self, flow: Flow, runs: Mapping[Task, TaskRun]) -> None:
        self._flow = flow
        self._runs = runs
        self._waiting_for = {task: len(flow.upstream_tasks(task)) for task in flow.tasks}
        self._open = deque(task for task, number in self._waiting_for.items() if not number)

    def opened(self) -> Iterator[TaskRun]:
        """The runs that may be decided about now; those that had ended before are passed over."""
        while self._open:
            run = self._runs[self._open.popleft()]
            if run.is_done:
                self._pass_on(run.task)
            else:
                yield run

    def finish(self, run: TaskRun) -> None:
        """Take note that a run has come to its end."""
        if run.parent is None:
            self._pass_on(run.task)
        else:
            run.parent.unfinished_children -= 1
            self.complete(run.parent)

    def complete(self, run: TaskRun) -> None:
        """Give a mapped run the states of those it became, if all of them have ended; others stay as they are."""
        if run.children is not None and not run.unfinished_children and run.state.is_mapped():
            run.state = run.mapped_state()
            self._pass_on(run.task)

    def _pass_on(self, task: Task) -> None:
        for downstream in self._flow.downstream_tasks(task):
            self._waiting_for[downstream] -= 1
            if not self._waiting_for[downstream]:
                self._open.append(downstream)

    def is_over(self) -> bool:
        """Whether all runs have ended."""
        return all(run.is_done for run in self._runs.values())

    def unfinished(self) -> list[TaskRun]:
        """The runs that have not ended, those of mapped tasks among them."""
        every = (each for run in self._runs.values() for each in (run, *(run.children or ())))
        return [run for run in every if not run.is_done and not run.state.is_mapped()]

    def reference_states(self) -> list[State]:
        """The states of the reference tasks."""
        return [self._runs[task].state for task in self._flow.reference_tasks()]

    def results(self) -> dict[Task, State]:
        """The state of each task; a mapped one has those of its runs, ended or not."""
        return {
            task: run.mapped_state() if run.unfinished_children else run.state
            for task, run in self._runs.items()
        }
