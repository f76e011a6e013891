"""Registering many flows: what is registered already, and several registrations in one request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import ClientError
from orchestra_client.graphql.compression import compress
from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.aliases import aliased
from orchestra_client.operations.answers import id_of, nothing
from orchestra_client.results import Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.errors import OrchestraError

__all__ = [
    "NewVersion",
    "Registered",
    "Registration",
    "archive_flows",
    "create_flows",
    "find_current_flows",
    "find_registered",
    "get_flow_graphs",
    "get_flow_sizes",
    "get_flow_versions",
    "get_serialized_flows",
    "register_flows",
]


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered version of a flow.

    Attributes:
        id: its UUID.
        name: the flow's name, under which it was found.
        version: its number.
        is_archived: whether nothing new runs of it.
        key: the idempotency key it was registered with, as far as the server tells.
    """

    id: str
    name: str
    version: int
    is_archived: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that was registered just now.

    Attributes:
        id: its UUID.
        version: its number, where the answer told.
    """

    id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """A version that is to be registered.

    Attributes:
        document: the serialized flow.
        key: the idempotency key: with that of the latest version, the server registers nothing.
        set_schedule_active: whether its schedule shall make runs.
    """

    document: Mapping[str, Any]
    key: str
    set_schedule_active: bool

    def as_input(self) -> dict[str, Any]:
        """What the mutations that register it want to know of it."""
        return {
            "serialized_flow": compress(self.document),
            "set_schedule_active": self.set_schedule_active,
            "idempotency_key": self.key,
        }


def find_registered(
    project_name: str, names: Sequence[str], *, with_keys: bool
) -> Operation[tuple[Project, dict[str, Registered]] | None]:
    """Find a project, and of flows the versions that their next registration is compared with.

    Args:
        project_name: the project.
        names: of the flows.
        with_keys: whether to ask for idempotency keys, which not every server tells.

    Returns:
        The operation; its result is None when there is no such project, else the project and the versions by name.
    """
    variables = {
        "project": {"name": {"_eq": checks.filled(project_name, "project_name")}},
        "names": list(names),
    }
    return Operation("find_registered" if with_keys else "find_registered_plainly", variables, _found)


def _found(rows: Sequence[dict[str, Any]]) -> tuple[Project, dict[str, Registered]] | None:
    if not rows:
        return None
    found = [
        _registered(flow["name"], version)
        for flow in rows[0]["flows"]
        for version in (flow.get("flow_group") or {}).get("flows") or ()
    ]
    return Project(rows[0]["id"], rows[0]["name"]), {each.name: each for each in found}


def _registered(name: str, row: dict[str, Any]) -> Registered:
    return Registered(row["id"], name, row["version"], bool(row["archived"]), row.get("idempotency_key"))


def find_current_flows(project_id: str) -> Operation[list[Registered]]:
    """Find the flows of a project that are not archived, by name."""
    where = {"project_id": {"_eq": checks.uuid(project_id, "project_id")}, "archived": {"_eq": False}}
    return Operation(
        "find_current_flows",
        {"where": where},
        lambda rows: [Registered(row["id"], row["name"], row["version"]) for row in rows],
    )


def get_serialized_flows(flow_ids: Sequence[str]) -> Operation[dict[str, Any]]:
    """Read serialized flows as they were registered, by id; None for one that the server did not keep."""
    return Operation("get_serialized_flows", _among(flow_ids), partial(_by_id, column="serialized_flow"))


def get_flow_graphs(flow_ids: Sequence[str]) -> Operation[dict[str, dict[str, Any]]]:
    """Read the tasks and edges of flows as the server's tables have them, by the flow's id."""
    return Operation(
        "get_flow_graphs",
        _among(flow_ids),
        lambda rows: {row["id"]: {"tasks": row["tasks"], "edges": row["edges"]} for row in rows},
    )


def get_flow_sizes(flow_ids: Sequence[str]) -> Operation[dict[str, tuple[int, int]]]:
    """Count the tasks and the edges of flows, by the flow's id."""
    return Operation(
        "get_flow_sizes",
        _among(flow_ids),
        lambda rows: {row["id"]: (_counted(row, "tasks"), _counted(row, "edges")) for row in rows},
    )


def _counted(row: dict[str, Any], relationship: str) -> int:
    number: int = row[f"{relationship}_aggregate"]["aggregate"]["count"]
    return number


def get_flow_versions(flow_ids: Sequence[str]) -> Operation[dict[str, int]]:
    """Read the numbers of versions, by id."""
    return Operation("get_flow_versions", _among(flow_ids), partial(_by_id, column="version"))


def _among(flow_ids: Sequence[str]) -> dict[str, Any]:
    return {"where": {"id": {"_in": list(flow_ids)}}}


def _by_id(rows: Sequence[dict[str, Any]], column: str) -> dict[str, Any]:
    return {row["id"]: row[column] for row in rows}


def create_flows(
    project_id: str, registrations: Sequence[Registration]
) -> Operation[list[NewVersion | OrchestraError]]:
    """Register several versions in one request; none fails its neighbours.

    Returns:
        The operation; its result has for each the version without its number, or the error it was refused with.
    """
    inputs = [{"project_id": project_id, **each.as_input()} for each in registrations]
    return aliased("create_flow_from_compressed_string", inputs, "{ id }", _created)


def _created(answer: dict[str, Any] | None, error: OrchestraError | None) -> NewVersion | OrchestraError:
    if error is not None:
        return error
    try:
        return NewVersion(id_of(answer))
    except ClientError as missing:
        return missing


def archive_flows(flow_ids: Sequence[str]) -> Operation[list[OrchestraError | None]]:
    """Archive several flows in one request.

    Returns:
        The operation; its result has for each None, or the error it was refused with.
    """
    inputs = [{"flow_id": flow_id} for flow_id in flow_ids]
    return aliased("archive_flow", inputs, "{ success }", _done)


def _done(answer: dict[str, Any] | None, error: OrchestraError | None) -> OrchestraError | None:
    if error is None:
        try:
            nothing(answer)
        except ClientError as unsuccessful:
            return unsuccessful
    return error


def register_flows(
    project_id: str, registrations: Sequence[Registration], archive: Sequence[str]
) -> Operation[list[NewVersion]]:
    """Register several versions and archive other flows, all at once or not at all.

    Args:
        project_id: where.
        registrations: the versions.
        archive: the ids of the other flows.

    Returns:
        The operation; its result has each version, in order.
    """
    given = {
        "project_id": project_id,
        "flows": [each.as_input() for each in registrations],
        "archive": list(archive),
    }
    return Operation(
        "register_flows",
        {"input": given},
        lambda answer: [NewVersion(row["id"], row["version"]) for row in answer["flows"]],
    )
