"""Why a late run is not picked up: the labels that it has and an agent lacks, or the other way round."""

from __future__ import annotations

import logging
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.agent.api import AgentApi
    from orchestra_client.agent.pace import Pace

__all__ = ["Unmatched", "mismatch"]

_log = logging.getLogger("orchestra_client.agent")

_REMEMBERED = 1000


def mismatch(run_labels: Sequence[str], agent_labels: Sequence[str]) -> str | None:
    """Why an agent does not take a run.

    Args:
        run_labels: the run's.
        agent_labels: the agent's.

    Returns:
        The end of a sentence about the agent; None when the labels are no reason.
    """
    if not run_labels:
        return (
            f"takes only runs with labels ({_listed(agent_labels)}), and it has none"
            if agent_labels
            else None
        )
    missing = sorted(set(run_labels) - set(agent_labels))
    return (
        f"does not have its {'label' if len(missing) == 1 else 'labels'} {_listed(missing)}"
        if missing
        else None
    )


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(repr, labels))


class Unmatched:
    """Tells of each late run once why this agent does not take it. Belongs to one thread.

    Args:
        api: of the agent.
        labels: the agent's.
        pace: when a run is late.
    """

    def __init__(self, api: AgentApi, labels: Sequence[str], pace: Pace) -> None:
        self._api = api
        self._labels = labels
        self._pace = pace
        self._told: deque[tuple[str, int]] = deque(maxlen=_REMEMBERED)

    def look(self) -> int:
        """Look for late runs.

        Returns:
            How many there are, at most 50.

        Raises:
            OrchestraError: the server did not answer.
        """
        before = self._api.now() - timedelta(seconds=self._pace.late)
        late_runs = self._api.late_runs(before.isoformat())
        for late in late_runs:
            known = (late.run.id, late.run.version)
            why = mismatch(late.run.labels, self._labels)
            if why is not None and known not in self._told:
                self._told.append(known)
                _log.info("Late: %s waits, and this agent %s.", late.run, why)
        return len(late_runs)
