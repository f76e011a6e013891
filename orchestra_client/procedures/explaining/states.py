"""What a run's state alone says about why it is not running. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.procedures.explaining.silence import action_due, is_silent, last_sign
from orchestra_client.procedures.explaining.wording import ago, at, count, listed
from orchestra_client.results import Reason
from orchestra_client.states.hierarchy import FAILED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestra_client.operations.standing import Standing, Unfinished

__all__ = [
    "archived",
    "cancelling",
    "finished",
    "not_due",
    "not_scheduled",
    "paused",
    "running",
    "submitted",
    "waiting_task_runs",
]


def finished(standing: Standing, now: datetime) -> Reason:
    """That it has ended."""
    said = f": {standing.message}" if standing.message else "."
    if standing.state in FAILED:
        advice = f"Its log says more: orchestra flow-run logs {standing.id}"
    elif standing.state == "Cancelled":
        advice = "Create another run if it is still wanted."
    else:
        advice = "There is nothing to do."
    return Reason("finished", f"It ended as {standing.state} {ago(standing.since, now)}{said}", advice)


def archived(standing: Standing) -> Reason:
    """That its flow's version is out of use."""
    version = f"version {standing.flow_version} of flow {standing.flow_name!r}"
    if standing.current_version is None:
        return Reason(
            "flow_archived",
            f"Its flow is out of use: {version} is archived, and there is no newer one.",
            "Register the flow again, and create a run of that.",
        )
    return Reason(
        "flow_archived",
        f"It runs {version}, which is archived; version {standing.current_version} is in use.",
        f"Make a run of that: orchestra run {standing.version_group_id}",
        f"client.create_flow_run(version_group_id={standing.version_group_id!r})",
    )


def cancelling(standing: Standing, now: datetime) -> Reason:
    """That it was told to stop."""
    told = f"It was told to stop {ago(standing.since, now)}"
    sign = f"its process was last heard of {ago(last_sign(standing), now)}"
    if is_silent(standing, now):
        return Reason(
            "cancelling",
            f"{told}, and {sign}: nobody is left to stop.",
            f"The server sets it to Cancelled {action_due(standing, now)}.",
        )
    return Reason("cancelling", f"{told}; {sign}.", "Wait until its process has ended its tasks.")


def submitted(standing: Standing, now: datetime) -> Reason:
    """That an agent took it, and it has not begun."""
    since = ago(standing.since, now)
    if standing.taker is None:
        message = f"An agent took it {since}, and its process has not begun."
        where = "See the log of the agent that took it"
    else:
        asked = f"that agent last asked for runs {ago(standing.taker.last_queried, now)}"
        message = f"Agent {standing.taker.name!r} took it {since}, and its process has not begun; {asked}."
        where = f"See the log of agent {standing.taker.name!r}"
    if not is_silent(standing, now):
        return Reason(
            "submitted_not_started", message, f"Starting takes some seconds. {where} if it does not."
        )
    again = (
        "that is switched off for its flow"
        if standing.settings.get("lazarus_enabled") is False
        else action_due(standing, now)
    )
    return Reason(
        "submitted_not_started",
        message,
        f"{where}: whether it could start the process. The server schedules the run again: {again}.",
    )


def paused(standing: Standing, now: datetime) -> Reason:
    """That it waits for a person."""
    until = "" if standing.start is None else f" It goes on by itself {at(standing.start, now)}."
    said = f": {standing.message}" if standing.message else "."
    return Reason(
        "paused",
        f"It was paused {ago(standing.since, now)}{said}{until}",
        f"Let it go on: orchestra flow-run start {standing.id}",
    )


def not_due(standing: Standing, start: datetime, now: datetime) -> Reason:
    """That its time has not come."""
    if standing.state == "Retrying":
        return Reason(
            "retrying_until",
            f"It is tried again {at(start, now)}.",
            f"Wait, or let it begin now: orchestra flow-run start {standing.id}",
        )
    return Reason(
        "not_due",
        f"It is to begin {at(start, now)}.",
        f"Wait, or let it begin now: orchestra flow-run start {standing.id}",
    )


def not_scheduled(standing: Standing) -> Reason:
    """That its state is none that agents take runs in."""
    said = f" ({standing.message})" if standing.message else ""
    return Reason(
        "not_scheduled",
        f"It is {standing.state}{said}; agents take runs that are Scheduled for a time.",
        f"Let it begin: orchestra flow-run start {standing.id}",
    )


def running(standing: Standing, now: datetime, *, is_all: bool) -> Reason:
    """That it runs, and with what.

    Args:
        standing: the flow run.
        now: what o'clock it is at the server.
        is_all: whether nothing of it waits for anything that somebody could do.
    """
    names = [run.name for run in standing.task_runs if run.state in RUNNING]
    doing = f"; {count(len(names), 'task run')} of it {'is' if len(names) == 1 else 'are'} Running: {listed(names)}"
    sign = f"It runs, and was last heard of {ago(last_sign(standing), now)}{doing if names else ''}."
    watch = f"Watch it: orchestra flow-run logs --follow {standing.id}"
    return Reason("running", sign, f"There is nothing to do. {watch}" if is_all else watch)


def waiting_task_runs(standing: Standing, now: datetime) -> list[Reason]:
    """That task runs of it wait for a person, or for their time."""
    held = [run for run in standing.task_runs if run.state == "Paused" and not _is_due(run, now)]
    later = [run for run in standing.task_runs if run.state != "Paused" and run.start and run.start > now]
    return [*(_paused_tasks(held) if held else ()), *(_later_tasks(later, now) if later else ())]


def _is_due(run: Unfinished, now: datetime) -> bool:
    return run.start is not None and run.start <= now


def _paused_tasks(runs: Sequence[Unfinished]) -> list[Reason]:
    first = runs[0]
    names = listed([run.name for run in runs])
    return [
        Reason(
            "paused",
            f"{count(len(runs), 'task run')} of it {'is' if len(runs) == 1 else 'are'} Paused: {names}.",
            f"Let it go on by setting the task run {first.id} to Resume; that is done in Python.",
            f"client.set_task_run_state({first.id!r}, {first.version}, Resume())",
        )
    ]


def _later_tasks(runs: Sequence[Unfinished], now: datetime) -> list[Reason]:
    first = min((run for run in runs if run.start), key=lambda run: run.start or now)
    assert first.start is not None  # those without a time were left out
    names = listed([run.name for run in runs])
    code = "retrying_until" if first.state == "Retrying" else "not_due"
    again = "to be tried again" if first.state == "Retrying" else "to begin"
    return [
        Reason(
            code,
            f"{count(len(runs), 'task run')} of it ({names}) {'is' if len(runs) == 1 else 'are'} {again}, the first "
            f"{at(first.start, now)}.",
            "Wait; the run goes on by itself. If its process ended meanwhile, an agent takes the run up again.",
        )
    ]
