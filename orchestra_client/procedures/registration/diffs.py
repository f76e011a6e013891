"""How one serialized flow differs from another, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from orchestra_client.operations.schedules import schedule_in_words
from orchestra_client.procedures.registration.documents import parts
from orchestra_client.procedures.registration.fields import differences, plain
from orchestra_client.results.registration import FieldChange, FlowDiff, TaskChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["diff_of", "edges_of"]

_PARTS = {"name", "tasks", "edges", "parameters", "schedule", "run_config", "storage", "reference_tasks"}
_WITHOUT_SLUG = {"slug"}
# Where a storage put the flow follows from the rest, and its hash from the source.
_PLACES = {"flows", "sha256"}

Document = Mapping[str, Any]


def diff_of(before: Document, after: Document, graph: Document | None = None) -> FlowDiff:
    """How a serialized flow differs from its registered version.

    Args:
        before: the registered version, as far as the server keeps it; empty when it keeps nothing.
        after: what is to be registered.
        graph: the registered version's tasks and edges as the server's tables have them, for one that was registered
            in pieces; None where they stand in `before`.

    Returns:
        What differs. Versions of libraries do not count, nor does the order of tasks, edges and parameters. Against a
        `graph`, tasks and edges are compared as far as tables have them.
    """
    if graph is not None and not parts(graph, "tasks"):
        graph = None  # a flow that has none
    old, new = (before, after) if graph is None else ({**before, **graph}, _tabled(after, graph))
    return FlowDiff(
        **_tasks(old, new),
        **_edges(old, new),
        **(_settings(before, after) if before else {}),
        is_partial=graph is not None or not before,
    )


def _settings(before: Document, after: Document) -> dict[str, Any]:
    """What differs beside tasks and edges."""
    storage = differences(before.get("storage"), after.get("storage"), _PLACES)
    return {
        "schedule": _schedule(before.get("schedule"), after.get("schedule")),
        "parameters": _parameters(before, after),
        "run_config": differences(before.get("run_config"), after.get("run_config")),
        "storage": tuple(map(_readable, storage)),
        "other": (*_reference_tasks(before, after), *differences(before, after, _PARTS)),
    }


def _tabled(flow: Document, graph: Document) -> Document:
    """The flow with what tables have of its tasks and edges."""
    columns = {name for task in parts(graph, "tasks")[:1] for name in task} or {"slug"}
    empty = {"max_retries": 0, "tags": [], "auto_generated": False}
    tasks = [{name: task.get(name) or empty.get(name) for name in columns} for task in parts(flow, "tasks")]
    edges = [{**edge, "flattened": False} for edge in parts(flow, "edges")]
    return {**flow, "tasks": tasks, "edges": edges}


def _tasks(before: Document, after: Document) -> dict[str, Any]:
    old, new = _by(before, "tasks", "slug"), _by(after, "tasks", "slug")
    changed = {
        slug: differences(old[slug], new[slug], _WITHOUT_SLUG) for slug in sorted(old.keys() & new.keys())
    }
    return {
        "tasks_added": tuple(sorted(new.keys() - old.keys())),
        "tasks_removed": tuple(sorted(old.keys() - new.keys())),
        "tasks_changed": tuple(TaskChange(slug, fields) for slug, fields in changed.items() if fields),
    }


def _edges(before: Document, after: Document) -> dict[str, Any]:
    old, new = edges_of(before), edges_of(after)
    return {"edges_added": tuple(sorted(new - old)), "edges_removed": tuple(sorted(old - new))}


def edges_of(flow: Document) -> set[str]:
    """The edges of a serialized flow as text, ``extract → load (rows, mapped)``, each once."""
    return {_edge(edge) for edge in parts(flow, "edges")}


def _edge(edge: Document) -> str:
    ends = [(edge.get(end) or {}).get("slug") for end in ("upstream_task", "downstream_task")]
    notes = [edge.get("key"), *(flag for flag in ("mapped", "flattened") if edge.get(flag))]
    told = ", ".join(note for note in notes if note)
    return f"{ends[0]} → {ends[1]}" + (f" ({told})" if told else "")


def _schedule(before: Any, after: Any) -> FieldChange | None:
    old, new = plain(before), plain(after)
    if old == new:
        return None
    words = [schedule_in_words(each) for each in (old, new)]
    if words[0] == words[1]:
        one, other = (dict(_leaves(each)) for each in (old, new))
        # A field that is null differs from one that is missing.
        paths = [path for path in {**one, **other} if one.get(path, one) != other.get(path, other)]
        if len(paths) == 1:
            return FieldChange(f"schedule.{paths[0]}", one.get(paths[0]), other.get(paths[0]))
        words = [f"{words[0]} with {_details(each, paths)}" for each in (one, other)]
    return FieldChange("schedule", *words)


def _details(leaves: Document, paths: Iterable[str]) -> str:
    """What the words leave out and another schedule has otherwise."""
    return ", ".join(f"{path}={leaves[path]!r}" for path in paths if path in leaves)


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
                for each in differences(old[name], new[name], {"slug", "name"})
            )
    return tuple(changes)


def _parameter(parameter: Document | None) -> str | None:
    if parameter is None:
        return None
    return "required" if parameter.get("required") else f"default {parameter.get('default')!r}"


def _reference_tasks(before: Document, after: Document) -> tuple[FieldChange, ...]:
    old, new = (sorted(_by(flow, "reference_tasks", "slug")) for flow in (before, after))
    return (FieldChange("reference_tasks", old, new),) if old != new else ()


def _readable(change: FieldChange) -> FieldChange:
    """Of a script's source how many lines it has, and how many of them differ."""
    if change.field != "source":
        return change
    before, after = (
        each.splitlines() if isinstance(each, str) else [] for each in (change.before, change.after)
    )
    same = sum(block.size for block in SequenceMatcher(None, before, after).get_matching_blocks())
    return FieldChange(
        "source",
        _lines(change.before, len(before) - same, "gone"),
        _lines(change.after, len(after) - same, "new"),
    )


def _lines(source: Any, differing: int, what: str) -> str | None:
    if not isinstance(source, str):
        return None
    return f"{len(source.splitlines())} lines" + (f", {differing} of them {what}" if differing else "")


def _by(flow: Document, part: str, key: str) -> dict[str, Document]:
    return {str(each.get(key)): each for each in parts(flow, part)}
