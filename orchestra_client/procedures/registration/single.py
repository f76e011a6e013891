"""Registering one flow, in one piece or in several."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.operations import flows, projects
from orchestra_client.operations.aliases import chunks
from orchestra_client.operations.registration import Registration
from orchestra_client.procedures.registration.documents import content_hash, parts, serialized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.operation import Procedure
    from orchestra_client.procedures.registration.documents import Given
    from orchestra_client.results import Project

__all__ = ["PIECE", "is_large", "no_project", "register", "send_registration"]

PIECE = 500
"""How many tasks or edges go in one request; older servers time out on more."""


def register(
    flow: Given,
    project_name: str | None,
    *,
    build: bool,
    compressed: bool,
    set_schedule_active: bool,
    version_group_id: str | None,
    idempotency_key: str | None,
    takes_large_flows: bool,
) -> Procedure[str]:
    """Register a flow's next version in a project that exists, unless it is the latest one already.

    Args:
        flow: writes itself, or is serialized already.
        project_name: the project; None is refused.
        build: handed to `flow.serialize`.
        compressed: whether to send it compressed.
        set_schedule_active: whether its schedule shall make runs.
        version_group_id: the version group; None for that of the project's flow of the same name.
        idempotency_key: equal to that of the group's latest version, nothing is registered; None for the hash of
            the flow's content.
        takes_large_flows: whether the server takes flows of any size in one request. Others take up to `PIECE` tasks
            and edges.

    Returns:
        The flow's id.

    Raises:
        BadInput: there is no such project, or the flow cannot be registered as it is.
    """
    if project_name is None:
        raise BadInput("say which project to register the flow in: project_name")
    project: Project | None = yield projects.find_project(project_name)
    if project is None:
        raise no_project(project_name)
    document = serialized(flow, build=build)
    key = content_hash(flow, document) if idempotency_key is None else idempotency_key
    return (
        yield from send_registration(
            Registration(document, key, set_schedule_active),
            project.id,
            compressed=compressed,
            version_group_id=version_group_id,
            takes_large_flows=takes_large_flows,
        )
    )


def no_project(name: str) -> BadInput:
    """The error for a project that does not exist."""
    return BadInput(f"there is no project {name!r}; create it with create_project({name!r})")


def send_registration(
    registration: Registration,
    project_id: str,
    *,
    takes_large_flows: bool,
    compressed: bool = True,
    version_group_id: str | None = None,
) -> Procedure[str]:
    """Send a flow as a whole where the server takes it, else in pieces.

    Args:
        registration: what is to be registered.
        project_id: where.
        takes_large_flows: as for `register`.
        compressed: as for `register`.
        version_group_id: as for `register`.

    Returns:
        The flow's id.
    """
    create = partial(
        flows.create_flow,
        project_id=project_id,
        compressed=compressed,
        version_group_id=version_group_id,
        idempotency_key=registration.key,
    )
    document, is_active = registration.document, registration.set_schedule_active
    if takes_large_flows or not is_large(document):
        with suppress(PayloadTooLarge):  # nothing was applied then, and smaller requests may be taken
            whole: str = yield create(document, set_schedule_active=is_active)
            return whole
    flow_id: str = yield create({**document, "tasks": [], "edges": []}, set_schedule_active=False)
    yield from _complete(flow_id, document, set_schedule_active=is_active)
    return flow_id


def is_large(flow: Mapping[str, Any]) -> bool:
    """Whether older servers take the flow in pieces only."""
    return max(len(parts(flow, "tasks")), len(parts(flow, "edges"))) > PIECE


def _complete(flow_id: str, flow: Mapping[str, Any], *, set_schedule_active: bool) -> Procedure[None]:
    """Add tasks and edges in pieces, and let the schedule make runs once all are there.

    Also when the key was known: that registration may have ended in the middle, and a repeat changes nothing.
    """
    for piece in chunks(parts(flow, "tasks"), PIECE):
        yield flows.register_tasks(flow_id, piece)
    for piece in chunks(parts(flow, "edges"), PIECE):
        yield flows.register_edges(flow_id, piece)
    if set_schedule_active and flow.get("schedule"):
        yield flows.set_schedule_active(flow_id)
