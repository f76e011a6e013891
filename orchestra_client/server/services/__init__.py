"""What the server does of its own accord: it schedules runs, and notices runs that died, and those that are late.

A service is a class with a name, an interval and `run_once`; each runs in a thread of its own (`loops`), in one
process at a time (`leases`), in transactions of bounded size (`rounds`, `sweeps`). Times are those of the database's
clock. `background` runs them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.server.services.background import Background, health
from orchestra_client.server.services.late_runs import LateRuns
from orchestra_client.server.services.lazarus import Lazarus
from orchestra_client.server.services.scheduler import Scheduler
from orchestra_client.server.services.zombies import ZombieReaper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.server.services.rounds import Service

__all__ = ["Background", "ServiceSettings", "all_services", "health"]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the services are set up.

    Attributes:
        scheduler_interval: seconds between two looks at the schedules.
        zombie_limit: seconds without a heartbeat after which a run is dead; several times the 30 s between two beats.
        late_limit: seconds after its time at which a run that nobody started is late.
    """

    scheduler_interval: float = 15
    zombie_limit: float = 600
    late_limit: float = 300


def all_services(settings: ServiceSettings) -> Sequence[Service]:
    """Every service, for one process."""
    # Ten looks within the limit: a dead run is noticed a tenth of it late at most.
    interval = min(30.0, settings.zombie_limit / 10)
    return [
        Scheduler(settings.scheduler_interval),
        ZombieReaper(settings.zombie_limit, interval),
        Lazarus(settings.zombie_limit, interval),
        LateRuns(settings.late_limit, min(60.0, settings.late_limit / 5)),
    ]
