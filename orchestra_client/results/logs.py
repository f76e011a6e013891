"""Records of logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "LogRecord",
]


@dataclass(frozen=True, slots=True)
class LogRecord(Record):
    """One line of a run's log.

    Attributes:
        id: its UUID.
        timestamp: when it was logged, in UTC.
        level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.
        name: the logger's name.
        message: the text.
        info: anything else that was sent along, as JSON.
        flow_run_id: the flow run it belongs to.
        task_run_id: the task run it belongs to; None for the flow run's own.
    """

    id: str
    timestamp: datetime
    level: str | None
    name: str | None
    message: str | None
    info: Any
    flow_run_id: str | None
    task_run_id: str | None
