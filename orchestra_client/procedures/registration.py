"""Registering a flow: checking it, telling whether it changed, sending it in one piece or in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.flows.schemas.hashing import hash_document
from orchestra_client.operations import flows, projects
from orchestra_client.operations.aliases import chunks

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.results import Project

__all__ = ["PIECE", "HashedFlow", "SerializableFlow", "register"]

PIECE = 500
"""How many tasks or edges go in one request; older servers time out on more."""


@runtime_checkable
class SerializableFlow(Protocol):
    """Anything that can write itself as a serialized flow."""

    def serialize(self, build: bool = ...) -> Mapping[str, Any]:
        """The flow as JSON; `build` also builds what it runs from, e.g. an image."""
        ...


@runtime_checkable
class HashedFlow(SerializableFlow, Protocol):
    """A flow that tells by itself whether it has changed, as `orchestra_client.Flow` does."""

    def content_hash(self) -> str:
        """Equal as long as the flow is the same, in every process and on every machine."""
        ...


def register(
    flow: SerializableFlow | Mapping[str, Any],
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
        raise BadInput(
            f"there is no project {project_name!r}; create it with create_project({project_name!r})"
        )
    serialized = _serialized(flow, build=build)
    create = partial(
        flows.create_flow,
        project_id=project.id,
        compressed=compressed,
        version_group_id=version_group_id,
        idempotency_key=_content_hash(flow, serialized) if idempotency_key is None else idempotency_key,
    )
    if takes_large_flows or not _is_large(serialized):
        with suppress(PayloadTooLarge):  # nothing was applied then, and smaller requests may be taken
            whole: str = yield create(serialized, set_schedule_active=set_schedule_active)
            return whole
    flow_id: str = yield create({**serialized, "tasks": [], "edges": []}, set_schedule_active=False)
    yield from _complete(flow_id, serialized, set_schedule_active=set_schedule_active)
    return flow_id


def _is_large(flow: Mapping[str, Any]) -> bool:
    return max(len(_list(flow, "tasks")), len(_list(flow, "edges"))) > PIECE


def _complete(flow_id: str, flow: Mapping[str, Any], *, set_schedule_active: bool) -> Procedure[None]:
    """Add tasks and edges in pieces, and let the schedule make runs once all are there.

    Also when the key was known: that registration may have ended in the middle, and a repeat changes nothing.
    """
    for piece in chunks(_list(flow, "tasks"), PIECE):
        yield flows.register_tasks(flow_id, piece)
    for piece in chunks(_list(flow, "edges"), PIECE):
        yield flows.register_edges(flow_id, piece)
    if set_schedule_active and flow.get("schedule"):
        yield flows.set_schedule_active(flow_id)


def _content_hash(flow: SerializableFlow | Mapping[str, Any], serialized: Mapping[str, Any]) -> str:
    return flow.content_hash() if isinstance(flow, HashedFlow) else hash_document(serialized)


def _serialized(flow: SerializableFlow | Mapping[str, Any], *, build: bool) -> Mapping[str, Any]:
    if isinstance(flow, SerializableFlow):
        flow = flow.serialize(build=build)
    if not isinstance(flow, Mapping):
        raise TypeError(
            f"flow must have a method serialize(build=…) or be a serialized flow, not {type(flow).__name__}"
        )
    _check(flow)
    return flow


def _check(flow: Mapping[str, Any]) -> None:
    if not isinstance(flow.get("name"), str) or not flow["name"].strip():
        raise BadInput("the flow has no name")
    slugs = [_slug(task, f"tasks[{index}]") for index, task in enumerate(_list(flow, "tasks"))]
    known = set(slugs)
    if len(known) < len(slugs):
        twice = next(slug for slug in slugs if slugs.count(slug) > 1)
        raise BadInput(f"two tasks of the flow have the slug {twice!r}")
    for index, edge in enumerate(_list(flow, "edges")):
        for end in ("upstream_task", "downstream_task"):
            if _slug(edge.get(end), f"edges[{index}].{end}") not in known:
                raise BadInput(
                    f"edges[{index}].{end} is the task {edge[end]['slug']!r}, which the flow lacks"
                )
    _check_schedule(flow)


def _check_schedule(flow: Mapping[str, Any]) -> None:
    required = {each["name"] for each in _list(flow, "parameters") if each.get("required")}
    clocks = (flow.get("schedule") or {}).get("clocks") or []
    missing = {name for clock in clocks for name in required - set(clock.get("parameter_defaults") or ())}
    if missing:
        raise BadInput(
            f"the schedule cannot run the flow without {', '.join(sorted(missing))}: give these parameters a default, "
            "or each clock its parameter_defaults"
        )


def _list(flow: Mapping[str, Any], part: str) -> Sequence[Mapping[str, Any]]:
    value = flow.get(part)
    if value is None:
        return []
    if not isinstance(value, Sequence) or not all(isinstance(each, Mapping) for each in value):
        raise BadInput(f"{part} of the flow must be a list of objects")
    return value


def _slug(task: Any, where: str) -> str:
    slug = task.get("slug") if isinstance(task, Mapping) else None
    if not isinstance(slug, str) or not slug:
        raise BadInput(f"{where} of the flow names no task: it needs a slug")
    return slug
