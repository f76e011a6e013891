"""Flow runs: creating them, reading them, the queue."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from orchestra_client.errors import BadInput
from orchestra_client.operation import Operation
from orchestra_client.operations import checks, filters
from orchestra_client.operations.aliases import aliased
from orchestra_client.operations.answers import duration, first, id_of, moment, mutated, state_of, words
from orchestra_client.operations.paging import page
from orchestra_client.results import CreatedFlowRun, FlowRun, FlowRunInfo, Project, TaskRunInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from orchestra_client.errors import OrchestraError
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.filters import StateFilter
    from orchestra_client.records import Records
    from orchestra_client.states import State

__all__ = [
    "FlowRunArguments",
    "cancel_flow_run",
    "create_flow_run",
    "create_flow_runs",
    "get_flow_run_info",
    "get_flow_run_state",
    "get_runs_in_queue",
    "list_flow_runs",
    "set_flow_run_name",
]


class FlowRunArguments(TypedDict, total=False):
    """One flow run of `create_flow_runs`: the arguments of `create_flow_run` by name."""

    flow_id: Id | None
    context: Mapping[str, Any] | None
    parameters: Mapping[str, Any] | None
    scheduled_start_time: datetime | None
    idempotency_key: str | None
    run_name: str | None
    version_group_id: str | None
    run_config: Any
    labels: Iterable[str] | None


def create_flow_run(arguments: FlowRunArguments, *, new_key: str) -> Operation[str]:
    """Create one flow run; the result is its id.

    Args:
        arguments: what the caller gave.
        new_key: the idempotency key to use when the caller gave none.
    """
    variables = {"input": _flow_run_input(arguments, new_key)}
    return Operation("create_flow_run", variables, id_of)


def create_flow_runs(
    runs: Sequence[FlowRunArguments], *, new_keys: Sequence[str]
) -> Operation[list[CreatedFlowRun]]:
    """Create several flow runs in one request.

    Args:
        runs: what the caller gave for each.
        new_keys: an idempotency key for each, used where the caller gave none.
    """
    inputs = [_flow_run_input(run, key) for run, key in zip(runs, new_keys, strict=True)]
    return aliased("create_flow_run", inputs, "{ id }", _created)


def _created(answer: dict[str, Any] | None, error: OrchestraError | None) -> CreatedFlowRun:
    return CreatedFlowRun((answer or {}).get("id"), error)


def _flow_run_input(arguments: FlowRunArguments, new_key: str) -> dict[str, Any]:
    unknown = set(arguments) - FlowRunArguments.__optional_keys__
    if unknown:
        raise TypeError(f"a flow run has no argument {', '.join(map(repr, sorted(unknown)))}")
    given: Mapping[str, Any] = arguments
    written: dict[str, Any] = {
        **_which_flow(arguments.get("flow_id"), arguments.get("version_group_id")),
        "idempotency_key": _key(arguments.get("idempotency_key"), new_key),
        **{name: write(given[name]) for name, write in _WRITERS.items() if given.get(name) is not None},
    }
    if "run_name" in written:
        written["flow_run_name"] = written.pop("run_name")
    return written


def _run_config(value: Any) -> Mapping[str, Any]:
    # A run config of a flow serializes itself; its JSON is taken as it is.
    return checks.json_object(value.serialize() if hasattr(value, "serialize") else value, "run_config")


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "parameters": partial(checks.json_object, name="parameters"),
    "context": partial(checks.json_object, name="context"),
    "scheduled_start_time": partial(checks.instant, name="scheduled_start_time"),
    "run_name": partial(checks.filled, name="run_name"),
    "run_config": _run_config,
    "labels": checks.labels,
}


def _which_flow(flow_id: Id | None, version_group_id: str | None) -> dict[str, str]:
    if flow_id:
        return {"flow_id": checks.uuid(flow_id, "flow_id")}
    if version_group_id:
        return {"version_group_id": checks.filled(version_group_id, "version_group_id")}
    raise BadInput("say which flow to run: flow_id, or version_group_id for the current version of its group")


def _key(given: str | None, new_key: str) -> str:
    return new_key if given is None else checks.filled(given, "idempotency_key")


def get_flow_run_info(flow_run_id: Id) -> Operation[FlowRunInfo]:
    """Read a flow run with its task runs, mapped children left out."""
    return _one("get_flow_run_info", flow_run_id, _flow_run_info)


def get_flow_run_state(flow_run_id: Id) -> Operation[State]:
    """Read a flow run's state."""
    return _one("get_flow_run_state", flow_run_id, state_of)


def _one(name: str, flow_run_id: Id, read: Any) -> Operation[Any]:
    run_id = checks.uuid(flow_run_id, "flow_run_id")
    return Operation(name, {"where": {"id": {"_eq": run_id}}}, first(f"flow run {run_id}", read))


def _flow_run_info(row: dict[str, Any]) -> FlowRunInfo:
    flow = row.get("flow") or {}
    project = flow.get("project")
    return FlowRunInfo(
        id=row["id"],
        name=row["name"],
        flow_id=row["flow_id"],
        project=Project(project["id"], project["name"]) if project else None,
        parameters=row["parameters"] or {},
        context=row["context"] or {},
        version=row["version"],
        scheduled_start_time=moment(row["scheduled_start_time"]),
        state=state_of(row),
        task_runs=tuple(task_run_info(task_run) for task_run in row["task_runs"]),
        flow_name=flow.get("name"),
        heartbeat=moment(row["heartbeat"]),
    )


def task_run_info(row: dict[str, Any]) -> TaskRunInfo:
    """A task run of a row with its task."""
    return TaskRunInfo(row["id"], row["task"]["id"], row["task"]["slug"], row["version"], state_of(row))


def set_flow_run_name(flow_run_id: Id, name: str) -> Operation[bool]:
    """Rename a flow run; the result is whether it worked."""
    given = {"flow_run_id": checks.uuid(flow_run_id, "flow_run_id"), "name": checks.filled(name, "name")}
    return Operation("set_flow_run_name", {"input": given}, mutated)


def cancel_flow_run(flow_run_id: Id) -> Operation[str]:
    """Ask a flow run to stop; the result is the type of its state then."""
    given = {"flow_run_id": checks.uuid(flow_run_id, "flow_run_id")}
    return Operation("cancel_flow_run", {"input": given}, lambda answer: str(answer["state"]))


def get_runs_in_queue(
    labels: Iterable[str] | None,
    before: datetime | None,
    agent_id: Id | None,
    tenant_id: str | None,
) -> Operation[list[str]]:
    """Ask for the flow runs that are due; the result is their ids, earliest first."""
    given: dict[str, Any] = {"labels": checks.labels(labels)}
    if before is not None:
        given["before"] = checks.instant(before, "before")
    if agent_id is not None:
        given["agent_id"] = checks.uuid(agent_id, "agent_id")
    if tenant_id is not None:
        given["tenant_id"] = tenant_id
    return Operation("get_runs_in_queue", {"input": given}, lambda answer: list(answer["flow_run_ids"]))


def list_flow_runs(
    *,
    flow: str | None,
    flow_id: Id | None,
    version_group_id: str | None,
    project: str | None,
    state: StateFilter | None,
    name: str | None,
    labels: Iterable[str] | None,
    since: datetime | timedelta | None,
    until: datetime | timedelta | None,
    agent_id: Id | None,
    flow_run_id: Id | None,
    limit: int,
    offset: int,
    now: datetime,
) -> Operation[Records[FlowRun]]:
    """Read flow runs, the latest scheduled first; the filters are those of the client's `flow_runs`."""
    in_project = filters.where({"name": filters.text(project, "project")})
    of_flow = {
        "name": filters.text(flow, "flow"),
        "version_group_id": filters.text(version_group_id, "version_group_id"),
        "project": in_project or None,
    }
    wanted = {
        "id": filters.identical(flow_run_id, "flow_run_id"),
        "flow_id": filters.identical(flow_id, "flow_id"),
        "flow": filters.where(of_flow) or None,
        "state": None if state is None else {"_in": filters.state_types(state)},
        "name": filters.text(name, "name"),
        "labels": filters.having(labels),
        "scheduled_start_time": filters.between(since, until, now),
        "agent_id": filters.identical(agent_id, "agent_id"),
    }
    rows_wanted = page(limit, offset)
    variables = {"where": filters.where(wanted), **rows_wanted.variables}
    return Operation("list_flow_runs", variables, lambda rows: rows_wanted.read(rows, _flow_run, FlowRun))


def _flow_run(row: dict[str, Any]) -> FlowRun:
    flow = row.get("flow") or {}
    start, end = moment(row["start_time"]), moment(row["end_time"])
    return FlowRun(
        id=row["id"],
        name=row["name"],
        flow_id=row["flow_id"],
        flow_name=flow.get("name"),
        flow_version=flow.get("version"),
        project=(flow.get("project") or {}).get("name"),
        state=row["state"] or "Pending",
        state_message=row["state_message"],
        scheduled_start_time=moment(row["scheduled_start_time"]),
        start_time=start,
        end_time=end,
        duration=duration(start, end),
        labels=words(row["labels"]),
        parameters=row["parameters"] or {},
        agent_id=row["agent_id"],
        version=row["version"],
        heartbeat=moment(row["heartbeat"]),
    )
