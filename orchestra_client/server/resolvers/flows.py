"""Flows: registering a version with its tasks and edges, its schedule, archiving, deleting."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from orchestra_client.errors import BadInput
from orchestra_client.server.registration import creating, serialized, versions
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from sqlalchemy import RowMapping

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]

# Of a task without edges.
_PLACE = {"mapped": False, "is_root_task": True, "is_terminal_task": True, "is_reference_task": True}


MAX_FLOWS = 5000
"""How many flows one mutation registers, and how many it archives."""


@mutation("create_flow_from_compressed_string")
def create_flow_from_compressed_string(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """As `create_flow`, from base64(gzip(JSON))."""
    flow = serialized.decompress(input["serialized_flow"])
    return create_flow(session, context, {**input, "serialized_flow": flow})


@mutation("create_flow")
def create_flow(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The next version in the flow's version group; its predecessors are archived.

    An idempotency key equal to the group's latest registers nothing.
    """
    order = creating.Order.of(input["serialized_flow"], input)
    [version] = creating.register(session, input.get("project_id"), [order])
    return {"id": version.id}


@mutation("register_flows")
def register_flows(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """The next versions of many flows, and the end of others: all of it, or nothing."""
    given, archived = input["flows"], input.get("archive") or []
    for name, items in (("flows", given), ("archive", archived)):
        if len(items) > MAX_FLOWS:
            raise BadInput(f"{name} are {len(items)}; one request has at most {MAX_FLOWS}.")
    orders = creating.orders(given)
    made = creating.register(session, input.get("project_id"), orders)
    _check_kept(made, set(archived))
    # After the project and its version groups, in the order in which every registration holds them.
    session.hold("flow", archived, "id")
    versions.archive(session, archived)
    return {"flows": [asdict(version) for version in made]}


@mutation("register_tasks")
def register_tasks(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Add tasks to a flow, or change those it has; an empty batch is fine."""
    session.require("flow", input["flow_id"], lock=True)
    _add_tasks(session, input["flow_id"], input["serialized_tasks"])
    _place_tasks(session, input["flow_id"])
    return {"success": True}


@mutation("register_edges")
def register_edges(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Add edges between tasks that the flow has; an empty batch is fine."""
    session.require("flow", input["flow_id"], lock=True)
    _add_edges(session, input["flow_id"], input["serialized_edges"])
    _place_tasks(session, input["flow_id"])
    return {"success": True}


@mutation("set_schedule_active")
def set_schedule_active(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Let the flow's schedule make runs."""
    session.require("flow", input["flow_id"], lock=True)
    _activate(session, input["flow_id"])
    return {"success": True}


@mutation("set_schedule_inactive")
def set_schedule_inactive(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Stop the flow's schedule; the runs it made and that have not begun are deleted."""
    session.require("flow", input["flow_id"], lock=True)
    session.update("flow", {"id": input["flow_id"], "is_schedule_active": False})
    versions.delete_auto_scheduled(session, [input["flow_id"]])
    return {"success": True}


@mutation("archive_flow")
def archive_flow(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Take a version out of use: nothing new runs of it."""
    session.require("flow", input["flow_id"], lock=True)
    versions.archive(session, [input["flow_id"]])
    return {"success": True}


@mutation("delete_flow")
def delete_flow(session: Session, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Delete a version with its runs and their logs."""
    session.require("flow", input["flow_id"], lock=True)
    session.delete("flow", [input["flow_id"]])
    return {"success": True}


def _check_kept(versions: Sequence[creating.Version], archived: Set[str]) -> None:
    for index, version in enumerate(versions):
        if version.id in archived:
            raise BadInput(
                f"archive names {version.id}, the current version of flows[{index}]; do one of both."
            )


def _activate(session: Session, flow_id: str) -> None:
    flow = session.require("flow", flow_id)
    group = session.require("flow_group", flow["flow_group_id"])
    creating.check_schedule(flow["parameters"], flow["schedule"], group)
    if flow["archived"]:
        raise BadInput("The flow is archived; activate the schedule of its newest version.")
    session.update("flow", {"id": flow_id, "is_schedule_active": True})


def _add_tasks(session: Session, flow_id: str, given: Sequence[Any]) -> None:
    rows = serialized.task_rows(flow_id, given)
    ids = _task_ids(session, flow_id)
    session.update("task", *({**row, "id": ids[row["slug"]]} for row in rows if row["slug"] in ids))
    session.insert("task", *({**row, **_PLACE} for row in rows if row["slug"] not in ids))


def _add_edges(session: Session, flow_id: str, given: Sequence[Any]) -> None:
    rows = serialized.edge_rows(flow_id, given, _task_ids(session, flow_id))
    ids = {_ends(edge): edge["id"] for edge in _edges(session, flow_id)}
    unique = {_ends(row): row for row in rows}
    known = [{"id": ids[ends], "mapped": row["mapped"]} for ends, row in unique.items() if ends in ids]
    session.update("edge", *known)
    session.insert("edge", *(row for ends, row in unique.items() if ends not in ids))


def _place_tasks(session: Session, flow_id: str) -> None:
    """Work out roots, terminal and reference tasks anew; only what changed is written."""
    tasks = session.views["task"]
    flow = session.require("flow", flow_id)
    # Of thousands of tasks, what is not needed here would take longer to read than all the rest.
    needed = [tasks.c[name] for name in ("id", "slug", *_PLACE)]
    rows = session.rows(select(*needed).where(tasks.c.flow_id == flow_id))
    slugs = {
        r.get("slug")
        for r in (flow["serialized_flow"] or {}).get("reference_tasks") or []
        if isinstance(r, dict)
    }
    places = serialized.topology(
        [dict(row) for row in rows],
        [dict(edge) for edge in _edges(session, flow_id)],
        {row["id"] for row in rows if row["slug"] in slugs},
    )
    current = {row["id"]: row for row in rows}
    changed = [place for place in places if any(current[place["id"]][k] != v for k, v in place.items())]
    session.update("task", *changed)


def _task_ids(session: Session, flow_id: str) -> dict[str, str]:
    tasks = session.views["task"]
    statement = select(tasks.c.slug, tasks.c.id).where(tasks.c.flow_id == flow_id)
    return {row["slug"]: row["id"] for row in session.rows(statement)}


def _edges(session: Session, flow_id: str) -> Sequence[RowMapping]:
    edges = session.views["edge"]
    needed = [edges.c[name] for name in ("id", "upstream_task_id", "downstream_task_id", "key", "mapped")]
    return session.rows(select(*needed).where(edges.c.flow_id == flow_id))


def _ends(edge: RowMapping | dict[str, Any]) -> tuple[str, str, str | None]:
    return edge["upstream_task_id"], edge["downstream_task_id"], edge["key"]
