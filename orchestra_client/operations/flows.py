"""Flows: the requests that a registration is made of, schedules, archiving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.graphql.compression import compress
from orchestra_client.operation import Operation
from orchestra_client.operations import checks, filters
from orchestra_client.operations.answers import first, id_of, moment, mutated, nothing, words
from orchestra_client.operations.paging import page
from orchestra_client.operations.schedules import schedule_in_words
from orchestra_client.results import FlowVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records

__all__ = [
    "archive_flow",
    "create_flow",
    "find_flow_group",
    "list_flows",
    "register_edges",
    "register_tasks",
    "set_schedule_active",
    "set_schedule_inactive",
]


def create_flow(
    serialized_flow: Mapping[str, Any],
    project_id: str,
    *,
    compressed: bool,
    version_group_id: str | None,
    set_schedule_active: bool,
    idempotency_key: str,
) -> Operation[str]:
    """Register a flow's next version; the result is its id."""
    given: dict[str, Any] = {
        "project_id": project_id,
        "serialized_flow": compress(serialized_flow) if compressed else serialized_flow,
        "set_schedule_active": set_schedule_active,
        "idempotency_key": checks.filled(idempotency_key, "idempotency_key"),
    }
    if version_group_id is not None:
        given["version_group_id"] = checks.filled(version_group_id, "version_group_id")
    name = "create_flow_from_compressed_string" if compressed else "create_flow"
    return Operation(name, {"input": given}, id_of)


def register_tasks(flow_id: str, tasks: Sequence[Any]) -> Operation[None]:
    """Add tasks to a registered flow; those that are there already stay as they are."""
    given = {"flow_id": flow_id, "serialized_tasks": list(tasks)}
    return Operation("register_tasks", {"input": given}, nothing)


def register_edges(flow_id: str, edges: Sequence[Any]) -> Operation[None]:
    """Add edges between tasks that are registered; those that are there already stay as they are."""
    given = {"flow_id": flow_id, "serialized_edges": list(edges)}
    return Operation("register_edges", {"input": given}, nothing)


def set_schedule_active(flow_id: Id) -> Operation[bool]:
    """Let a flow's schedule make runs; the result is whether it worked."""
    return _about_flow("set_schedule_active", flow_id)


def set_schedule_inactive(flow_id: Id) -> Operation[bool]:
    """Stop a flow's schedule; the result is whether it worked."""
    return _about_flow("set_schedule_inactive", flow_id)


def archive_flow(flow_id: Id) -> Operation[bool]:
    """Archive a flow's version; the result is whether it worked."""
    return _about_flow("archive_flow", flow_id)


def _about_flow(name: str, flow_id: Id) -> Operation[bool]:
    return Operation(name, {"input": {"flow_id": checks.uuid(flow_id, "flow_id")}}, mutated)


def find_flow_group(flow_id: str) -> Operation[str]:
    """Read the id of the group that a flow's versions share, which its page in the UI is named after."""
    parse = first(f"flow {flow_id}", lambda row: str(row["flow_group_id"]))
    return Operation("find_flow", {"where": {"id": {"_eq": flow_id}}}, parse)


def list_flows(
    *,
    name: str | None,
    project: str | None,
    flow_id: Id | None,
    version_group_id: str | None,
    is_archived: bool | None,
    limit: int,
    offset: int,
) -> Operation[Records[FlowVersion]]:
    """Read flows by name, the newest version of each first; the filters are those of the client's `flows`."""
    in_project = filters.where({"name": filters.text(project, "project")})
    wanted = {
        "name": filters.text(name, "name"),
        "id": filters.identical(flow_id, "flow_id"),
        "version_group_id": filters.text(version_group_id, "version_group_id"),
        "archived": filters.flag(is_archived, "is_archived"),
        "project": in_project or None,
    }
    rows_wanted = page(limit, offset)
    variables = {"where": filters.where(wanted), **rows_wanted.variables}
    return Operation("list_flows", variables, lambda rows: rows_wanted.read(rows, _summary, FlowVersion))


def _summary(row: dict[str, Any]) -> FlowVersion:
    group, project = row.get("flow_group") or {}, row.get("project") or {}
    return FlowVersion(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        project=project.get("name"),
        version_group_id=row["version_group_id"],
        flow_group_id=row["flow_group_id"],
        is_archived=row["archived"],
        is_schedule_active=row["is_schedule_active"],
        schedule=schedule_in_words(group.get("schedule") or row["schedule"]),
        labels=_labels(row, group),
        created=moment(row["created"]),
    )


def _labels(row: dict[str, Any], group: dict[str, Any]) -> tuple[str, ...]:
    """Those of a run that is given none: of the group, else of the flow's run config or environment."""
    if group.get("labels") is not None:
        return words(group["labels"])
    for config in (row["run_config"], row["environment"]):
        if isinstance(config, dict) and isinstance(config.get("labels"), list):
            return words(sorted(config["labels"]))
    return ()
