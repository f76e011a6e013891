"""The values of task runs: those known without running anything, those in memory, those stored by an earlier process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.engine.results.base import ResultStore
from orchestra_client.errors import ResultError
from orchestra_client.flows.constants import Constant
from orchestra_client.flows.parameter import Parameter
from orchestra_client.states import Result
from orchestra_client.states.results import NO_RESULT_TYPE, PREFECT_RESULT_TYPE, SAFE_RESULT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.engine.task_runs import TaskRun
    from orchestra_client.flows import Flow, Task

__all__ = ["Values", "known_value"]

_COMPLETE = frozenset({NO_RESULT_TYPE, PREFECT_RESULT_TYPE, SAFE_RESULT_TYPE})
"""Results whose value, None too, is all there is."""


def known_value(task: Task, parameters: Mapping[str, Any]) -> tuple[bool, Any]:
    """The value of a task that only stands for one.

    Args:
        task: any task.
        parameters: of the flow run, by name.

    Returns:
        Whether it is such a task, and its value.

    Raises:
        FlowError: it is a required parameter that was not given.
    """
    if isinstance(task, Parameter):
        return True, task.value(parameters)
    if type(task) is Constant:
        return True, task.value
    return False, None


class Values:
    """Finds the values of the task runs of a flow run. Belongs to the thread of that run.

    Args:
        flow: the flow.
        parameters: of the run, by name.
        default: where results are stored for which neither task nor flow say it; None keeps them in memory only.
    """

    def __init__(self, flow: Flow, parameters: Mapping[str, Any], default: ResultStore | None) -> None:
        self._configured = flow.result if isinstance(flow.result, ResultStore) else None
        self._parameters = parameters
        self._default = default
        self._loaded: dict[TaskRun, Any] = {}

    def store_of(self, task: Task) -> ResultStore | None:
        """Where a task's results are stored; None when they are not."""
        if isinstance(task, Parameter | Constant):
            return None
        configured = task.result if isinstance(task.result, ResultStore) else self._configured
        if task.target is not None:
            return configured or self._default or _local_store()
        return None if task.checkpoint is False else configured or self._default

    def of(self, run: TaskRun) -> Any:
        """The value of a run.

        Args:
            run: that has ended; of a mapped one the value is the list of those of the runs it became.

        Returns:
            What it returned, loaded if need be; of a failed run its exception.

        Raises:
            ResultError: it cannot be loaded, or was not stored.
        """
        if run.children is not None:
            return [self.of(child) for child in run.children]
        result = run.state.result_object
        if not run.state.is_successful() or _is_here(result):
            return result.value
        is_known, value = known_value(run.task, self._parameters)
        if is_known:
            return value
        if run not in self._loaded:
            self._loaded[run] = self._load(run, result)
        return self._loaded[run]

    def find_loop_result(self, run: TaskRun) -> None:
        """Load what the round before returned, for a loop that an earlier process began.

        Raises:
            ResultError: it cannot be loaded, or was not stored.
        """
        if not _is_here(run.loop_result):
            run.loop_result = Result(self._load(run, run.loop_result), run.loop_result.location)

    def _load(self, run: TaskRun, result: Result) -> Any:
        store = self.store_of(run.task)
        if store is None or result.location is None:
            raise ResultError(
                f"the result of {run.label} is needed again and was not stored; leave out checkpoint=False, or "
                "store results where every run of the flow finds them"
            )
        return store.read(result.location)


def _is_here(result: Result) -> bool:
    """Whether the value needs no loading."""
    return result.value is not None or result.type in _COMPLETE


def _local_store() -> ResultStore:
    from orchestra_client.engine.results.local import LocalResults  # noqa: PLC0415 (few tasks have a target)

    return LocalResults()
