"""Finding or creating a task run, on servers old and new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import BadInput
from orchestra_client.operations import checks, task_runs
from orchestra_client.operations.aliases import chunks
from orchestra_client.results import TaskRunInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id

__all__ = ["get_task_run_info", "get_task_run_infos"]


def get_task_run_info(flow_run_id: Id, task_id: Id, map_index: int | None) -> Procedure[TaskRunInfo]:
    """Find a task run, or make it: in one request, or in two on servers that lack the newer mutation.

    Returns:
        The task run; its `task_slug` only when two requests were made.
    """
    try:
        run_id, version, state = yield task_runs.get_or_create_task_run_info(flow_run_id, task_id, map_index)
    except BadInput as error:
        _check_is_older(error)
        run_id = yield task_runs.get_or_create_task_run(flow_run_id, task_id, map_index)
        info: TaskRunInfo = yield task_runs.find_task_run(run_id)
        return info
    return TaskRunInfo(run_id, checks.uuid(task_id, "task_id"), None, version, state)


def get_task_run_infos(
    flow_run_id: Id, task_id: Id, map_indexes: Sequence[int]
) -> Procedure[list[TaskRunInfo]]:
    """Find the runs of a mapped task, or make them: a few hundred a request, and one by one on older servers.

    Returns:
        The task runs in the order of the indexes, as `get_task_run_info` has them.
    """
    # All are built before the first is sent, so that a bad index creates none.
    operations = [
        (some, task_runs.get_or_create_task_run_infos(flow_run_id, task_id, some))
        for some in chunks(map_indexes)
    ]
    infos: list[TaskRunInfo] = []
    for some, operation in operations:
        try:
            rows = yield operation
        except BadInput as error:
            _check_is_older(error)
            for index in some:
                info = yield from get_task_run_info(flow_run_id, task_id, index)
                infos.append(info)
        else:
            task = checks.uuid(task_id, "task_id")
            infos += (TaskRunInfo(run_id, task, None, version, state) for run_id, version, state in rows)
    return infos


def _check_is_older(error: BadInput) -> None:
    """Raise the error unless it says that the document does not fit the schema of an older server."""
    # A refusal of the ids has another code.
    if error.code != "GRAPHQL_VALIDATION_FAILED":
        raise error
