"""Telling what registering flows would change, without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import ClientError, RateLimited, ServerError
from orchestra_client.operations import checks
from orchestra_client.operations import registration as operations
from orchestra_client.operations.aliases import chunks
from orchestra_client.procedures.registration.candidates import candidates
from orchestra_client.procedures.registration.comparing import Pair, compare
from orchestra_client.procedures.registration.single import no_project
from orchestra_client.results.registration import FlowChange, RegistrationPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.registration import Registered
    from orchestra_client.procedures.registration.candidates import Candidate
    from orchestra_client.procedures.registration.documents import Given
    from orchestra_client.results import Project

__all__ = ["plan", "plan_registration"]

NAMES = 1000
"""How many flows are looked up by one request."""


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
    names = [each.name for each in given]
    project, registered = yield from _registered(project_name, names)
    pairs = [Pair(each, registered.get(each.name)) for each in given]
    changes = yield from compare(pairs, force=force, with_diffs=with_diffs)
    if prune:
        changes += yield from _superfluous(project, set(names))
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


def _superfluous(project: Project, kept: set[str]) -> Procedure[list[FlowChange]]:
    current: list[Registered] = yield operations.find_current_flows(project.id)
    return [
        FlowChange(flow.name, "archived", flow_id=flow.id, version=flow.version)
        for flow in current
        if flow.name not in kept
    ]
