"""What a registration changes beside the flow it adds: its version group and the versions before it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from orchestra_client.errors import BadInput
from orchestra_client.server.transitions.cancelling import cancel_flow_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, FromClause, RowMapping

    from orchestra_client.server.registration.creating import Order
    from orchestra_client.server.store.session import Session

DEFAULT_SETTINGS = {"heartbeat_enabled": True, "lazarus_enabled": True, "version_locking_enabled": False}


def groups_of(session: Session, project_id: str | None, orders: Sequence[Order]) -> list[RowMapping]:
    """The flow groups of orders, made where they are new, held until the transaction ends.

    Each is of the version group that its order names, else of that of the project's newest flow of the same name,
    else new.

    Raises:
        BadInput: two orders are of one version group.
    """
    nameless = [order.flow["name"] for order in orders if not order.version_group_id]
    found = _newest_groups(session, project_id, nameless)
    names = [
        # Two new flows of one name are of one group, as they would be one after the other.
        order.version_group_id or found.setdefault(order.flow["name"], str(uuid.uuid4()))
        for order in orders
    ]
    _check_different(names, [order.flow["name"] for order in orders])
    groups = _flow_groups(session, names)
    return [groups[name] for name in names]


def _newest_groups(session: Session, project_id: str | None, flow_names: Sequence[str]) -> dict[str, str]:
    """The version groups of the project's newest flows of these names, by name."""
    flows, groups = session.views["flow"], session.views["flow_group"]
    age = func.row_number().over(
        partition_by=flows.c.name, order_by=(flows.c.created.desc(), flows.c.version.desc())
    )
    in_project = flows.c.project_id.is_not_distinct_from(project_id)
    aged = (
        select(flows.c.name, flows.c.flow_group_id, age.label("age"))
        .where(flows.c.name.in_(flow_names), in_project)
        .subquery()
    )
    newest = (
        select(aged.c.name, groups.c.name.label("group_name"))
        .join(groups, groups.c.id == aged.c.flow_group_id)
        .where(aged.c.age == 1)
    )
    return {row["name"]: row["group_name"] for row in session.rows(newest)}


def _check_different(version_groups: Sequence[str], flow_names: Sequence[str]) -> None:
    of: dict[str, str] = {}
    for group, name in zip(version_groups, flow_names, strict=True):
        if group in of:
            raise BadInput(
                f"The flows {of[group]!r} and {name!r} are of one version group, {group!r}; of two versions only one "
                "can be the current one, so register them one after the other."
            )
        of[group] = name


def _flow_groups(session: Session, names: Sequence[str]) -> dict[str, RowMapping]:
    groups = session.views["flow_group"]
    known = session.rows(select(groups.c.id, groups.c.name).where(groups.c.name.in_(names)))
    missing = sorted(set(names) - {row["name"] for row in known})
    made = session.insert("flow_group", *({"name": name, "settings": DEFAULT_SETTINGS} for name in missing))
    held = session.hold("flow_group", [*(row["id"] for row in known), *made])
    return {row["name"]: row for row in held}


def latest(session: Session, flow_group_ids: Sequence[str]) -> dict[str, RowMapping]:
    """The highest version of each group that has one, archived or not, by group."""
    flows = session.views["flow"]
    place = func.row_number().over(partition_by=flows.c.flow_group_id, order_by=flows.c.version.desc())
    columns = [flows.c[name] for name in ("id", "flow_group_id", "version", "archived", "idempotency_key")]
    placed = (
        select(*columns, place.label("place")).where(flows.c.flow_group_id.in_(flow_group_ids)).subquery()
    )
    return {row["flow_group_id"]: row for row in session.rows(select(placed).where(placed.c.place == 1))}


def current(session: Session, flow_group_ids: Sequence[str]) -> list[str]:
    """The versions of groups that are not archived."""
    flows = session.views["flow"]
    statement = select(flows.c.id).where(
        flows.c.flow_group_id.in_(flow_group_ids), flows.c.archived.is_(False)
    )
    return [row["id"] for row in session.rows(statement)]


def archive(session: Session, flow_ids: Sequence[str]) -> None:
    """Archive flows: of the runs that have not begun, those that a schedule made are deleted, the others cancelled.

    A run that has begun and was scheduled again (a restart, Lazarus) is finished with the version that began it.
    """
    if not flow_ids:
        return
    session.update(
        "flow", *({"id": flow_id, "archived": True, "is_schedule_active": False} for flow_id in flow_ids)
    )
    delete_auto_scheduled(session, flow_ids)
    runs = session.views["flow_run"]
    waiting = select(runs.c.id).where(runs.c.flow_id.in_(flow_ids), _has_not_begun(runs))
    cancel_flow_runs(
        session, [row["id"] for row in session.rows(waiting)], "The flow was archived before this run began."
    )


def delete_auto_scheduled(session: Session, flow_ids: Sequence[str]) -> None:
    """Delete the runs that the scheduler made of these flows and that have not begun."""
    runs = session.views["flow_run"]
    statement = select(runs.c.id).where(
        runs.c.flow_id.in_(flow_ids), runs.c.auto_scheduled.is_(True), _has_not_begun(runs)
    )
    session.delete("flow_run", [row["id"] for row in session.rows(statement)])


def _has_not_begun(runs: FromClause) -> ColumnElement[bool]:
    # The state alone does not tell: a run that failed and was scheduled again has a history that nobody may lose.
    return and_(runs.c.state == "Scheduled", runs.c.start_time.is_(None))
