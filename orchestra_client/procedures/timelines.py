"""Reading the timeline of a flow run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import BadInput
from orchestra_client.operations.aliases import chunks
from orchestra_client.operations.task_runs import list_task_runs
from orchestra_client.operations.timelines import get_run_title, get_state_changes
from orchestra_client.timeline.attempts import attempts_of, is_told_by_changes_alone
from orchestra_client.timeline.lanes import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import TaskRun
    from orchestra_client.timeline.attempts import Change

__all__ = ["MAX_TASK_RUNS", "read_timeline"]

MAX_TASK_RUNS = 5000
"""What one picture can show."""


def read_timeline(flow_run_id: Id | None, task_runs: Iterable[TaskRun] | None) -> Procedure[Timeline]:
    """Read when task runs ran, each try of those that were tried again.

    Args:
        flow_run_id: their flow run; None when they are given.
        task_runs: the task runs; None means all of the flow run.

    Raises:
        BadInput: neither is given.
        NotFound: there is no such flow run.
    """
    title, is_over, is_whole = None, False, True
    if flow_run_id is not None:
        title, is_over = yield get_run_title(flow_run_id)
    elif task_runs is None:
        raise BadInput("say what to draw: flow_run_id, or task_runs as task_runs() answers them")
    shown: Sequence[TaskRun]
    if task_runs is not None:
        shown = list(task_runs)
    else:
        found = yield list_task_runs(flow_run_id, state=None, name=None, limit=MAX_TASK_RUNS, offset=0)
        shown, is_whole = found, found.is_whole
    changes = yield from _changes([run.id for run in shown if is_told_by_changes_alone(run)])
    attempts = {run.id: attempts_of(run, changes.get(run.id, ())) for run in shown}
    return Timeline(title, shown, attempts, is_whole, is_over)


def _changes(task_run_ids: Sequence[str]) -> Procedure[Mapping[str, list[Change]]]:
    found: dict[str, list[Change]] = {}
    for some in chunks(task_run_ids):
        found |= yield get_state_changes(some)
    return found
