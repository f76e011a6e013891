"""What became of states and heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from orchestra_client.errors import ClientError
    from orchestra_client.states import State

__all__ = [
    "HeartbeatResult",
    "StateResult",
]


@dataclass(frozen=True, slots=True)
class StateResult(Record):
    """What became of one state of a batch.

    Attributes:
        id: the run's UUID.
        status: ``SUCCESS``; ``QUEUED``, when a limit keeps the run out of Running for now; ``ERROR``.
        state: the state the run is to be considered in: the one sent, `Queued` when it must wait, None for an
            error.
        message: why it waits or was refused.
        version: the run's version now, from servers that tell.
        error: what the singular method would have raised; None unless `status` is ``ERROR``.
    """

    id: str
    status: Literal["SUCCESS", "QUEUED", "ERROR"]
    state: State | None
    message: str | None = None
    version: int | None = None
    error: ClientError | None = None

    def __bool__(self) -> bool:
        return self.status == "SUCCESS"


@dataclass(frozen=True, slots=True)
class HeartbeatResult(Record):
    """What became of a heartbeat; true when the server took it.

    Attributes:
        id: the run's UUID.
        success: whether the server took it.
        state: the type of the run's state as the server knows it, from servers that tell, so that a run learns
            of its own cancellation.
        message: why it was not taken.
        version: the run's version, from servers that tell.
    """

    id: str
    success: bool
    state: str | None = None
    message: str | None = None
    version: int | None = None

    def __bool__(self) -> bool:
        return self.success
