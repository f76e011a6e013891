"""Registering a flow: checking it, sending it in one piece or in several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from orchestra_client.errors import BadInput
from orchestra_client.operations import flows, projects
from orchestra_client.operations.aliases import chunks

if TYPE_CHECKING:
    from orchestra_client.operation import Procedure
    from orchestra_client.results import Project

__all__ = ["PIECE", "SerializableFlow", "register"]

PIECE = 500
"""How many tasks or edges go in one request; older servers time out on more."""


@runtime_checkable
class SerializableFlow(Protocol):
    """Anything that can write itself as a serialized flow."""

    def serialize(self, build: bool = ...) -> Mapping[str, Any]:
        """The flow as JSON; `build` also builds what it runs from, e.g. an image."""
        ...


def register(
    flow: SerializableFlow | Mapping[str, Any],
    project_name: str | None,
    *,
    build: bool,
    compressed: bool,
    set_schedule_active: bool,
    version_group_id: str | None,
    idempotency_key: str,
) -> Procedure[str]:
    """Register a flow's next version in a project that exists.

    A flow of up to `PIECE` tasks and edges goes in one request, which is applied as a whole or not at all. A larger
    one is created without its schedule, then gets its tasks and edges in pieces, and its schedule last.

    Args:
        flow: writes itself, or is serialized already.
        project_name: the project; None is refused.
        build: handed to `flow.serialize`.
        compressed: whether to send it compressed.
        set_schedule_active: whether its schedule shall make runs.
        version_group_id: the version group; None for that of the project's flow of the same name.
        idempotency_key: equal to that of the group's latest version, nothing is registered.

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
    tasks, edges = serialized.get("tasks") or [], serialized.get("edges") or []
    is_large = max(len(tasks), len(edges)) > PIECE
    flow_id: str = yield flows.create_flow(
        {**serialized, "tasks": [], "edges": []} if is_large else serialized,
        project.id,
        compressed=compressed,
        version_group_id=version_group_id,
        set_schedule_active=set_schedule_active and not is_large,
        idempotency_key=idempotency_key,
    )
    if is_large:
        for piece in chunks(tasks, PIECE):
            yield flows.register_tasks(flow_id, piece)
        for piece in chunks(edges, PIECE):
            yield flows.register_edges(flow_id, piece)
        if set_schedule_active and serialized.get("schedule"):
            yield flows.set_schedule_active(flow_id)
    return flow_id


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
