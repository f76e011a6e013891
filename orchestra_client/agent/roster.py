"""The runs that an agent is in charge of, and the thread that watches their deployments."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.agent.deployment import Deployment, Ending
    from orchestra_client.agent.pace import Pace
    from orchestra_client.agent.runs import ClaimedRun
    from orchestra_client.agent.verdicts import Told
    from orchestra_client.clock import Clock
    from orchestra_client.delivery.heartbeats import Beating

__all__ = ["Charge", "Roster", "Watcher"]

_log = logging.getLogger("orchestra_client.agent")


@dataclass(slots=True, eq=False)
class Charge:
    """A run that an agent is in charge of.

    The watching thread alone calls the deployment, and sets `ending`, `asked_at` and `was_killed`; everything else is
    set by the agent's own thread. Single attributes are set and read as they are, without a lock.

    Attributes:
        run: the run.
        token_id: of the token that was made for it; None when it has none of its own.
        token_key: the idempotency key under which that is made.
        shortage: what this machine was short of, so that the run is to be given back; None when it was not.
        deployment: None until it was deployed.
        subject: what messages call the deployment.
        beating: its heartbeats.
        told: why the deployment is to end; None while it is not.
        over_since: when it was first seen to be over, by the clock's `monotonic`.
        asked_at: when the deployment was asked to end, by the clock's `monotonic`.
        was_killed: whether it was ended for good.
        ending: how the deployment ended; None while it goes on.
        unheard_since: since when states that its process left on disk wait for a server that answers.
        is_reported: whether the server knows of the end.
    """

    run: ClaimedRun
    token_id: str | None = None
    token_key: str = field(default_factory=lambda: str(uuid4()))
    shortage: str | None = None
    deployment: Deployment | None = None
    subject: str = "its deployment"
    beating: Beating | None = None
    told: Told | None = None
    over_since: float | None = None
    asked_at: float | None = None
    was_killed: bool = False
    ending: Ending | None = None
    unheard_since: float | None = None
    is_reported: bool = False


class Roster:
    """All charges of an agent, by run. Safe to share between threads."""

    def __init__(self) -> None:
        self._charges: dict[str, Charge] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._charges)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._charges

    def add(self, run: ClaimedRun) -> None:
        """Take charge of a run, which has no deployment yet."""
        with self._lock:
            self._charges[run.id] = Charge(run)

    def remove(self, charge: Charge) -> None:
        """Be done with a run."""
        with self._lock:
            del self._charges[charge.run.id]

    def all(self) -> list[Charge]:
        """Every charge, in the order in which they came."""
        with self._lock:
            return list(self._charges.values())

    def undeployed(self) -> list[Charge]:
        """Those that are yet to be deployed."""
        return [charge for charge in self.all() if charge.deployment is None and charge.ending is None]

    def live(self) -> list[Charge]:
        """Those whose deployment goes on."""
        return [charge for charge in self.all() if charge.deployment is not None and charge.ending is None]

    def ended(self) -> list[Charge]:
        """Those whose deployment has ended, or never began."""
        return [charge for charge in self.all() if charge.ending is not None]


class Watcher:
    """Looks at the deployments, and ends those that are told to. Its turns belong to one thread.

    Args:
        roster: the charges.
        pace: how often, and how patiently.
        clock: tells the time.
        on_ending: called when a deployment has ended.
    """

    def __init__(self, roster: Roster, pace: Pace, clock: Clock, on_ending: Callable[[], None]) -> None:
        self._roster = roster
        self._pace = pace
        self._clock = clock
        self._on_ending = on_ending

    def turn(self) -> float | None:
        """Look at all of them.

        Returns:
            Seconds until the next turn; None while there is nothing to watch.
        """
        live = self._roster.live()
        for charge in live:
            try:
                self._watch(charge)
            except Exception:  # noqa: BLE001 - a deployment is anybody's code, and the others need looking after, too
                _log.exception("Looking after %s failed (%s).", charge.run, charge.subject)
        return self._pace.watch if live else None

    def _watch(self, charge: Charge) -> None:
        assert charge.deployment is not None  # it is live
        ending = charge.deployment.poll()
        if ending is not None:
            charge.ending = ending
            self._on_ending()
        elif charge.told is not None:
            self._end(charge, charge.deployment)

    def _end(self, charge: Charge, deployment: Deployment) -> None:
        now = self._clock.monotonic()
        if charge.asked_at is None:
            charge.asked_at = now
            deployment.terminate()
        elif now - charge.asked_at >= self._pace.grace and not charge.was_killed:
            charge.was_killed = True
            _log.warning("%s has not ended within %g s; it is killed.", charge.subject, self._pace.grace)
            deployment.kill()
