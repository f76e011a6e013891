"""Claiming due runs and getting them on their way."""

from __future__ import annotations

import errno
import logging
from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestra_client.agent.deployment import Ending
from orchestra_client.errors import (
    AuthenticationError,
    OrchestraError,
    RateLimited,
    ServerError,
    StateConflict,
    TransportError,
    VersionConflict,
)
from orchestra_client.states.hierarchy import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestra_client.agent.api import AgentApi
    from orchestra_client.agent.deployment import Deployment
    from orchestra_client.agent.pace import Pace
    from orchestra_client.agent.passes import Passes
    from orchestra_client.agent.roster import Charge, Roster
    from orchestra_client.agent.runs import ClaimedRun, DueRun
    from orchestra_client.clock import Clock
    from orchestra_client.delivery.backoff import Backoff

__all__ = ["Claims", "deploy"]

_log = logging.getLogger("orchestra_client.agent")

_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT})
"""What a machine lacks, when no run could be started on it just now."""

_LOOK = 20
"""Runs of the queue that are looked at together, at least: some of them may still be somebody's."""

_REMEMBERED = 1000
"""Runs that were handed back, of which the agent knows that no process has them."""


class Claims:
    """Takes runs from the queue, up to the agent's limit. Belongs to one thread.

    Args:
        api: of the agent.
        roster: the charges; the claimed runs are added to it.
        limit: of charges at the same time; None for as many as come.
        pace: how long a silent run counts as alive.
        rest: how long no run is taken after this machine was short of something.
        clock: tells the time.

    Attributes:
        is_in_doubt: whether a claim was sent whose answer is not known.
    """

    def __init__(
        self,
        api: AgentApi,
        roster: Roster,
        *,
        limit: int | None,
        pace: Pace,
        rest: Backoff,
        clock: Clock,
    ) -> None:
        self._api = api
        self._roster = roster
        self._limit = limit
        self._pace = pace
        self._clock = clock
        self.is_in_doubt = False
        self._was_full = False
        self._rest = rest
        self._resumes_at = 0.0
        self._handed_back: deque[tuple[str, int]] = deque(maxlen=_REMEMBERED)

    def poll(self) -> int:
        """Claim what is due, as far as there is room.

        An agent without room asks, too: it lets the server know that it is alive.

        Returns:
            The number of runs that were due here, claimed or not.

        Raises:
            OrchestraError: the server did not answer.
        """
        self.settle_doubt()
        queue = [run_id for run_id in self._api.queue() if run_id not in self._roster]
        if self.is_resting:
            return 0
        room = len(queue) if self._limit is None else max(self._limit - len(self._roster), 0)
        self._tell_if_full(waiting=len(queue), room=room)
        if not queue or not room:
            return 0
        # The first one after a shortage shows whether it is over.
        due = self._free_runs(queue, 1 if self._rest.failures else room)
        self._claim(due)
        return len(due)

    def _free_runs(self, queue: Sequence[str], room: int) -> list[DueRun]:
        """The first runs of the queue that may be claimed, as many as there is room for."""
        free: list[DueRun] = []
        size = max(room, _LOOK)
        for start in range(0, len(queue), size):
            free += filter(self._is_free, self._api.due_runs(queue[start : start + size]))
            if len(free) >= room:
                break
        return free[:room]

    @property
    def is_resting(self) -> bool:
        """Whether no run is taken for a while, because this machine could not start one."""
        return self._clock.monotonic() < self._resumes_at

    def rest(self, why: str) -> None:
        """Take no runs for a while, each time a longer one.

        Args:
            why: what this machine is short of.
        """
        if self.is_resting:
            return
        is_first = not self._rest.failures
        pause = self._rest.fail()
        self._resumes_at = self._clock.monotonic() + pause
        if is_first:
            _log.error(
                "This machine cannot start runs (%s). They are given back, and this agent tries one again in %.0f s, and "
                "then less and less often. Free what is short, or raise its limit.",
                why,
                pause,
            )

    def recover(self) -> None:
        """Take runs as before: one could be started."""
        if self._rest.failures:
            _log.warning("This machine can start runs again.")
        self._rest.succeed()

    def hand_back(self, run_id: str, version: int) -> None:
        """Remember that a Running run has no process any more, for as long as it has this version."""
        self._handed_back.append((run_id, version))

    def settle_doubt(self) -> bool:
        """Find the runs of a claim whose answer was lost, if one was.

        Returns:
            True.

        Raises:
            OrchestraError: the server did not answer.
        """
        if not self.is_in_doubt:
            return True
        for run in self._api.submitted_here():
            if run.id not in self._roster:
                self._roster.add(run)
                _log.info("Claimed %s; the answer was lost, and is known now.", run)
        self.is_in_doubt = False
        return True

    def _claim(self, due: Sequence[DueRun]) -> None:
        if not due:
            return
        self.is_in_doubt = True
        results = self._api.claim(due)
        self.is_in_doubt = False
        for each, result in zip(due, results, strict=True):
            if result:
                version = each.run.version + (2 if each.state.is_running() else 1)
                self._roster.add(replace(each.run, version=version))
            elif isinstance(result.error, VersionConflict | StateConflict):
                _log.info("Left %s to whoever was faster.", each.run)
            else:
                _log.warning("Could not claim %s: %s", each.run, result.message)

    def _is_free(self, due: DueRun) -> bool:
        """Whether no process has the run: one that is Running may be about to start the task run that is due."""
        if due.state.type_name not in RUNNING or (due.run.id, due.run.version) in self._handed_back:
            return True
        silence = timedelta(seconds=self._pace.abandoned)
        return due.heartbeat is None or self._api.now() - due.heartbeat >= silence

    def _tell_if_full(self, *, waiting: int, room: int) -> None:
        is_full = waiting > room
        if is_full and not self._was_full:
            _log.info("%d runs wait: this agent is at its limit of %s.", waiting - room, self._limit)
        self._was_full = is_full


def deploy(charge: Charge, passes: Passes, deploy_run: Callable[[ClaimedRun], Deployment]) -> bool:
    """Get a claimed run on its way; a deployment that fails is an ending, too, unless this machine is to blame.

    Args:
        charge: of the run.
        passes: make the run's token.
        deploy_run: the agent's own way.

    Returns:
        Whether it is on its way, or has failed; False when the machine is short of something, so that the run is to be
        given back.

    Raises:
        OrchestraError: the server did not answer; to be tried again.
    """
    try:
        environment = passes.issue(charge)
        deployment = deploy_run(replace(charge.run, environment=environment))
        charge.subject = deployment.describe()
    except (TransportError, AuthenticationError, ServerError, RateLimited):
        raise
    except OSError as error:
        if error.errno in _SHORTAGES:
            charge.shortage = str(error)
            return False
        _fail(charge, error)
    except Exception as error:  # noqa: BLE001 - `deploy` is anybody's code, and its failure is the run's
        _fail(charge, error)
    else:
        charge.deployment = deployment
        _log.info("Deployed %s of flow %r: %s.", charge.run, charge.run.flow_name, charge.subject)
    return True


def _fail(charge: Charge, error: Exception) -> None:
    is_told = isinstance(error, OrchestraError | OSError)
    _log.error("%s could not be deployed: %s", charge.run, error, exc_info=not is_told)
    charge.ending = Ending(f"could not be started ({type(error).__name__}: {error})", is_clean=False)
