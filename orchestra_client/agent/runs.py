"""Flow runs as an agent sees them: those it has claimed, and how they stand with the server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestra_client.operations.answers import moment, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestra_client.states import State

__all__ = ["ClaimedRun", "DueRun", "RunningTask", "Standing"]


_INTERVAL = re.compile(r"(?:(\d+) days? ?)?(\d+):(\d+):(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """A flow run that this agent has claimed, for `Agent.deploy`. Immutable, hence safe to share.

    Attributes:
        id: its UUID.
        name: for people.
        flow_id: the flow's UUID.
        flow_name: the flow's name.
        labels: of the run.
        run_config: where and how to run it, as JSON; empty when nobody said.
        scheduled_start_time: when it was to start.
        version: of the state that the claim set.
        environment: the environment variables with which `python -m orchestra_client.engine.run` runs it: the
            server, the token of this run and its id. They hold a secret, which no repr shows: they belong into the
            environment of a process, and on no command line and into no log.
    """

    id: str
    name: str
    flow_id: str
    flow_name: str
    labels: tuple[str, ...] = ()
    run_config: Mapping[str, Any] = field(default_factory=dict)
    scheduled_start_time: datetime | None = None
    version: int = 0
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"flow run {self.name!r} ({self.id})"

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> ClaimedRun:
        """Read a row of `flow_run`, with its flow."""
        return cls(
            id=row["id"],
            name=row["name"] or row["id"],
            flow_id=row["flow_id"],
            flow_name=(row["flow"] or {}).get("name") or "",
            labels=tuple(row["labels"] or ()),
            run_config=row["run_config"] or {},
            scheduled_start_time=moment(row["scheduled_start_time"]),
            version=row["version"],
        )


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run in the queue.

    Attributes:
        run: what a claim of it would get, still at the version before the claim.
        state: its state.
        heartbeat: its last sign of life.
    """

    run: ClaimedRun
    state: State
    heartbeat: datetime | None

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> DueRun:
        """Read a row of `flow_run`, with its flow."""
        return cls(ClaimedRun.of_row(row), state_of(row), moment(row["heartbeat"]))


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task run that is Running.

    Attributes:
        id: its UUID.
        version: of its state.
        run_count: how many tries there were, this one included.
        max_retries: how many there may be after the first one.
        retry_delay: seconds between two of them.
    """

    id: str
    version: int
    run_count: int = 1
    max_retries: int = 0
    retry_delay: float = 0

    @property
    def has_retries(self) -> bool:
        """Whether it may be tried again."""
        return self.run_count <= self.max_retries

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> RunningTask:
        """Read a row of `task_run`, with its task."""
        task = row["task"] or {}
        return cls(
            row["id"],
            row["version"],
            row["run_count"] or 1,
            task.get("max_retries") or 0,
            _seconds(task.get("retry_delay")),
        )


def _seconds(delay: Any) -> float:
    """A delay as servers tell it: in seconds, or, older ones, as PostgreSQL writes an interval (``1 day 00:01:30``)."""
    if not isinstance(delay, str):
        return float(delay or 0)
    found = _INTERVAL.fullmatch(delay)
    if found is None:
        return 0.0
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands with the server.

    Attributes:
        state: the type of its state.
        version: of that state.
        agent_id: the agent that took it last; None where the server does not tell.
        waits: whether one of its task runs waits for a time, a slot or a person; None when that was not asked.
        running: its task runs that are Running; empty when that was not asked.
    """

    state: str
    version: int
    agent_id: str | None = None
    waits: bool | None = None
    running: tuple[RunningTask, ...] = ()
