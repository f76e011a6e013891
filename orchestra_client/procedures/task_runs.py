"""Finding or creating a task run, on servers old and new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import BadInput
from orchestra_client.operations import checks, task_runs
from orchestra_client.results import TaskRunInfo

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id

__all__ = ["get_task_run_info"]


def get_task_run_info(flow_run_id: Id, task_id: Id, map_index: int | None) -> Procedure[TaskRunInfo]:
    """Find a task run, or make it: in one request, or in two on servers that lack the newer mutation.

    Returns:
        The task run; its `task_slug` only when two requests were made.
    """
    try:
        run_id, version, state = yield task_runs.get_or_create_task_run_info(flow_run_id, task_id, map_index)
    except BadInput as error:
        # The document does not fit the server's schema. A refusal of the ids has another code.
        if error.code != "GRAPHQL_VALIDATION_FAILED":
            raise
        run_id = yield task_runs.get_or_create_task_run(flow_run_id, task_id, map_index)
        info: TaskRunInfo = yield task_runs.find_task_run(run_id)
        return info
    return TaskRunInfo(run_id, checks.uuid(task_id, "task_id"), None, version, state)
