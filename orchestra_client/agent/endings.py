"""Looking after runs with the server: what it thinks of those that go on, and what to tell it of those that ended."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestra_client.agent.verdicts import concern, end_of, ends_of_tasks
from orchestra_client.errors import StateConflict, VersionConflict
from orchestra_client.states import Scheduled
from orchestra_client.states.hierarchy import FINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.agent.api import AgentApi
    from orchestra_client.agent.leftovers import Leftovers
    from orchestra_client.agent.pace import Pace
    from orchestra_client.agent.passes import Passes
    from orchestra_client.agent.roster import Charge, Roster
    from orchestra_client.agent.runs import Standing
    from orchestra_client.agent.verdicts import Concern, Told
    from orchestra_client.clock import Clock
    from orchestra_client.states import State

__all__ = ["Endings", "Oversight"]

_log = logging.getLogger("orchestra_client.agent")

_WHY: dict[Told, str] = {
    "cancelled": "the run is cancelled",
    "lost": "the run is someone else's now, or deleted",
    "over": "the run is over",
    "stopped": "the agent stops",
}


class Oversight:
    """Ends deployments whose runs are cancelled, over, or someone else's. Belongs to one thread.

    Args:
        api: of the agent.
        roster: the charges.
        pace: how long a deployment may linger.
        clock: tells the time.
    """

    def __init__(self, api: AgentApi, roster: Roster, pace: Pace, clock: Clock) -> None:
        self._api = api
        self._roster = roster
        self._pace = pace
        self._clock = clock

    def look(self) -> int:
        """Ask how the runs stand whose deployments go on.

        Returns:
            How many these are.

        Raises:
            OrchestraError: the server did not answer.
        """
        live = [charge for charge in self._roster.live() if charge.told is None]
        standings = self._api.standings([charge.run.id for charge in live])
        for charge in live:
            self._consider(charge, concern(standings.get(charge.run.id), self._api.agent_id))
        return len(live)

    def end_all(self) -> None:
        """End every deployment, because the agent stops."""
        for charge in self._roster.live():
            if charge.told is None:
                _tell(charge, "stopped")

    def _consider(self, charge: Charge, concern: Concern) -> None:
        if concern == "ours":
            charge.over_since = None
        elif concern == "over":
            now = self._clock.monotonic()
            charge.over_since = charge.over_since or now
            if now - charge.over_since >= self._pace.linger:
                _tell(charge, "over")
        else:
            _tell(charge, concern)


def _tell(charge: Charge, why: Told) -> None:
    charge.told = why
    _log.info("Ending %s of %s: %s.", charge.subject, charge.run, _WHY[why])


class Endings:
    """Reports how runs ended, where they did not do so themselves. Belongs to one thread.

    Args:
        api: of the agent.
        roster: the charges; those that are settled are removed.
        passes: revoke the runs' tokens.
        leftovers: delivers what the runs could not.
        on_handed_back: called with the id and the version of a run that waits for its next process.
        pace: how long to wait for states that a process left behind.
        clock: tells the time.
    """

    def __init__(
        self,
        api: AgentApi,
        roster: Roster,
        passes: Passes,
        leftovers: Leftovers,
        on_handed_back: Callable[[str, int], None],
        *,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._api = api
        self._roster = roster
        self._passes = passes
        self._leftovers = leftovers
        self._on_handed_back = on_handed_back
        self._pace = pace
        self._clock = clock

    def settle(self, charge: Charge) -> bool:
        """Do all that is due for a deployment that has ended.

        Returns:
            Whether all is done; else, and when it raises, it is to be called again.

        Raises:
            OrchestraError: the server did not answer.
        """
        if charge.beating is not None:
            charge.beating.leave()
        if not charge.is_reported:
            if not self._is_heard(charge):
                return False
            self._report(charge)
            self._leftovers.collect()
            charge.is_reported = True
        self._passes.revoke(charge)
        self._roster.remove(charge)
        return True

    def release(self, charge: Charge) -> bool:
        """Give up a run that was claimed and not deployed, so that another agent may take it.

        Returns:
            True.

        Raises:
            OrchestraError: the server did not answer.
        """
        try:
            why = (
                "stopped before it began"
                if charge.shortage is None
                else f"could not start it: {charge.shortage}"
            )
            state = Scheduled(f"The agent that had claimed the run {why}.")
            self._api.client.set_flow_run_state(charge.run.id, charge.run.version, state)
        except (VersionConflict, StateConflict) as error:
            _log.info("Left %s as it is: %s", charge.run, error)
        self._passes.revoke(charge)
        self._roster.remove(charge)
        return True

    def _is_heard(self, charge: Charge) -> bool:
        """Whether the server has taken what the run's process could not deliver, or has had its time for that."""
        # Asked before the time is counted: a server that is away takes nothing.
        standing = self._api.standing(charge.run.id)
        if standing is None or standing.state in FINISHED or self._is_delivered(charge):
            return True
        now = self._clock.monotonic()
        charge.unheard_since = charge.unheard_since or now
        return now - charge.unheard_since >= self._pace.linger

    def _is_delivered(self, charge: Charge) -> bool:
        """Whether nothing of this run waits on disk; what waits of others, for a slot it may be, is their own matter."""
        waiting = self._leftovers.waiting()
        own = self._api.runs_within(charge.run.id, waiting) if waiting else frozenset()
        return self._leftovers.deliver_states(own, is_first=charge.unheard_since is None)

    def _report(self, charge: Charge) -> None:
        assert charge.ending is not None  # it has ended
        ending = charge.ending
        if charge.told == "stopped":
            ending = replace(ending, reason=f"{ending.reason}, because its agent stopped")
        standing = self._api.standing(charge.run.id)
        state = end_of(standing, self._api.agent_id, ending, charge.subject)
        if standing is None:
            return
        if ends := ends_of_tasks(standing, self._api.agent_id, ending, charge.subject, self._api.now()):
            # First those inside, so that their slots return at once.
            self._api.client.set_task_run_states(ends)
        if state is not None:
            self._set(charge, standing, state)
            return
        _log.info("%s of %s %s.", charge.subject, charge.run, ending.reason)
        if standing.state == "Running":
            self._on_handed_back(charge.run.id, standing.version)

    def _set(self, charge: Charge, standing: Standing, state: State) -> None:
        try:
            self._api.client.set_flow_run_state(charge.run.id, standing.version, state)
        except (VersionConflict, StateConflict) as error:
            # Its process was still heard, or somebody was faster: it is looked at anew.
            _log.info("%s has moved on: %s", charge.run, error)
            self._report(charge)
        else:
            _log.warning("Reported %s as %s: %s", charge.run, state.type_name, state.message)
