"""Looking at a flow run, and at no more than its state makes necessary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.errors import BadInput
from orchestra_client.operations.agents import list_agents
from orchestra_client.operations.limits import list_task_tag_limits
from orchestra_client.operations.standing import (
    find_runs_in_hand,
    find_tag_holders,
    find_upstream,
    get_standing,
)
from orchestra_client.procedures.explaining import states
from orchestra_client.procedures.explaining.agents import fits, reason_of_agents
from orchestra_client.procedures.explaining.silence import is_silent, reason_of_silence
from orchestra_client.procedures.explaining.slots import may_begin, ready, reasons_of_slots
from orchestra_client.results import Explanation
from orchestra_client.states.hierarchy import FINISHED, RUNNING, SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.standing import Standing
    from orchestra_client.results import Reason, TagLimit

__all__ = ["explain_flow_run"]

_AGENTS = 200
"""How many agents are looked at, those that asked last: one that starts again is another one each time."""


def explain_flow_run(flow_run_id: Id, *, now: Callable[[], datetime]) -> Procedure[Explanation]:
    """Find out why a flow run is not running, or what it waits for, on servers old and new.

    Args:
        flow_run_id: the run.
        now: tells what o'clock it is at the server.

    Returns:
        The explanation; at least one reason.
    """
    standing: Standing = yield get_standing(flow_run_id)
    reasons = yield from _reasons(standing, now())
    return Explanation(
        flow_run_id=standing.id,
        name=standing.name,
        state=standing.state,
        summary=f"Flow run {standing.name!r} is {standing.state}. {reasons[0].message}",
        reasons=tuple(reasons),
    )


def _reasons(standing: Standing, now: datetime) -> Procedure[list[Reason]]:
    if standing.state in FINISHED:
        ended = [states.finished(standing, now)]
        was_archived = standing.state == "Cancelled" and standing.is_archived
        return [*ended, *([states.archived(standing)] if was_archived else [])]
    if standing.state == "Cancelling":
        return [states.cancelling(standing, now)]
    if standing.state in RUNNING:
        return (yield from _of_running(standing, now))
    if standing.state == "Submitted":
        return [states.submitted(standing, now)]
    reasons = yield from _of_waiting(standing, now)
    return [*reasons, *([states.archived(standing)] if standing.is_archived else [])]


def _of_waiting(standing: Standing, now: datetime) -> Procedure[list[Reason]]:
    start = standing.start
    if standing.state == "Paused" and (start is None or start > now):
        return [states.paused(standing, now)]
    if start is None or standing.state not in SCHEDULED | {"Queued"}:
        return [states.not_scheduled(standing)]
    if start > now:
        return [states.not_due(standing, start, now)]
    return [(yield from _of_agents(standing, start, now))]


def _of_agents(standing: Standing, due: datetime, now: datetime) -> Procedure[Reason]:
    agents = yield list_agents(is_active=None, labels=None, name=None, limit=_AGENTS, offset=0, now=now)
    able = [agent.id for agent in agents if agent.is_active and fits(standing.labels, agent)]
    in_hand = (yield find_runs_in_hand(able)) if able else {}
    return reason_of_agents(standing.labels, agents, in_hand, due=due, now=now)


def _of_running(standing: Standing, now: datetime) -> Procedure[list[Reason]]:
    is_working = any(run.state in RUNNING for run in standing.task_runs)
    if is_silent(standing, now):
        return (yield from _of_left(standing, is_working=is_working, now=now))
    queued = yield from _of_slots(standing, now)
    held_up = [*queued, *states.waiting_task_runs(standing, now)]
    if is_working or not held_up:
        return [*held_up, states.running(standing, now, is_all=not held_up)]
    return held_up


def _of_left(standing: Standing, *, is_working: bool, now: datetime) -> Procedure[list[Reason]]:
    """A Running run without a process: it was lost, or it left the run to the queue until a task run is due."""
    if is_working:
        return [reason_of_silence(standing, now)]
    due = [run.start for run in standing.task_runs if run.state != "Pending" and may_begin(run, now)]
    if starts := [start for start in due if start is not None]:
        return [(yield from _of_agents(standing, min(starts), now))]
    return states.waiting_task_runs(standing, now) or [reason_of_silence(standing, now)]


def _of_slots(standing: Standing, now: datetime) -> Procedure[list[Reason]]:
    tagged = [run for run in standing.task_runs if run.tags and may_begin(run, now)]
    limits = (yield from _limits({tag for run in tagged for tag in run.tags})) if tagged else {}
    limited = [run for run in tagged if limits.keys() & set(run.tags)]
    if not limited:
        return []
    upstream = yield find_upstream({run.task_id for run in limited})
    waiting = ready(limited, standing.task_runs, upstream)
    if not waiting:
        return []
    holders = yield find_tag_holders(limits.keys())
    return reasons_of_slots(standing, waiting, limits, holders, now)


def _limits(tags: set[str]) -> Procedure[dict[str, int]]:
    try:
        known: list[TagLimit] = yield list_task_tag_limits()
    except BadInput:
        # The last open server of the older API has no limits.
        return {}
    return {each.tag: each.limit for each in known if each.tag in tags}
