"""Whose a flow run is that a process has been told to run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.delivery.heartbeats import ABANDONED
from orchestra_client.engine.reporting import RunDisowned

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.results import FlowRunInfo

__all__ = ["refuse_live_run"]


def refuse_live_run(info: FlowRunInfo, now: datetime) -> None:
    """Leave a run alone that another process is at: whoever comes later would run its tasks a second time.

    A run that an agent takes up again is Submitted by then, whatever its last heartbeat.

    Args:
        info: the run as it was read, before this process has set a state of it or beaten for it.
        now: the time by the server's clock, as the heartbeat is.

    Raises:
        RunDisowned: its heartbeat is too young for its process to be gone.
    """
    # One that is Cancelling has no task begun any more, and comes to its end sooner.
    if not info.state.is_running() or info.state.is_cancelling() or info.heartbeat is None:
        return
    silent = now - info.heartbeat
    if silent < timedelta(seconds=ABANDONED):
        raise RunDisowned(
            f"its process gave a sign of life {max(silent.total_seconds(), 0):.0f} s ago; if that has ended, run it "
            f"again once {ABANDONED:g} s have passed without one"
        )
