"""Silence: when a run counts as dead, which the zombie reaper and Lazarus agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func

from orchestra_client.server.moments import elapsed

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement, Select, Subquery

    from orchestra_client.server.store.views import Views

DEADLINE: BindParameter[str] = bindparam("deadline")
"""The time before which the last beat of a dead run lies."""


def is_silent(runs: Subquery) -> ColumnElement[bool]:
    """Whether a run has not beaten since the deadline."""
    return func.coalesce(runs.c.heartbeat, runs.c.state_timestamp) <= DEADLINE


def of_groups_with(statement: Select[Any], views: Views, *settings: str) -> Select[Any]:
    """The statement over flow runs, without those whose flow group has switched one of some settings off."""
    flow_runs, flows, groups = views["flow_run"], views["flow"], views["flow_group"]
    statement = statement.join(flows, flows.c.id == flow_runs.c.flow_id).join(
        groups, groups.c.id == flows.c.flow_group_id
    )
    return statement.where(*(groups.c.settings[name].as_boolean().is_not(False) for name in settings))


def since_last_beat(*beats: str | None, now: str) -> str:
    """How long ago the latest of some beats was, for people."""
    return elapsed(max(filter(None, beats), default=now), now)
