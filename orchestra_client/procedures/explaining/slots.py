"""Which task runs wait for a slot of a tag limit, and who holds it. Pure.

A task run without a slot stays as it was: the server refuses to let it enter Running. So those that wait are told by
being ready to begin, with all slots of one of their tags taken.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from orchestra_client.durations import in_words
from orchestra_client.procedures.explaining.wording import count, listed
from orchestra_client.results import Reason
from orchestra_client.states.hierarchy import PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orchestra_client.operations.standing import Holder, Standing, Unfinished

__all__ = ["may_begin", "ready", "reasons_of_slots"]


def may_begin(task_run: Unfinished, now: datetime) -> bool:
    """Whether a task run's state lets it begin by now; what it waits for besides is not looked at."""
    waits = task_run.state in PENDING or task_run.state == "Queued"
    return waits and task_run.state != "Paused" and (task_run.start is None or task_run.start <= now)


def ready(
    task_runs: Sequence[Unfinished], unfinished: Sequence[Unfinished], upstream: Mapping[str, set[str]]
) -> list[Unfinished]:
    """Those of some task runs that wait for no other one of their flow run.

    Args:
        task_runs: any.
        unfinished: all of their flow run.
        upstream: the tasks that each task waits for, by its id.
    """
    places: dict[str, set[int]] = {}
    for each in unfinished:
        places.setdefault(each.task_id, set()).add(each.map_index)
    return [
        run
        for run in task_runs
        if not any(_waits_for(run, places.get(task_id)) for task_id in upstream.get(run.task_id, ()))
    ]


def _waits_for(run: Unfinished, unfinished_places: set[int] | None) -> bool:
    if not unfinished_places:
        return False
    # A child of a mapped run waits for the child beside it, everything else for all there is.
    return run.map_index < 0 or bool(unfinished_places & {-1, run.map_index})


def reasons_of_slots(
    standing: Standing,
    waiting: Sequence[Unfinished],
    limits: Mapping[str, int],
    holders: Sequence[Holder],
    now: datetime,
) -> list[Reason]:
    """A reason for each tag whose slots are all taken.

    Args:
        standing: the flow run.
        waiting: its task runs that are ready to begin.
        limits: of their tags.
        holders: the task runs that hold slots of these tags, the longest first.
        now: what o'clock it is at the server.
    """
    reasons = []
    for tag, limit in sorted(limits.items()):
        holding = [holder for holder in holders if tag in holder.tags]
        without = [run.name for run in waiting if tag in run.tags]
        if without and len(holding) >= limit:
            is_own = bool(holding) and all(each.flow_run_id == standing.id for each in holding)
            held = [_held(each, standing, now) for each in holding]
            reasons.append(_in_turn(tag, limit, without) if is_own else _queued(tag, limit, without, held))
    return reasons


def _queued(tag: str, limit: int, waiting: Sequence[str], holding: Sequence[str]) -> Reason:
    who = f"{count(len(waiting), 'task run')} ({listed(waiting)}) cannot begin: the limit of tag {tag!r} is {limit}"
    if limit == 0:
        return Reason(
            "queued_by_tag_limit",
            f"{who}, which stops it.",
            f"Let some begin: orchestra limit set {quote(tag)} 1",
            f"client.update_task_tag_limit({tag!r}, 1)",
        )
    return Reason(
        "queued_by_tag_limit",
        f"{who}, and {count(len(holding), 'slot')} are held: {listed(holding, '; ')}."
        if len(holding) > 1
        else f"{who}, and its slot is held by {holding[0]}.",
        "Wait until a slot is given back, cancel whoever holds one, or raise the limit: "
        f"orchestra limit set {quote(tag)} {limit + 1}",
        f"client.update_task_tag_limit({tag!r}, {limit + 1})",
    )


def _in_turn(tag: str, limit: int, waiting: Sequence[str]) -> Reason:
    """That nobody but the run itself keeps its task runs waiting."""
    pace = "one after another" if limit == 1 else f"{limit} at a time"
    return Reason(
        "in_turn",
        f"{count(len(waiting), 'task run')} ({listed(waiting)}) {'waits' if len(waiting) == 1 else 'wait'} for others of "
        f"this run: they run {pace} (the limit of tag {tag!r} is {limit}).",
        f"To run more at once, raise the limit: orchestra limit set {quote(tag)} {limit + 1}",
        f"client.update_task_tag_limit({tag!r}, {limit + 1})",
    )


def _held(holder: Holder, standing: Standing, now: datetime) -> str:
    whose = (
        "this run"
        if holder.flow_run_id == standing.id
        else f"flow run {holder.flow_run_name!r} ({holder.flow_run_id})"
    )
    since = "" if holder.since is None else f", for {in_words(now - holder.since)}"
    return f"task run {holder.task!r} of {whose}{since}"
