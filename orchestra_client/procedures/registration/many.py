"""Registering many flows: only those that have changed, several in a request, or all at once or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import BadInput, ClientError, ConfigurationError, OrchestraError
from orchestra_client.operations import checks
from orchestra_client.operations import registration as operations
from orchestra_client.operations.aliases import chunks
from orchestra_client.procedures.registration.batches import batches, size_of
from orchestra_client.procedures.registration.candidates import candidates
from orchestra_client.procedures.registration.planning import plan
from orchestra_client.procedures.registration.report import Report
from orchestra_client.procedures.registration.sending import ATOMIC, Sender
from orchestra_client.procedures.registration.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.registration import NewVersion, Registration
    from orchestra_client.procedures.registration.documents import Given
    from orchestra_client.results.registration import FlowChange, RegisteredFlow, RegistrationResult

    Item = tuple[FlowChange, Registration]

__all__ = ["register_flows"]

SENT_FLOWS = 50
"""How many flows share a request, so that progress is seen."""

SENT_BYTES, SENT_BYTES_TO_OLDER = 1024 * 1024, 256 * 1024
"""How much JSON of flows shares a request; older servers time out on much."""


def register_flows(
    flows: Iterable[Given],
    project_name: str,
    *,
    atomic: bool,
    prune: bool,
    labels: Iterable[str] | None,
    set_schedule_active: bool,
    force: bool,
    build: bool,
    on_progress: Callable[[RegisteredFlow, int, int], object] | None,
    capabilities: frozenset[str],
) -> Procedure[RegistrationResult]:
    """Register those of the flows that have changed.

    Args:
        flows: each writes itself, or is serialized already.
        project_name: a project that exists.
        atomic: whether to do all of it or nothing.
        prune: whether to archive the project's other flows, once every flow is registered.
        labels: that the runs need besides the flows' own.
        set_schedule_active: whether the schedules of new versions shall make runs.
        force: whether to make new versions of flows that have not changed, too.
        build: whether to build new and changed flows into their storages.
        on_progress: called with what became of a flow, how many are done, and how many there are.
        capabilities: of the server.

    Returns:
        What became of each; errors of single flows are in there unless it is atomic.

    Raises:
        ConfigurationError: it shall be atomic, and the server cannot do that.
        BadInput: there is no such project, or two flows have the same name.
    """
    if atomic and ATOMIC not in capabilities:
        raise ConfigurationError(
            "this server cannot register flows all at once or not at all; nothing was registered. Leave atomic out, or "
            f"use a server that has the capability {ATOMIC}"
        )
    wanted = checks.labels(labels)
    given = candidates(flows, wanted)
    planned = yield from plan(given, project_name, prune=prune, force=force, with_diffs=False)
    sender = Sender(planned.project.id, capabilities)
    work = Work(
        {each.name: each for each in given},
        labels=wanted,
        set_schedule_active=set_schedule_active,
        build=build,
    )
    report = Report(planned, on_progress)
    if atomic:
        yield from _all_at_once(report, work)
    else:
        yield from _one_by_one(report, work, sender)
    return report.result()


def _all_at_once(report: Report, work: Work) -> Procedure[None]:
    for refused in report.plan.of("refused"):
        assert refused.error is not None
        raise _blaming(refused, refused.error)
    changed, archived = report.plan.of("new", "changed"), report.plan.of("archived")
    registrations = [_built_or_blamed(change, work) for change in changed]
    made: Sequence[NewVersion] = ()
    if report.plan:
        try:
            made = yield operations.register_flows(
                report.plan.project.id, registrations, [str(change.flow_id) for change in archived]
            )
        except BadInput as error:
            if error.index is None or not 0 <= error.index < len(changed):
                raise
            raise _blaming(changed[error.index], error) from None
    report.settle_the_same()
    for change, version in zip(changed, made, strict=True):
        report.settle(change, version)
    for change in archived:
        report.settle(change, None)


def _built_or_blamed(change: FlowChange, work: Work) -> Registration:
    try:
        return work.registration(change)
    except OrchestraError as error:
        raise _blaming(change, error) from error.__cause__


def _blaming(change: FlowChange, error: OrchestraError) -> OrchestraError:
    """The error of an atomic registration, saying which flow it is about; not by its number among those sent."""
    text = str(error)
    if isinstance(error, BadInput) and error.index is not None:
        place = f"flows[{error.index}]"
        text = text.removeprefix(f"{place} ({change.name!r}): ").removeprefix(f"{place}: ")
    error.args = (f"the flow {change.name!r}: {text}",)
    error.flow_name = change.name
    return error


def _one_by_one(report: Report, work: Work, sender: Sender) -> Procedure[None]:
    report.settle_the_same()
    max_size = SENT_BYTES if sender.takes_large_flows else SENT_BYTES_TO_OLDER
    try:
        for batch in batches(_built(report, work), _size, max_size=max_size, max_items=SENT_FLOWS):
            answers = yield from sender.send([registration for _, registration in batch])
            for (change, _), answer in zip(batch, answers, strict=True):
                report.settle(change, answer)
        yield from _archived(report)
    except OrchestraError as error:
        # No answer, or a credential that is not good enough: it would be the same for all that are left.
        report.fail_the_rest(error)


def _built(report: Report, work: Work) -> Iterator[Item]:
    for change in report.plan.of("new", "changed"):
        try:
            registration = work.registration(change)
        except OrchestraError as error:
            report.settle(change, error)
        else:
            yield change, registration


def _size(item: Item) -> int:
    return size_of(item[1].document)


def _archived(report: Report) -> Procedure[None]:
    archived = report.plan.of("archived")
    if report.has_failures:
        # A flow that failed may be one of these under its new name.
        reason = (
            "it was left as it is, because not every flow could be registered; see to those, and prune again"
        )
        for change in archived:
            report.settle(change, ClientError(reason))
        return
    for some in chunks(archived, SENT_FLOWS):
        errors = yield operations.archive_flows([str(change.flow_id) for change in some])
        for change, error in zip(some, errors, strict=True):
            report.settle(change, error)
