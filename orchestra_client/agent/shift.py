"""An agent at work, from registering to its end: one thread that asks the server, one that watches deployments."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestra_client.agent.claims import Claims, deploy
from orchestra_client.agent.contact import Contact, given_up
from orchestra_client.agent.endings import Endings, Oversight
from orchestra_client.agent.passes import Passes
from orchestra_client.agent.process import LocalProcess, reap_orphans
from orchestra_client.agent.roster import Charge, Roster, Watcher
from orchestra_client.agent.unmatched import Unmatched
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.agent.api import AgentApi
    from orchestra_client.agent.base import Agent
    from orchestra_client.agent.leftovers import Leftovers
    from orchestra_client.agent.logins import Logins
    from orchestra_client.delivery.heartbeats import Heartbeats

__all__ = ["Shift"]

_log = logging.getLogger("orchestra_client.agent")

_TICK = 0.5
"""Seconds after which a signal to stop is noticed at the latest."""

_TIDYING = 60.0
"""Seconds between two looks for what processes without an agent have left behind, and whether the agent is known."""


@dataclass(slots=True)
class _Duty:
    """Something to do again and again.

    Attributes:
        do: does it; returns the seconds until the next time.
        due: when, by the clock's `monotonic`.
    """

    do: Callable[[], float]
    due: float = 0.0


class Shift:
    """One life of an agent. `run` belongs to one thread; the attributes may be read by others.

    Everything that asks the server is done in turns by the thread that calls `run`, and waits while the server is away.
    The deployments are watched by another thread, which needs no server.

    Args:
        agent: its settings, and its way to deploy.
        api: of the agent, registered.
        heartbeats: of the runs.
        leftovers: what ended processes of this machine have not delivered.
        logins: of all clients that the agent uses.

    Attributes:
        roster: the runs that the agent is in charge of.
        contact: whether the server answers.
        polls: how often the queue was asked.
        turned_at: when the last turn began, by the clock's `monotonic`.
        is_draining: whether no more runs are taken.
    """

    def __init__(
        self, agent: Agent, api: AgentApi, heartbeats: Heartbeats, leftovers: Leftovers, logins: Logins
    ) -> None:
        pace, clock = agent.pace, agent.clock
        self._agent = agent
        self._api = api
        self._heartbeats = heartbeats
        self._leftovers = leftovers
        self.roster = Roster()
        self.contact = Contact(Backoff(0.5, pace.longest_poll, agent.random), clock, logins.renew)
        self.polls = 0
        self.turned_at = clock.monotonic()
        self.is_draining = False
        self._is_ending = False
        self._deadline: float | None = None
        self._woken = threading.Event()
        self._idle = Backoff(pace.first_poll, pace.longest_poll, agent.random)
        self._passes = Passes(api, agent.name)
        self._claims = Claims(
            api,
            self.roster,
            limit=agent.limit,
            pace=pace,
            rest=Backoff(10.0, 300.0, agent.random),
            clock=clock,
        )
        self._oversight = Oversight(api, self.roster, pace, clock)
        self._endings = Endings(
            api, self.roster, self._passes, leftovers, self._claims.hand_back, pace=pace, clock=clock
        )
        self._unmatched = Unmatched(api, agent.labels, pace)
        watcher = Watcher(self.roster, pace, clock, self._woken.set)
        self._watching = Worker("orchestra-agent-watch", watcher.turn)
        self._polling = _Duty(self._poll)
        self._duties = [_Duty(self._look), self._polling, _Duty(self._tidy)]
        if agent.show_unmatched:
            self._duties.append(_Duty(self._look_for_late_runs, clock.monotonic() + pace.late))

    def run(self) -> bool:
        """Work until the agent is told to stop and its runs have ended.

        Returns:
            Whether the end of every run is known to the server.

        Raises:
            AuthenticationError: the server has refused the agent's token for too long.
        """
        self.contact.ask("Revoking tokens that were left behind", self._passes.revoke_left)
        while not self._is_done():
            self._woken.clear()
            self._turn()
            self._woken.wait(self._pause())
        self._watching.stop(timeout=_TICK)
        for charge in self.roster.all():
            _log.error("The end of %s could not be reported.", charge.run)
        if self.contact.refusal is not None and not self._agent.stops:
            raise given_up(self.contact.refusal)
        return len(self.roster) == 0

    def _turn(self) -> None:
        self.turned_at = now = self._agent.clock.monotonic()
        self._heed_stop(now)
        if self._agent.reaps_orphans and os.getpid() == 1:
            deployments = (charge.deployment for charge in self.roster.all())
            reap_orphans(frozenset(each.pid for each in deployments if isinstance(each, LocalProcess)))
        for do_at_once in (self._settle, self._deploy):
            if not self.contact.pause:
                do_at_once()
        for duty in self._duties:
            if duty.due <= now and not self.contact.pause:
                duty.due = now + duty.do()

    def _pause(self) -> float:
        now = self._agent.clock.monotonic()
        next_duty = min(duty.due for duty in self._duties) - now
        return min(max(next_duty, self.contact.pause, 0.0), _TICK)

    # ------------------------------------------------------------------------------------------ duties

    def _settle(self) -> None:
        for charge in self.roster.ended():
            done = self._see_off(charge, self._endings.settle)
            if done is None:
                break
            if done:
                # There is room for another one, and where one came from, more may come.
                self._idle.succeed()
                self._polling.due = 0.0

    def _deploy(self) -> None:
        for charge in self.roster.undeployed():
            if self._claims.is_resting and charge.shortage is None:
                charge.shortage = "another run could not be started either"
            is_given_up = self._is_ending or charge.shortage is not None
            done = self._see_off(charge, self._endings.release) if is_given_up else self._start(charge)
            if done is None:
                break

    def _start(self, charge: Charge) -> bool | None:
        done = self.contact.ask(
            f"Deploying {charge.run}", lambda: deploy(charge, self._passes, self._agent.deploy)
        )
        if charge.shortage is not None:
            self._claims.rest(charge.shortage)
            return self._see_off(charge, self._endings.release)
        if charge.deployment is not None:
            self._claims.recover()
            charge.beating = self._heartbeats.add(charge.run.id)
            self._watching.ensure()
            self._watching.wake()
        return done

    def _see_off(self, charge: Charge, how: Callable[[Charge], bool]) -> bool | None:
        done = self.contact.ask(f"Reporting the end of {charge.run}", lambda: how(charge))
        if self.contact.was_refused:
            # It will not be taken the next time either; the server's own services find the run.
            self.roster.remove(charge)
            return True
        return done

    def _look(self) -> float:
        if self.roster.live():
            self._watching.ensure()
            self.contact.ask("Asking how the runs stand", self._oversight.look)
        return self._agent.pace.look * (1 - self._agent.random() / 10)

    def _poll(self) -> float:
        if self.is_draining:
            if self._claims.is_in_doubt:
                self.contact.ask("Asking for claimed runs", self._claims.settle_doubt)
            return _TICK
        found = self.contact.ask("Asking for runs", self._claims.poll)
        if found is not None:
            self.polls += 1
        if self._agent.max_polls is not None and self.polls >= self._agent.max_polls:
            self._drain(f"asked {self.polls} times")
        if not found:
            return self._idle.fail()
        self._idle.succeed()
        # What was claimed is deployed in the next turn.
        self._woken.set()
        return self._agent.pace.first_poll

    def _look_for_late_runs(self) -> float:
        if not self.is_draining:
            self.contact.ask("Looking for late runs", self._unmatched.look)
        return self._agent.pace.unmatched

    def _tidy(self) -> float:
        self._leftovers.collect()
        self.contact.ask("Asking whether the agent is known", self._api.stay_known)
        return _TIDYING

    # ------------------------------------------------------------------------------------------ the end

    def _heed_stop(self, now: float) -> None:
        stops, pace = self._agent.stops, self._agent.pace
        if stops and self._deadline is None:
            self._deadline = now + pace.drain
            self._drain(f"told to stop, and waits {pace.drain:g} s at most, or until it is told again")
        if self._deadline is not None and not self._is_ending and (stops > 1 or now >= self._deadline):
            self._is_ending = True
            self._deadline = now + pace.grace + pace.report
        if self._is_ending:
            self._oversight.end_all()

    def _drain(self, why: str) -> None:
        if not self.is_draining or self.roster:
            _log.info("The agent takes no more runs (%s); %d are under way.", why, len(self.roster))
        self.is_draining = True

    def _is_locked_out(self) -> bool:
        refused_for = self.contact.refused_for
        return refused_for is not None and refused_for >= self._agent.pace.refused and not self.roster.live()

    def _is_done(self) -> bool:
        if self._is_locked_out():
            return True
        if self._is_ending and self._deadline is not None:
            is_over = self._agent.clock.monotonic() >= self._deadline or self._agent.stops > 2
            if is_over and not self.roster.live():
                return True
        return self.is_draining and not self.roster and not self._claims.is_in_doubt
