"""Task runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.states import State

__all__ = ["MappedChild", "TaskRun", "TaskRunInfo"]


@dataclass(frozen=True, slots=True)
class TaskRunInfo(Record):
    """A task run as far as running it takes.

    Attributes:
        id: its UUID.
        task_id: the task's UUID.
        task_slug: the task's name within its flow.
        version: of the state; send it with the next one.
        state: the current state.
    """

    id: str
    task_id: str
    task_slug: str | None
    version: int
    state: State


@dataclass(frozen=True, slots=True)
class MappedChild(Record):
    """One of the runs that a mapped task run became.

    Attributes:
        id: its UUID.
        map_index: its place, from 0.
        version: of the state.
        state: the current state.
    """

    id: str
    map_index: int
    version: int
    state: State


@dataclass(frozen=True, slots=True)
class TaskRun(Record):
    """A task run as a list shows it.

    Attributes:
        id: its UUID.
        flow_run_id: its flow run.
        task_id: the task's UUID.
        task_name: the task's name.
        task_slug: the task's name within its flow, where it is unique.
        map_index: its place among mapped runs, from 0; -1 when it is not mapped.
        name: the run's own name; None when it has none.
        state: the type of its state, e.g. ``Running``.
        state_message: what the state says, for people.
        start_time: when it entered Running first, in UTC; None until then.
        end_time: when it finished, in UTC; None until then.
        duration: seconds from start to end; None until then. Of one that was tried again they include earlier tries and
            the waiting between them; `plot_timeline` shows each try.
        run_count: how often it was tried.
        tags: the task's.
        version: of the state.
        heartbeat: its last sign of life, in UTC.
        is_mapped_parent: whether it is the own run of a mapped task that became others, its children: leave it out
            where runs are counted or means are taken.
    """

    id: str
    flow_run_id: str
    task_id: str
    task_name: str | None
    task_slug: str | None
    map_index: int
    name: str | None
    state: str
    state_message: str | None
    start_time: datetime | None
    end_time: datetime | None
    duration: float | None
    run_count: int
    tags: tuple[str, ...]
    version: int
    heartbeat: datetime | None
    is_mapped_parent: bool = False
