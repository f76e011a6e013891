"""Task runs: finding or creating them, their names, mapped children, cached states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks, filters
from orchestra_client.operations.aliases import aliased
from orchestra_client.operations.answers import duration, first, id_of, moment, mutated, state_of, words
from orchestra_client.operations.flow_runs import task_run_info
from orchestra_client.operations.paging import page
from orchestra_client.results import MappedChild, TaskRun, TaskRunInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestra_client.errors import OrchestraError
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.filters import StateFilter
    from orchestra_client.records import Records
    from orchestra_client.states import State

__all__ = [
    "find_task_run",
    "get_latest_cached_states",
    "get_mapped_children",
    "get_or_create_task_run",
    "get_or_create_task_run_info",
    "get_or_create_task_run_infos",
    "get_task_run_state",
    "list_task_runs",
    "set_task_run_name",
]


def get_or_create_task_run_info(
    flow_run_id: Id, task_id: Id, map_index: int | None
) -> Operation[tuple[str, int, State]]:
    """Find a task run, or make it; the result is its id, version and state."""
    given = _which_task_run(flow_run_id, task_id, map_index)
    return Operation(
        "get_or_create_task_run_info",
        {"input": given},
        lambda row: (id_of(row), row["version"], state_of(row)),
    )


def get_or_create_task_run_infos(
    flow_run_id: Id, task_id: Id, map_indexes: Sequence[int]
) -> Operation[list[tuple[str, int, State]]]:
    """As `get_or_create_task_run_info` for many runs of a mapped task; the results are in the indexes' order."""
    inputs = [_which_task_run(flow_run_id, task_id, index) for index in map_indexes]
    return aliased("get_or_create_task_run_info", inputs, "{ id version serialized_state }", _info)


def _info(row: dict[str, Any] | None, error: OrchestraError | None) -> tuple[str, int, State]:
    if error is not None:
        raise error
    return id_of(row), row["version"] if row else 0, state_of(row or {})


def get_or_create_task_run(flow_run_id: Id, task_id: Id, map_index: int | None) -> Operation[str]:
    """As `get_or_create_task_run_info` for older servers; the result is just the id."""
    given = _which_task_run(flow_run_id, task_id, map_index)
    return Operation("get_or_create_task_run", {"input": given}, id_of)


def _which_task_run(flow_run_id: Id, task_id: Id, map_index: int | None) -> dict[str, Any]:
    if map_index is not None and map_index != -1:
        checks.count(map_index, "map_index")
    return {
        "flow_run_id": checks.uuid(flow_run_id, "flow_run_id"),
        "task_id": checks.uuid(task_id, "task_id"),
        "map_index": -1 if map_index is None else map_index,
    }


def find_task_run(task_run_id: Id) -> Operation[TaskRunInfo]:
    """Read a task run by its id."""
    run_id = checks.uuid(task_run_id, "task_run_id")
    parse = first(f"task run {run_id}", task_run_info)
    return Operation("find_task_run", {"where": {"id": {"_eq": run_id}}}, parse)


def get_task_run_state(task_run_id: Id) -> Operation[State]:
    """Read a task run's state."""
    given = {"task_run_id": checks.uuid(task_run_id, "task_run_id")}
    return Operation("get_task_run_state", given, state_of)


def set_task_run_name(task_run_id: Id, name: str) -> Operation[bool]:
    """Rename a task run; the result is whether it worked."""
    given = {"task_run_id": checks.uuid(task_run_id, "task_run_id"), "name": checks.filled(name, "name")}
    return Operation("set_task_run_name", {"input": given}, mutated)


def get_mapped_children(task_run_id: Id) -> Operation[list[MappedChild]]:
    """Read the runs that a mapped task run became, in order."""
    given = {"task_run_id": checks.uuid(task_run_id, "task_run_id")}
    return Operation("get_mapped_children", given, _mapped_children)


def _mapped_children(rows: list[dict[str, Any]]) -> list[MappedChild]:
    children = [MappedChild(row["id"], row["map_index"], row["version"], state_of(row)) for row in rows]
    return sorted(children, key=lambda child: child.map_index)


def get_latest_cached_states(
    task_id: Id, cache_key: str | None, created_after: datetime
) -> Operation[list[State]]:
    """Read the Cached states of a task, or of all tasks that share a cache key, the newest first."""
    task = checks.uuid(task_id, "task_id")
    key = None if cache_key is None else checks.filled(cache_key, "cache_key")
    # `_eq: null` is true in this API, so the key's condition also says that there must be one.
    with_key = {"_and": [{"cache_key": {"_eq": key}}, {"cache_key": {"_is_null": False}}]}
    where = {
        "state": {"_eq": "Cached"},
        "_or": [with_key, {"task_id": {"_eq": task}}] if key else [{"task_id": {"_eq": task}}],
        "state_timestamp": {"_gte": checks.instant(created_after, "created_after")},
    }
    return Operation(
        "get_latest_cached_states", {"where": where}, lambda rows: [state_of(row) for row in rows]
    )


def list_task_runs(
    flow_run_id: Id | None, *, state: StateFilter | None, name: str | None, limit: int, offset: int
) -> Operation[Records[TaskRun]]:
    """Read task runs in the order they began; the filters are those of the client's `task_runs`."""
    named = filters.text(name, "name")
    wanted = {
        "flow_run_id": filters.identical(flow_run_id, "flow_run_id"),
        "state": None if state is None else {"_in": filters.state_types(state)},
        "_or": named and [{"name": named}, {"task": {"name": named}}],
    }
    rows_wanted = page(limit, offset)
    variables = {"where": filters.where(wanted), **rows_wanted.variables}
    return Operation("list_task_runs", variables, lambda rows: rows_wanted.read(rows, _task_run, TaskRun))


def _task_run(row: dict[str, Any]) -> TaskRun:
    task = row.get("task") or {}
    start, end = moment(row["start_time"]), moment(row["end_time"])
    return TaskRun(
        id=row["id"],
        flow_run_id=row["flow_run_id"],
        task_id=row["task_id"],
        task_name=task.get("name"),
        task_slug=task.get("slug"),
        map_index=row["map_index"],
        name=row["name"],
        state=row["state"] or "Pending",
        state_message=row["state_message"],
        start_time=start,
        end_time=end,
        duration=duration(start, end),
        run_count=row["run_count"],
        tags=words(task.get("tags")),
        version=row["version"],
        heartbeat=moment(row["heartbeat"]),
        is_mapped_parent=row["state"] == "Mapped",
    )
