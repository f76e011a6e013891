"""Whether a run's process is still heard of, and what the server does when it is not. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.procedures.explaining.wording import ago, at, count
from orchestra_client.results import Reason
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.operations.standing import Standing

__all__ = ["action_due", "is_silent", "last_sign", "reason_of_silence"]

_SILENT = timedelta(seconds=75)
"""After so long without a beat an agent takes up a run with something to do; beats come every 30 s at least."""

_LIMIT = timedelta(seconds=600)
"""After so long the server acts, unless it was set up otherwise."""

_MAX_RESURRECTIONS = 3


def last_sign(standing: Standing) -> datetime | None:
    """When a run, or one of its task runs, was last heard of."""
    signs = [standing.heartbeat, *(run.heartbeat for run in standing.task_runs if run.state in RUNNING)]
    return max((sign for sign in signs if sign is not None), default=None)


def is_silent(standing: Standing, now: datetime) -> bool:
    """Whether nothing has been heard of a run for longer than two beats take; a run that need not beat is not silent."""
    if standing.settings.get("heartbeat_enabled") is False:
        return False
    sign = last_sign(standing)
    return sign is None or now - sign >= _SILENT


def action_due(standing: Standing, now: datetime) -> str:
    """When the server does something about a silent run, for people."""
    sign = last_sign(standing)
    if sign is not None and sign + _LIMIT > now:
        return f"{at(sign + _LIMIT, now)}, unless it was set up otherwise"
    return "with its next round, which is overdue unless it was set up otherwise"


def reason_of_silence(standing: Standing, now: datetime) -> Reason:
    """That a run's process has gone, and what becomes of the run."""
    return Reason(
        "stopped_beating",
        f"Its process is not heard of: the last heartbeat was {ago(last_sign(standing), now)}.",
        f"{_consequence(standing, now)} See whether the process still runs, and what its log says: "
        f"orchestra flow-run logs {standing.id}",
    )


def _consequence(standing: Standing, now: datetime) -> str:
    when = action_due(standing, now)
    running = sum(run.state in RUNNING for run in standing.task_runs)
    if running:
        tried = "is tried again if it has retries left, and else Failed"
        return f"The server ends {count(running, 'Running task run')} {when}; each {tried}."
    if standing.settings.get("lazarus_enabled") is False:
        return "The server does not schedule it again: that is switched off for its flow."
    left = _MAX_RESURRECTIONS - standing.times_resurrected
    if left <= 0:
        return (
            f"The server sets it to Failed {when}: it was scheduled again {_MAX_RESURRECTIONS} times before."
        )
    return f"The server schedules it again {when}; {count(left, 'time')} at most."
