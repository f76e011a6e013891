"""Agents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Agent", "AgentConfig"]


@dataclass(frozen=True, slots=True)
class Agent(Record):
    """An agent. One that starts again is another one.

    Attributes:
        id: its UUID.
        name: for people.
        type: e.g. ``LocalAgent``.
        labels: of the runs it takes; without any, it takes runs without labels.
        core_version: of its client; None when it did not tell.
        last_queried: when it last asked for runs, in UTC; None for never.
        is_active: whether that was in the last minute.
    """

    id: str
    name: str | None
    type: str
    labels: tuple[str, ...]
    core_version: str | None
    last_queried: datetime | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class AgentConfig(Record):
    """What agents of one kind share.

    Attributes:
        id: its UUID.
        name: for people.
        settings: as JSON.
    """

    id: str
    name: str
    settings: Mapping[str, Any]
