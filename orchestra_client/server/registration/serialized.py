"""A serialized flow, its tasks and edges, as rows of the store. Nothing here touches a database."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, FlowError, PayloadTooLarge
from orchestra_client.server.characters import checked
from orchestra_client.server.checks import bounded
from orchestra_client.server.store import json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_FLOW_BYTES = 64 * 1024 * 1024
"""How large a serialized flow may be once decompressed, so that a small request cannot fill the memory."""

MAX_VALUES = 4_000_000
"""How many values it may hold: a list of lists takes twenty times as much memory as its text."""

MAX_TAGS = 1000
"""Of one task: each is looked up when its runs start."""

MAX_NUMBER = 2**31 - 1
"""Of retries, and of seconds between them: what GraphQL's Int can tell."""


def decompress(text: str) -> Any:
    """The JSON of base64(gzip(JSON)).

    Raises:
        BadInput: it is not that, or holds what no argument may hold either: NUL, or a value nested too deeply.
        PayloadTooLarge: it unpacks to more than `MAX_FLOW_BYTES`, or to more than `MAX_VALUES`.
    """
    data = unpack(text, MAX_FLOW_BYTES)
    if json.count(data) > MAX_VALUES:
        raise PayloadTooLarge(f"serialized_flow holds more than {MAX_VALUES} values.")
    return read(data)


def unpack(text: str, max_bytes: int) -> bytes:
    """What base64(gzip(…)) was made of.

    Raises:
        BadInput: it is not that.
        PayloadTooLarge: it unpacks to more than `max_bytes`.
    """
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        data = unpacker.decompress(base64.b64decode(text, validate=True), max_bytes + 1)
    except (binascii.Error, ValueError, zlib.error):
        raise BadInput(
            "serialized_flow is not base64(gzip(JSON)); send what the client's compress() makes."
        ) from None
    if len(data) > max_bytes:
        raise PayloadTooLarge(f"serialized_flow unpacks to more than {max_bytes} bytes.")
    if not unpacker.eof or unpacker.unused_data:
        raise BadInput("serialized_flow is cut off, or has more behind its gzip; send what compress() makes.")
    return data


def read(data: bytes) -> Any:
    """The JSON of an unpacked flow.

    Raises:
        BadInput: it is none, or holds what no argument may hold either: NUL, or a value nested too deeply.
    """
    try:
        flow = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput("serialized_flow unpacks to something that is not JSON.") from None
    return checked("create_flow", {"serialized_flow": flow})["serialized_flow"]


def check_flow(serialized: Any) -> dict[str, Any]:
    """The serialized flow, once it is known to have the shape of one.

    Raises:
        BadInput: a part is missing or of the wrong type, a slug stands twice, an edge leads nowhere.
    """
    if not isinstance(serialized, dict):
        raise BadInput("serialized_flow must be an object, as flow.serialize() makes it.")
    _text(serialized, "name", "serialized_flow")
    _optional_text(serialized, "__version__", "serialized_flow")
    for part in ("tasks", "edges", "parameters", "reference_tasks"):
        _check_list(serialized, part, "serialized_flow")
    for part in ("environment", "run_config", "schedule", "storage"):
        if not isinstance(serialized.get(part), dict | None):
            raise BadInput(f"serialized_flow.{part} must be an object.")
    _check_list(serialized.get("schedule") or {}, "clocks", "serialized_flow.schedule")
    for part, key in (("parameters", "name"), ("reference_tasks", "slug")):
        for index, item in enumerate(serialized.get(part) or []):
            path = f"serialized_flow.{part}[{index}]"
            _text(_object(item, path), key, path)
    if serialized.get("schedule"):
        check_schedule(serialized["schedule"])
    return serialized


def check_schedule(schedule: dict[str, Any]) -> None:
    """See whether the scheduler understands a schedule; clocks and filters that it does not know are no fault.

    Raises:
        BadInput: it does not.
    """
    from orchestra_client.schedules import Schedule  # noqa: PLC0415 (marshmallow and a cron library, for this alone)

    try:
        Schedule.deserialize(schedule)
    except FlowError as error:
        raise BadInput(f"The schedule cannot be used: {error}") from None


def task_rows(flow_id: str, serialized_tasks: Sequence[Any]) -> list[dict[str, Any]]:
    """One row per serialized task, its place in the flow still unknown.

    Raises:
        BadInput: a task lacks its name or slug, one of its texts is too long, or two share a slug.
    """
    rows = [
        _task_row(flow_id, task, f"serialized_tasks[{index}]") for index, task in enumerate(serialized_tasks)
    ]
    seen: set[str] = set()
    for row in rows:
        if row["slug"] in seen:
            raise BadInput(f"Two tasks have the slug {row['slug']!r}; slugs are unique within a flow.")
        seen.add(row["slug"])
    return rows


def edge_rows(flow_id: str, serialized_edges: Sequence[Any], ids: dict[str, str]) -> list[dict[str, Any]]:
    """One row per serialized edge.

    Args:
        flow_id: the flow.
        serialized_edges: as the author's client made them.
        ids: of the flow's tasks, by slug.

    Raises:
        BadInput: an edge names a task that the flow does not have.
    """
    return [
        _edge_row(flow_id, edge, ids, f"serialized_edges[{index}]")
        for index, edge in enumerate(serialized_edges)
    ]


def topology(
    tasks: Iterable[dict[str, Any]], edges: Sequence[dict[str, Any]], reference_ids: set[str]
) -> list[dict[str, Any]]:
    """Each task's place among the edges: whether it is mapped, a root, terminal, a reference task.

    Without explicit reference tasks the terminal ones are.
    """
    downstream = {edge["downstream_task_id"] for edge in edges}
    upstream = {edge["upstream_task_id"] for edge in edges}
    mapped = {edge["downstream_task_id"] for edge in edges if edge["mapped"]}
    return [
        {
            "id": task["id"],
            "mapped": task["id"] in mapped,
            "is_root_task": task["id"] not in downstream,
            "is_terminal_task": task["id"] not in upstream,
            "is_reference_task": task["id"] in reference_ids if reference_ids else task["id"] not in upstream,
        }
        for task in tasks
    ]


def required_parameters(parameters: Any) -> set[str]:
    """The names of the parameters without which a flow cannot run."""
    return {p["name"] for p in parameters or [] if isinstance(p, dict) and p.get("required")}


def unscheduled_parameters(parameters: Any, schedule: Any, defaults: dict[str, Any]) -> set[str]:
    """The required parameters that some clock of a schedule, and the group's defaults, leave without a value."""
    required = required_parameters(parameters) - defaults.keys()
    clocks = schedule.get("clocks") or [] if isinstance(schedule, dict) else []
    return {name for clock in clocks for name in required - (_parameter_defaults(clock) or {}).keys()}


def _parameter_defaults(clock: Any) -> dict[str, Any] | None:
    defaults = clock.get("parameter_defaults") if isinstance(clock, dict) else None
    return defaults if isinstance(defaults, dict) else None


def _task_row(flow_id: str, task: Any, path: str) -> dict[str, Any]:
    task = _object(task, path)
    return {
        "flow_id": flow_id,
        "name": _text(task, "name", path),
        "slug": _text(task, "slug", path),
        "type": _optional_text(task, "type", path),
        "description": _optional_text(task, "description", path),
        "max_retries": _count(task, "max_retries", path),
        "retry_delay": _number(task, "retry_delay", path),
        "trigger": task.get("trigger"),
        "auto_generated": bool(task.get("auto_generated")),
        "cache_key": _optional_text(task, "cache_key", path),
        "tags": _tags(task.get("tags"), path),
    }


def _edge_row(flow_id: str, edge: Any, ids: dict[str, str], path: str) -> dict[str, Any]:
    edge = _object(edge, path)
    ends = {}
    for end in ("upstream_task", "downstream_task"):
        slug = _text(_object(edge.get(end), f"{path}.{end}"), "slug", f"{path}.{end}")
        if slug not in ids:
            raise BadInput(
                f"{path}.{end} names the task {slug!r}, which the flow does not have; register it first."
            )
        ends[f"{end}_id"] = ids[slug]
    return {
        "flow_id": flow_id,
        **ends,
        "key": _optional_text(edge, "key", path),
        "mapped": bool(edge.get("mapped")),
    }


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{path} must be an object.")
    return value


def _text(container: dict[str, Any], name: str, path: str) -> str:
    value = container.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"{path}.{name} must be a text that is not empty.")
    return bounded(value, f"{path}.{name}")


def _optional_text(container: dict[str, Any], name: str, path: str) -> str | None:
    value = container.get(name)
    if not isinstance(value, str | None):
        raise BadInput(f"{path}.{name} must be a text, or null.")
    return value


def _check_list(container: dict[str, Any], name: str, path: str) -> None:
    if not isinstance(container.get(name), list | None):
        raise BadInput(f"{path}.{name} must be a list.")


def _number(container: dict[str, Any], name: str, path: str) -> float | None:
    value = container.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or (is_number and 0 <= value <= MAX_NUMBER):
        return value
    raise BadInput(f"{path}.{name} must be a number from 0 to {MAX_NUMBER}.")


def _count(container: dict[str, Any], name: str, path: str) -> int:
    number = _number(container, name, path) or 0
    if number != int(number):
        raise BadInput(f"{path}.{name} must be a whole number.")
    return int(number)


def _tags(tags: Any, path: str) -> list[str]:
    if not isinstance(tags, list | None) or not all(isinstance(tag, str) for tag in tags or []):
        raise BadInput(f"{path}.tags must be a list of texts.")
    if len(tags or []) > MAX_TAGS:
        raise BadInput(f"{path}.tags are {len(tags or [])}; a task has at most {MAX_TAGS}.")
    return sorted({bounded(tag, f"A tag in {path}.tags") for tag in tags or []})
