"""How one serialized flow differs from another, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestra_client.operations.schedules import schedule_in_words
from orchestra_client.procedures.registration.documents import parts
from orchestra_client.results.registration import FieldChange, FlowDiff, TaskChange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["diff_of"]

_PARTS = {"name", "tasks", "edges", "parameters", "schedule", "run_config", "storage", "reference_tasks"}
_HIDDEN = "***"
_WITHOUT_SLUG = {"slug"}
# Where a storage put the flow follows from the rest, and its hash from the source.
_PLACES = {"flows", "sha256"}

Document = Mapping[str, Any]


def diff_of(before: Document, after: Document) -> FlowDiff:
    """How a serialized flow differs from its registered version.

    Args:
        before: the registered version, as far as the server keeps it; empty when it keeps nothing.
        after: what is to be registered.

    Returns:
        What differs. Versions of libraries do not count, nor does the order of tasks, edges and parameters. Of a
        registered version without tasks, as older servers keep it, tasks and edges are not compared.
    """
    is_partial = not parts(before, "tasks") and bool(parts(after, "tasks"))
    graph = {} if is_partial else {**_tasks(before, after), **_edges(before, after)}
    if not before:
        return FlowDiff(is_partial=True)
    return FlowDiff(
        **graph,
        schedule=_schedule(before.get("schedule"), after.get("schedule")),
        parameters=_parameters(before, after),
        run_config=tuple(map(_unsecret, _fields(before.get("run_config"), after.get("run_config")))),
        storage=tuple(map(_readable, _fields(before.get("storage"), after.get("storage"), _PLACES))),
        other=(
            *_reference_tasks(before, after),
            *_fields(before, after, _PARTS),
        ),
        is_partial=is_partial,
    )


def _tasks(before: Document, after: Document) -> dict[str, Any]:
    old, new = _by(before, "tasks", "slug"), _by(after, "tasks", "slug")
    changed = {slug: _fields(old[slug], new[slug], _WITHOUT_SLUG) for slug in sorted(old.keys() & new.keys())}
    return {
        "tasks_added": tuple(sorted(new.keys() - old.keys())),
        "tasks_removed": tuple(sorted(old.keys() - new.keys())),
        "tasks_changed": tuple(TaskChange(slug, fields) for slug, fields in changed.items() if fields),
    }


def _edges(before: Document, after: Document) -> dict[str, Any]:
    old, new = ({_edge(edge) for edge in parts(flow, "edges")} for flow in (before, after))
    return {"edges_added": tuple(sorted(new - old)), "edges_removed": tuple(sorted(old - new))}


def _edge(edge: Document) -> str:
    ends = [(edge.get(end) or {}).get("slug") for end in ("upstream_task", "downstream_task")]
    notes = [edge.get("key"), *(flag for flag in ("mapped", "flattened") if edge.get(flag))]
    told = ", ".join(note for note in notes if note)
    return f"{ends[0]} → {ends[1]}" + (f" ({told})" if told else "")


def _schedule(before: Any, after: Any) -> FieldChange | None:
    old, new = _plain(before), _plain(after)
    if old == new:
        return None
    words = [schedule_in_words(each) for each in (old, new)]
    if words[0] == words[1]:
        words = [f"{words[0]} with {_details(each, other)}" for each, other in ((old, new), (new, old))]
    return FieldChange("schedule", *words)


def _details(schedule: Any, other: Any) -> str:
    """What the words leave out and another schedule has otherwise."""
    told, others = (dict(_leaves(each)) for each in (schedule, other))
    return ", ".join(f"{path}={value!r}" for path, value in told.items() if others.get(path, told) != value)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of JSON that are no objects or lists of objects, each with its path."""
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _parameters(before: Document, after: Document) -> tuple[FieldChange, ...]:
    old, new = _by(before, "parameters", "name"), _by(after, "parameters", "name")
    changes: list[FieldChange] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            told = [_parameter(each.get(name)) for each in (old, new)]
            changes.append(FieldChange(name, *told))
        else:
            changes += (
                FieldChange(f"{name}.{each.field}", each.before, each.after)
                for each in _fields(old[name], new[name], {"slug", "name"})
            )
    return tuple(changes)


def _parameter(parameter: Document | None) -> str | None:
    if parameter is None:
        return None
    return "required" if parameter.get("required") else f"default {parameter.get('default')!r}"


def _reference_tasks(before: Document, after: Document) -> tuple[FieldChange, ...]:
    old, new = (sorted(_by(flow, "reference_tasks", "slug")) for flow in (before, after))
    return (FieldChange("reference_tasks", old, new),) if old != new else ()


def _fields(before: Any, after: Any, ignored: Collection[str] = ()) -> tuple[FieldChange, ...]:
    """What differs between two objects, each of which may be missing."""
    old, new = (_plain(each) if isinstance(each, Mapping) else {} for each in (before, after))
    names = sorted((old.keys() | new.keys()) - set(ignored))
    return tuple(
        FieldChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
    )


def _unsecret(change: FieldChange) -> FieldChange:
    """Of environment variables only the names, and which of them differ."""
    if change.field != "env":
        return change
    old, new = (each if isinstance(each, Mapping) else {} for each in (change.before, change.after))
    return FieldChange("env", _masked(old, new, ""), _masked(new, old, " (changed)"))


def _masked(shown: Document, other: Document, mark: str) -> str | None:
    told = (
        f"{name}={_HIDDEN}" + (mark if name in other and shown[name] != other[name] else "")
        for name in sorted(shown)
    )
    return ", ".join(told) or None


def _readable(change: FieldChange) -> FieldChange:
    """Of a script's source the number of its lines."""
    if change.field != "source":
        return change
    return FieldChange("source", *(_lines(each) for each in (change.before, change.after)))


def _lines(source: Any) -> str | None:
    return f"{len(source.splitlines())} lines" if isinstance(source, str) else None


def _by(flow: Document, part: str, key: str) -> dict[str, Document]:
    return {str(each.get(key)): each for each in parts(flow, part)}


def _plain(value: Any) -> Any:
    """Without the versions of libraries."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "__version__"}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
