"""Tag limits and their slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "TagLimit",
    "TagSlot",
]


@dataclass(frozen=True, slots=True)
class TagSlot(Record):
    """A task run that holds a slot of a tag limit.

    Attributes:
        tag: the limited tag.
        task_run_id: who holds the slot.
        flow_run_id: its flow run.
        task_name: its task.
        map_index: its place among mapped runs; -1 when it is not mapped.
        since: when it entered Running.
        heartbeat: its last sign of life.
        flow_run_name: the name of its flow run; None when it has none.
    """

    tag: str
    task_run_id: str
    flow_run_id: str
    task_name: str
    map_index: int
    since: datetime | None
    heartbeat: datetime | None
    flow_run_name: str | None = None


@dataclass(frozen=True, slots=True)
class TagLimit(Record):
    """How many task runs with a tag may be Running at once.

    Attributes:
        id: its UUID, to delete the limit with.
        tag: the tag.
        limit: the number of slots; 0 stops the tag.
        holders: who holds them now; None from a server that does not tell.
    """

    id: str
    tag: str
    limit: int
    holders: tuple[TagSlot, ...] | None = None
