"""Registering many flows: what would change, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.errors import OrchestraError
    from orchestra_client.results.flows import Project

__all__ = [
    "ChangeKind",
    "FieldChange",
    "FlowChange",
    "FlowDiff",
    "RegisteredFlow",
    "RegistrationPlan",
    "RegistrationResult",
    "TaskChange",
]

_MAX_SHOWN = 60
_AROUND = 12
"""Characters of a long value that are shown beside what differs."""

ChangeKind = Literal["new", "changed", "unchanged", "archived", "refused"]
"""What registering means for a flow: its first version, another one, none; its end; or that it cannot be."""


@dataclass(frozen=True, slots=True)
class FieldChange(Record):
    """One value that differs. `str()` of it is a line for people.

    Attributes:
        field: its path, e.g. ``max_retries`` of a task, ``day.default`` of the parameters.
        before: what it was, as JSON or as text for people; None when it was not there.
        after: what it is now; None when it is not there.
    """

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = _told(self.before, self.after)
        return f"{self.field}: {before} → {after}"


@dataclass(frozen=True, slots=True)
class TaskChange(Record):
    """A task of both versions that is not the same in both. `str()` of it is a line for people.

    Attributes:
        slug: the task's name within its flow.
        fields: what differs, at least one.
    """

    slug: str
    fields: tuple[FieldChange, ...]

    def __str__(self) -> str:
        return f"{self.slug}: {', '.join(map(str, self.fields))}"


@dataclass(frozen=True, slots=True)
class FlowDiff(Record):
    """How a flow differs from its registered version; true when it does at all.

    Values of environment variables are left out, for they may be secret: a changed one reads ``***``.

    Attributes:
        tasks_added: slugs, in order.
        tasks_removed: slugs, in order.
        tasks_changed: by slug.
        edges_added: as text, ``extract → load (rows, mapped)``.
        edges_removed: likewise.
        schedule: both schedules in words, ``every hour``, or the only field that differs when words leave it out;
            None when they are the same.
        parameters: what differs, the paths starting with the parameter's name.
        run_config: what differs.
        storage: what differs; of a script's source how many lines there are, and how many differ.
        other: whatever else differs, such as the reference tasks; ``archived`` when the version was.
        is_partial: the server keeps only some of the registered version, so that there may be more.
    """

    tasks_added: tuple[str, ...] = ()
    tasks_removed: tuple[str, ...] = ()
    tasks_changed: tuple[TaskChange, ...] = ()
    edges_added: tuple[str, ...] = ()
    edges_removed: tuple[str, ...] = ()
    schedule: FieldChange | None = None
    parameters: tuple[FieldChange, ...] = ()
    run_config: tuple[FieldChange, ...] = ()
    storage: tuple[FieldChange, ...] = ()
    other: tuple[FieldChange, ...] = ()
    is_partial: bool = False

    def __bool__(self) -> bool:
        return any(self.lines())

    def lines(self) -> Iterator[str]:
        """The differences for people, one a line: ``+`` is new, ``-`` is gone, ``~`` differs, ``?`` cannot be told."""
        yield from (f"+ task {slug}" for slug in self.tasks_added)
        yield from (f"- task {slug}" for slug in self.tasks_removed)
        yield from (f"~ task {task}" for task in self.tasks_changed)
        yield from (f"+ edge {edge}" for edge in self.edges_added)
        yield from (f"- edge {edge}" for edge in self.edges_removed)
        if self.schedule is not None:
            yield f"~ {self.schedule}"
        yield from (f"~ parameter {change}" for change in self.parameters)
        yield from (f"~ run config {change}" for change in self.run_config)
        yield from (f"~ storage {change}" for change in self.storage)
        yield from (f"~ {change}" for change in self.other)
        if self.is_partial:
            yield "? the server does not keep all of the registered version, so there may be more"

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class FlowChange(Record):
    """What registering would do about one flow.

    Attributes:
        name: the flow's.
        kind: ``new``, ``changed``, ``unchanged``, ``archived`` or ``refused``.
        flow: what was given; None for one that is to be archived.
        flow_id: the registered version's UUID; None when there is none.
        version: the registered version's number; None when there is none.
        hash: of the flow's content: the idempotency key it is registered with; where a version is made although its
            content is the same, with the id of the version before behind it. None where there is no flow.
        diff: from the registered version to this flow; None unless it changed and diffs were asked for.
        error: why the flow cannot be registered, when it is refused.
    """

    name: str
    kind: ChangeKind
    flow: Any = None
    flow_id: str | None = None
    version: int | None = None
    hash: str | None = None
    diff: FlowDiff | None = None
    error: OrchestraError | None = None


@dataclass(frozen=True, slots=True)
class RegistrationPlan(Record):
    """What registering flows would change; true when it is anything at all.

    Attributes:
        project: where.
        changes: one for each flow given, in their order, then those to be archived, by name.
    """

    project: Project
    changes: tuple[FlowChange, ...]

    def of(self, *kinds: ChangeKind) -> tuple[FlowChange, ...]:
        """The changes of some kinds."""
        return tuple(change for change in self.changes if change.kind in kinds)

    def __bool__(self) -> bool:
        return bool(self.of("new", "changed", "archived"))


@dataclass(frozen=True, slots=True)
class RegisteredFlow(Record):
    """What became of one flow; true when nothing went wrong.

    Attributes:
        name: the flow's.
        kind: what was to be done, as in the plan.
        flow_id: the UUID of the version that is current now, or was archived; None when there is none.
        version: its number, as far as it is known.
        error: why it was not done.
    """

    name: str
    kind: ChangeKind
    flow_id: str | None = None
    version: int | None = None
    error: OrchestraError | None = None

    def __bool__(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class RegistrationResult(Record):
    """What became of the flows; true when nothing went wrong with any.

    Attributes:
        project: where they were registered.
        flows: one for each flow given, in their order, then those that were to be archived, by name.
    """

    project: Project
    flows: tuple[RegisteredFlow, ...]

    @property
    def failed(self) -> tuple[RegisteredFlow, ...]:
        """Those with an error."""
        return tuple(flow for flow in self.flows if not flow)

    def __bool__(self) -> bool:
        return not self.failed


def _told(before: Any, after: Any) -> tuple[str, str]:
    """Both values, short, and cut so that what differs is there to see."""
    one, other = _text(before), _text(after)
    if max(len(one), len(other)) > _MAX_SHOWN:
        start = max(_common(one, other) - _AROUND, 0)
        if start:
            one, other = f"…{one[start:]}", f"…{other[start:]}"
        end = max(_common(one[::-1], other[::-1]) - _AROUND, 0)
        # Not into what both have in common at their starts: of `aa` and `aaa`, both ends would be the whole.
        end = min(end, len(one) - _AROUND - 1, len(other) - _AROUND - 1)
        if end > 0:
            one, other = f"{one[:-end]}…", f"{other[:-end]}…"
    return _short(one), _short(other)


def _common(one: str, other: str) -> int:
    """How many characters both have in common at their start."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else repr(value)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
