"""The JSON of flows and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields

from orchestra_client.errors import FlowError
from orchestra_client.flows.edges import Edge
from orchestra_client.flows.flow import Flow
from orchestra_client.flows.schemas.storages import (
    dump_run_config,
    dump_storage,
    load_run_config,
    load_storage,
)
from orchestra_client.flows.schemas.tasks import dump_parameter, dump_task, load_task
from orchestra_client.schemas.documents import (
    DocumentSchema,
    JSONValue,
    in_order,
    load_document,
    split_extra,
)
from orchestra_client.schemas.schedules import load_schedule
from orchestra_client.schemas.version import WIRE_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.flows.tasks import Task

__all__ = ["dump_flow", "load_flow"]


class SlugSchema(DocumentSchema):
    """A task as edges and the list of reference tasks name it."""

    slug = fields.String(required=True)


class EdgeSchema(DocumentSchema):
    """`Edge`."""

    upstream_task = fields.Nested(SlugSchema, required=True)
    downstream_task = fields.Nested(SlugSchema, required=True)
    key = fields.String(allow_none=True)
    mapped = fields.Boolean(allow_none=True)
    flattened = fields.Boolean(allow_none=True)


class FlowSchema(DocumentSchema):
    """`Flow`; its parts are read one by one, for what tasks and edges are depends on the others."""

    name = fields.String(required=True)
    type = fields.String(allow_none=True)
    tasks = fields.List(JSONValue(), allow_none=True)
    edges = fields.List(fields.Nested(EdgeSchema), allow_none=True)
    parameters = fields.List(fields.Dict(), allow_none=True)
    reference_tasks = fields.List(fields.Nested(SlugSchema), allow_none=True)
    schedule = JSONValue()
    storage = JSONValue()
    run_config = JSONValue()


_flow = FlowSchema()


def dump_flow(flow: Flow) -> dict[str, Any]:
    """Write a flow; see `Flow.serialize`.

    Raises:
        FlowError: a part of it has no JSON.
    """
    slugs = flow.slugs
    document = {
        "name": flow.name,
        "type": "prefect.core.flow.Flow",
        "tasks": [dump_task(task, slugs[task]) for task in sorted(flow.tasks, key=slugs.__getitem__)],
        "edges": [_dump_edge(edge, slugs) for edge in sorted(flow.edges, key=lambda e: _edge_key(e, slugs))],
        "parameters": [
            dump_parameter(parameter, slugs[parameter])
            for parameter in sorted(flow.parameters(), key=slugs.__getitem__)
        ],
        "reference_tasks": [
            _slug(slug) for slug in sorted(slugs[task] for task in flow.chosen_reference_tasks())
        ],
        "schedule": None if flow.schedule is None else flow.schedule.serialize(),
        "storage": dump_storage(flow.storage),
        "run_config": dump_run_config(flow.run_config),
        **flow.extra_fields,
        "__version__": WIRE_VERSION,
    }
    ordered: dict[str, Any] = in_order(document)
    return ordered


def load_flow(document: Mapping[str, Any]) -> Flow:
    """Read a flow; see `Flow.deserialize`.

    Raises:
        FlowError: it is not the JSON of a flow; the error names the place.
    """
    values = load_document(_flow, document, "a flow")
    schedule = values.get("schedule")
    flow = Flow(
        values["name"],
        schedule=None if schedule is None else load_schedule(schedule),
        storage=load_storage(values.get("storage")),
        run_config=load_run_config(values.get("run_config")),
    )
    _load_tasks(flow, values)
    for edge in values.get("edges") or ():
        flow.restore_edge(_load_edge(edge, flow))
    flow.set_reference_tasks(flow.task_of(each["slug"]) for each in values.get("reference_tasks") or ())
    flow.is_placeholder = True
    flow.extra_fields = split_extra(values, _flow.fields)
    return flow


def _load_tasks(flow: Flow, values: dict[str, Any]) -> None:
    parameters = {each.get("slug") or each.get("name"): each for each in values.get("parameters") or ()}
    for index, task in enumerate(values.get("tasks") or ()):
        flow.add_task(load_task(task, parameters, f"tasks[{index}]"))
    for slug, parameter in parameters.items():
        if slug not in flow.slugs.values():
            flow.add_task(load_task({**parameter, "slug": slug}, parameters, f"the parameter {slug!r}"))


def _dump_edge(edge: Edge, slugs: Mapping[Task, str]) -> dict[str, Any]:
    return {
        "upstream_task": _slug(slugs[edge.upstream_task]),
        "downstream_task": _slug(slugs[edge.downstream_task]),
        "key": edge.key,
        "mapped": edge.mapped,
        "flattened": edge.flattened,
        "__version__": WIRE_VERSION,
    }


def _load_edge(values: Mapping[str, Any], flow: Flow) -> Edge:
    upstream, downstream = (flow.task_of(values[end]["slug"]) for end in ("upstream_task", "downstream_task"))
    try:
        return Edge(
            upstream, downstream, values.get("key"), bool(values.get("mapped")), bool(values.get("flattened"))
        )
    except FlowError as error:
        raise FlowError(f"this is not the JSON of a flow: {error}") from None


def _edge_key(edge: Edge, slugs: Mapping[Task, str]) -> tuple[str, str, str]:
    return slugs[edge.upstream_task], slugs[edge.downstream_task], edge.key or ""


def _slug(slug: str) -> dict[str, str]:
    return {"slug": slug, "__version__": WIRE_VERSION}
