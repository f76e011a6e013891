"""How often an agent does what it does, and how long it waits for others."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from orchestra_client.delivery.heartbeats import ABANDONED
from orchestra_client.errors import ConfigurationError

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The intervals and patience of an agent, all in seconds. Immutable, hence safe to share.

    Attributes:
        first_poll: between two looks at the queue while there is something in it.
        longest_poll: the same when nothing has come for a while; at most two minutes, or the server takes the agent
            for gone.
        watch: between two looks at the deployments.
        look: between two looks at what the server thinks of the runs; a cancellation is noticed within it.
        beat: between two heartbeats for each run.
        unmatched: between two looks for late runs that this agent cannot take.
        late: after its time, a run that nobody has taken is late.
        abandoned: after its last heartbeat, a Running run with a task run that is due has no process any more.
        grace: from asking a deployment to end until it is ended for good.
        linger: that a deployment may go on after its run came to an end; and that states which one left on disk may
            take to be delivered before its run is judged without them.
        drain: that a stopping agent waits for its runs.
        refused: that an agent whose token is refused goes on asking, in case somebody mends it; then it ends as soon as
            no run is under way.
        report: that a stopping agent tries to report the ends of runs that it had to end.

    Raises:
        ConfigurationError: one of them is no number above 0.
    """

    first_poll: float = 0.1
    longest_poll: float = 3.0
    watch: float = 0.2
    look: float = 5.0
    beat: float = 30.0
    unmatched: float = 60.0
    late: float = 60.0
    abandoned: float = ABANDONED
    grace: float = 10.0
    linger: float = 30.0
    drain: float = 600.0
    refused: float = 300.0
    report: float = 30.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 < value < math.inf:
                raise ConfigurationError(
                    f"The agent's {each.name} is a number of seconds above 0, not {value!r}."
                )
