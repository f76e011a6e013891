"""Telling what registering flows would change, without changing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, ClientError, FlowError, OrchestraError, RateLimited, ServerError
from orchestra_client.operations import checks
from orchestra_client.operations import registration as operations
from orchestra_client.operations.aliases import chunks
from orchestra_client.procedures.registration.batches import batches, size_of
from orchestra_client.procedures.registration.diffs import diff_of
from orchestra_client.procedures.registration.documents import (
    content_hash,
    hashing_of,
    serialized,
    with_labels,
)
from orchestra_client.procedures.registration.single import no_project
from orchestra_client.results.registration import FieldChange, FlowChange, FlowDiff, RegistrationPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.registration import Registered
    from orchestra_client.procedures.registration.documents import Given
    from orchestra_client.results import Project

__all__ = ["FORCED", "Candidate", "candidates", "plan", "plan_registration"]

NAMES = 1000
"""How many flows are looked up by one request."""

READ_BYTES, READ_FLOWS = 4 * 1024 * 1024, 200
"""How much of serialized flows one request reads, by the size of what they are compared with."""

FORCED = ":"
"""Divides the content hash in the key of a version that was registered by force from what makes that key unique."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A flow that is to be registered, as far as can be told without a server.

    Attributes:
        name: the flow's.
        flow: as it was given.
        document: serialized, not built, with its labels; empty when it is refused.
        hash: of its content; empty when it is refused.
        error: why it cannot be registered.
    """

    name: str
    flow: Any
    document: Mapping[str, Any]
    hash: str
    error: OrchestraError | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A flow whose key is not that of its registered version, so that it may have changed.

    Attributes:
        candidate: the flow.
        latest: the registered version.
        change: what is known so far.
    """

    candidate: Candidate
    latest: Registered
    change: FlowChange


def plan_registration(
    flows: Iterable[Given], project_name: str, *, prune: bool, labels: Iterable[str] | None, force: bool
) -> Procedure[RegistrationPlan]:
    """Tell what registering flows would change.

    Args:
        flows: each writes itself, or is serialized already.
        project_name: a project that exists.
        prune: whether the project's other flows are to be archived.
        labels: that the runs need besides the flows' own.
        force: whether flows that have not changed count as changed.

    Returns:
        The plan, with the differences of changed flows.

    Raises:
        BadInput: there is no such project, or two of the flows have the same name.
    """
    given = candidates(flows, checks.labels(labels))
    return (yield from plan(given, project_name, prune=prune, force=force, with_diffs=True))


def candidates(flows: Iterable[Given], labels: Sequence[str]) -> list[Candidate]:
    """Serialize flows, without building anything.

    Raises:
        TypeError: one of them is no flow.
        BadInput: two of them have the same name.
    """
    if isinstance(flows, Mapping) or hasattr(flows, "serialize"):
        raise TypeError("flows must be a list of flows, not a single one")
    given = [_candidate(flow, labels, f"flows[{index}]") for index, flow in enumerate(flows)]
    first: dict[str, int] = {}
    for index, candidate in enumerate(given):
        if first.setdefault(candidate.name, index) != index:
            raise BadInput(
                f"flows[{first[candidate.name]}] and flows[{index}] are both named {candidate.name!r}; rename one, "
                "for the name tells which flow a version belongs to"
            )
    return given


def _candidate(flow: Given, labels: Sequence[str], place: str) -> Candidate:
    name = flow.get("name") if isinstance(flow, Mapping) else getattr(flow, "name", None)
    try:
        document = with_labels(serialized(flow, build=False), labels)
        return Candidate(document["name"], flow, document, content_hash(flow, document, labels))
    except TypeError:
        raise
    except OrchestraError as error:
        refusal = error
    except Exception as error:  # noqa: BLE001 - whatever a foreign flow's own code raises; the others go on
        refusal = FlowError(f"writing the flow failed: {type(error).__name__}: {error}")
        refusal.__cause__ = error
    return Candidate(name if isinstance(name, str) and name else place, flow, {}, "", refusal)


def plan(
    given: Sequence[Candidate], project_name: str, *, prune: bool, force: bool, with_diffs: bool
) -> Procedure[RegistrationPlan]:
    """Compare candidates with what is registered.

    Args:
        given: the candidates.
        project_name: a project that exists.
        prune: whether the project's other flows are to be archived.
        force: whether flows that have not changed count as changed.
        with_diffs: whether to tell how changed flows differ.

    Returns:
        The plan.

    Raises:
        BadInput: there is no such project.
    """
    project, registered = yield from _registered(project_name, [each.name for each in given])
    suspects: list[Suspect] = []
    changes: list[FlowChange] = []
    for candidate in given:
        latest = registered.get(candidate.name)
        change = _compared(candidate, latest, force=force)
        changes.append(change)
        if latest is not None and change.kind == "changed" and change.diff is None:
            suspects.append(Suspect(candidate, latest, change))
    looked_at = yield from _looked_at(suspects, force=force, with_diffs=with_diffs)
    changes = [looked_at.get(change.name, change) for change in changes]
    if prune:
        changes += yield from _superfluous(project, {each.name for each in given})
    return RegistrationPlan(project, tuple(changes))


def _registered(project_name: str, names: Sequence[str]) -> Procedure[tuple[Project, dict[str, Registered]]]:
    found: dict[str, Registered] = {}
    # Also without any name, for the project must exist.
    for some in list(chunks(names, NAMES)) or [names]:
        try:
            answer = yield operations.find_registered(project_name, some, with_keys=True)
        except (ServerError, RateLimited):
            raise
        except ClientError:
            # Older servers do not tell the keys; a query that fails for another reason fails again.
            answer = yield operations.find_registered(project_name, some, with_keys=False)
        if answer is None:
            raise no_project(project_name)
        project, versions = answer
        found |= versions
    return project, found


def _compared(candidate: Candidate, latest: Registered | None, *, force: bool) -> FlowChange:
    """The change as far as names and keys tell it; `changed` without a diff when they do not."""
    change = FlowChange(candidate.name, "new", candidate.flow, hash=candidate.hash or None)
    if candidate.error is not None:
        change = replace(change, kind="refused", error=candidate.error)
    if latest is None:
        return change
    change = replace(change, flow_id=latest.id, version=latest.version)
    if change.kind == "refused":
        return change
    if latest.key is None or latest.key.partition(FORCED)[0] != candidate.hash:
        return replace(change, kind="changed")
    return _same(change, is_archived=latest.is_archived, force=force)


def _same(change: FlowChange, *, is_archived: bool, force: bool) -> FlowChange:
    """The change of a flow whose content is the registered one's."""
    if is_archived:
        return replace(change, kind="changed", diff=FlowDiff(other=(_REVIVED,)))
    return replace(change, kind="changed" if force else "unchanged", diff=FlowDiff() if force else None)


_REVIVED = FieldChange("archived", before=True, after=False)


def _looked_at(
    suspects: Sequence[Suspect], *, force: bool, with_diffs: bool
) -> Procedure[dict[str, FlowChange]]:
    """The changes, by name, of flows that keys alone could not decide about, once what is registered was read."""
    found: dict[str, FlowChange] = {}
    # Where differences are not wanted, only those are read that may turn out to be the same.
    read = [each for each in suspects if with_diffs or hashing_of(each.candidate.flow) is not None]
    for some in batches(read, _size, max_size=READ_BYTES, max_items=READ_FLOWS):
        stored: dict[str, Any] = yield operations.get_serialized_flows([each.latest.id for each in some])
        differing: list[Suspect] = []
        for suspect in some:
            if _is_same(suspect.candidate, stored.get(suspect.latest.id) or {}):
                archived = suspect.latest.is_archived
                found[suspect.candidate.name] = _same(suspect.change, is_archived=archived, force=force)
            else:
                differing.append(suspect)
        if with_diffs:
            found |= yield from _differing(differing, stored)
    return found


def _is_same(candidate: Candidate, before: Mapping[str, Any]) -> bool:
    hashing = hashing_of(candidate.flow)
    return hashing is not None and hashing(before) == candidate.hash


def _differing(suspects: Sequence[Suspect], stored: Mapping[str, Any]) -> Procedure[dict[str, FlowChange]]:
    # What was registered in pieces has its tasks and edges beside it.
    without_tasks = [
        each.latest.id for each in suspects if not (stored.get(each.latest.id) or {}).get("tasks")
    ]
    graphs: dict[str, Any] = (yield operations.get_flow_graphs(without_tasks)) if without_tasks else {}
    found: dict[str, FlowChange] = {}
    for suspect in suspects:
        before = stored.get(suspect.latest.id) or {}
        diff = diff_of(before, suspect.candidate.document, graphs.get(suspect.latest.id))
        if suspect.latest.is_archived:
            diff = replace(diff, other=(*diff.other, _REVIVED))
        found[suspect.candidate.name] = replace(suspect.change, diff=diff)
    return found


def _size(suspect: Suspect) -> int:
    return size_of(suspect.candidate.document)


def _superfluous(project: Project, kept: set[str]) -> Procedure[list[FlowChange]]:
    current: list[Registered] = yield operations.find_current_flows(project.id)
    return [
        FlowChange(flow.name, "archived", flow_id=flow.id, version=flow.version)
        for flow in current
        if flow.name not in kept
    ]
