"""What a registration changes beside the flow it adds: its version group and the versions before it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import select

from orchestra_client.server.transitions.cancelling import cancel_flow_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping

    from orchestra_client.server.store.session import Session

DEFAULT_SETTINGS = {"heartbeat_enabled": True, "lazarus_enabled": True, "version_locking_enabled": False}


def version_group(session: Session, project_id: str | None, name: str, given: str | None) -> str:
    """The version group of a flow: the one given, else that of the project's newest flow of that name, else new."""
    if given:
        return given
    flows, groups = session.views["flow"], session.views["flow_group"]
    newest = (
        select(groups.c.name)
        .join(flows, flows.c.flow_group_id == groups.c.id)
        .where(flows.c.name == name, flows.c.project_id.is_not_distinct_from(project_id))
        .order_by(flows.c.created.desc(), flows.c.version.desc())
        .limit(1)
    )
    return session.scalar(newest) or str(uuid.uuid4())


def flow_group(session: Session, version_group_id: str) -> RowMapping:
    """The flow group of a version group, made where it is new, held until the transaction ends."""
    groups = session.views["flow_group"]
    group_id = session.scalar(select(groups.c.id).where(groups.c.name == version_group_id))
    if group_id is None:
        [group_id] = session.insert("flow_group", {"name": version_group_id, "settings": DEFAULT_SETTINGS})
    return session.require("flow_group", group_id, lock=True)


def latest(session: Session, flow_group_id: str) -> RowMapping | None:
    """The group's highest version, archived or not."""
    flows = session.views["flow"]
    return session.first(
        select(flows.c.id, flows.c.version, flows.c.archived, flows.c.idempotency_key)
        .where(flows.c.flow_group_id == flow_group_id)
        .order_by(flows.c.version.desc())
        .limit(1)
    )


def archive_others(session: Session, flow_group_id: str, kept: str) -> None:
    """Archive every version of a group but `kept`."""
    flows = session.views["flow"]
    statement = select(flows.c.id).where(
        flows.c.flow_group_id == flow_group_id, flows.c.id != kept, flows.c.archived.is_(False)
    )
    archive(session, [row["id"] for row in session.rows(statement)])


def archive(session: Session, flow_ids: Sequence[str]) -> None:
    """Archive flows: runs that a schedule made are deleted, the others that have not begun are cancelled."""
    session.update(
        "flow", *({"id": flow_id, "archived": True, "is_schedule_active": False} for flow_id in flow_ids)
    )
    delete_auto_scheduled(session, flow_ids)
    runs = session.views["flow_run"]
    waiting = select(runs.c.id).where(runs.c.flow_id.in_(flow_ids), runs.c.state == "Scheduled")
    cancel_flow_runs(
        session, [row["id"] for row in session.rows(waiting)], "The flow was archived before this run began."
    )


def delete_auto_scheduled(session: Session, flow_ids: Sequence[str]) -> None:
    """Delete the runs that the scheduler made of these flows and that have not begun."""
    runs = session.views["flow_run"]
    statement = select(runs.c.id).where(
        runs.c.flow_id.in_(flow_ids), runs.c.auto_scheduled.is_(True), runs.c.state == "Scheduled"
    )
    session.delete("flow_run", [row["id"] for row in session.rows(statement)])
