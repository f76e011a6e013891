"""What is registered of a flow: its serialized form, checked, and what tells whether it has changed."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from orchestra_client.errors import BadInput
from orchestra_client.flows.schemas.hashing import hash_document
from orchestra_client.flows.settings import is_text
from orchestra_client.schemas.version import WIRE_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Given",
    "HashedFlow",
    "SerializableFlow",
    "content_hash",
    "hashing_of",
    "parts",
    "serialized",
    "with_labels",
]


@runtime_checkable
class SerializableFlow(Protocol):
    """Anything that can write itself as a serialized flow."""

    def serialize(self, build: bool = ...) -> Mapping[str, Any]:
        """The flow as JSON; `build` also builds what it runs from, e.g. an image."""
        ...


@runtime_checkable
class HashedFlow(SerializableFlow, Protocol):
    """A flow that tells by itself whether it has changed, as `orchestra_client.Flow` does."""

    @property
    def content_hash(self) -> Callable[..., str]:
        """A method: equal as long as the flow is the same, in every process and on every machine.

        One with an argument `document` is given the serialized flow; without that, the flow serializes itself again,
        and registered versions cannot be compared with it by their content.
        """
        ...


Given = SerializableFlow | Mapping[str, Any]
"""How a flow may be given: something that writes itself, or serialized already."""


def serialized(flow: Given, *, build: bool) -> Mapping[str, Any]:
    """The serialized flow, once it is known that it can be registered.

    Args:
        flow: writes itself, or is serialized already.
        build: handed to `flow.serialize`.

    Raises:
        TypeError: it is neither.
        BadInput: it has no name, a task twice, an edge that leads nowhere, or a schedule that cannot run it.
    """
    if isinstance(flow, SerializableFlow):
        flow = flow.serialize(build=build)
    if not isinstance(flow, Mapping):
        raise TypeError(
            f"flow must have a method serialize(build=…) or be a serialized flow, not {type(flow).__name__}"
        )
    _check(flow)
    return flow


def content_hash(flow: Given, document: Mapping[str, Any], labels: Sequence[str] = ()) -> str:
    """What tells whether a flow has changed; the same in every process and on every machine.

    Args:
        flow: as it was given.
        document: the flow, serialized, with the labels in it.
        labels: those that it is registered with besides its own, sorted.
    """
    hashing = hashing_of(flow)
    if hashing is not None:
        return hashing(document)
    assert isinstance(flow, HashedFlow)
    own = flow.content_hash()
    return hashlib.sha256(json.dumps([own, *labels]).encode()).hexdigest() if labels else own


def hashing_of(flow: Given) -> Callable[[Mapping[str, Any]], str] | None:
    """What makes the content hash of any serialized version of a flow; None where only the flow can, and of itself."""
    if not isinstance(flow, HashedFlow):
        return hash_document
    takes_document = "document" in inspect.signature(flow.content_hash).parameters
    return flow.content_hash if takes_document else None


def with_labels(document: Mapping[str, Any], labels: Sequence[str]) -> Mapping[str, Any]:
    """The serialized flow, its runs having labels besides its own; the argument stays as it is.

    They are where the flow has its own: in the run config, else in the environment of a flow of Prefect before 0.14,
    else in a run config that any agent can follow.
    """
    if not labels:
        return document
    place = next((part for part in ("run_config", "environment") if document.get(part)), None)
    if place is None:
        run_config = {
            "type": "UniversalRun",
            "env": None,
            "labels": list(labels),
            "__version__": WIRE_VERSION,
        }
        return {**document, "run_config": run_config}
    config = document[place]
    return {**document, place: {**config, "labels": sorted({*(config.get("labels") or ()), *labels})}}


def _check(flow: Mapping[str, Any]) -> None:
    if not isinstance(flow.get("name"), str) or not flow["name"].strip():
        raise BadInput("the flow has no name")
    if not is_text(flow["name"]):
        raise BadInput(
            f"the flow's name holds a NUL or half of a surrogate pair: {flow['name']!a:.60}; remove them"
        )
    slugs = [_slug(task, f"tasks[{index}]") for index, task in enumerate(parts(flow, "tasks"))]
    known = set(slugs)
    if len(known) < len(slugs):
        twice = next(slug for slug in slugs if slugs.count(slug) > 1)
        raise BadInput(f"two tasks of the flow have the slug {twice!r}")
    for index, edge in enumerate(parts(flow, "edges")):
        for end in ("upstream_task", "downstream_task"):
            if _slug(edge.get(end), f"edges[{index}].{end}") not in known:
                raise BadInput(
                    f"edges[{index}].{end} is the task {edge[end]['slug']!r}, which the flow lacks"
                )
    _check_schedule(flow)


def _check_schedule(flow: Mapping[str, Any]) -> None:
    required = {each["name"] for each in parts(flow, "parameters") if each.get("required")}
    clocks = (flow.get("schedule") or {}).get("clocks") or []
    missing = {name for clock in clocks for name in required - set(clock.get("parameter_defaults") or ())}
    if missing:
        raise BadInput(
            f"the schedule cannot run the flow without {', '.join(sorted(missing))}: give these parameters a default, "
            "or each clock its parameter_defaults"
        )


def parts(flow: Mapping[str, Any], part: str) -> Sequence[Mapping[str, Any]]:
    """The tasks, edges or parameters of a serialized flow; none where there is no list of them.

    Raises:
        BadInput: they are no list of objects.
    """
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
