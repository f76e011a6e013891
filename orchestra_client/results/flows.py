"""Projects and flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["FlowVersion", "Project"]


@dataclass(frozen=True, slots=True)
class Project(Record):
    """A project: a named group of flows.

    Attributes:
        id: its UUID.
        name: unique in the tenant.
        description: for people; None when there is none, or it was not asked for.
        flow_count: how many flows are current in it, older versions left out; None when it was not asked for.
    """

    id: str
    name: str
    description: str | None = None
    flow_count: int | None = None


@dataclass(frozen=True, slots=True)
class FlowVersion(Record):
    """One registered version of a flow.

    Attributes:
        id: its UUID.
        name: unique in its project, among those that are not archived.
        version: from 1.
        project: the project's name; None when it has none.
        version_group_id: what its versions share, for `create_flow_run`.
        flow_group_id: the same for the server: settings, labels, schedule.
        is_archived: whether it is out of use, as older versions are.
        is_schedule_active: whether its schedule makes runs.
        schedule: when that is, for people, e.g. ``every 15 min`` or ``0 6 * * * (Europe/Berlin)``; None without one.
        labels: those its runs get.
        created: when it was registered, in UTC.
    """

    id: str
    name: str
    version: int
    project: str | None
    version_group_id: str | None
    flow_group_id: str
    is_archived: bool
    is_schedule_active: bool
    schedule: str | None
    labels: tuple[str, ...]
    created: datetime
