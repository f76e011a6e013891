# Generated from orchestra_client/_async/overview.py by tools/generate.py: do not edit.
"""Flow runs at large: which there are, which are late, and why one is not running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._sync.base import Part
from orchestra_client.operations.flow_runs import list_flow_runs
from orchestra_client.operations.late_flow_runs import find_late_flow_runs, late_flow_runs
from orchestra_client.procedures.explaining import explain_flow_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.filters import StateFilter
    from orchestra_client.records import Records
    from orchestra_client.results import Explanation, FlowRun, LateFlowRun

__all__ = ["Overview"]


class Overview(Part):
    """The client's methods for looking at flow runs."""

    def flow_runs(
        self,
        *,
        flow: str | None = None,
        flow_id: Id | None = None,
        version_group_id: str | None = None,
        project: str | None = None,
        state: StateFilter | None = None,
        name: str | None = None,
        labels: Iterable[str] | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | timedelta | None = None,
        agent_id: Id | None = None,
        flow_run_id: Id | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Records[FlowRun]:
        """List flow runs.

        Args:
            flow: the name of their flow; unset means any.
            flow_id: of one version of a flow; unset means any.
            version_group_id: of the group of a flow's versions; unset means any.
            project: the name of the flow's project; unset means any.
            state: the name of a state, a `State` class, or several of them; each stands for all below it, as
                ``Failed`` for ``TimedOut``. Unset means any.
            name: of the run; unset means any.
            labels: those with all of these labels, and maybe more; unset means any.
            since: those that were to start then or later: a moment (a naive one is UTC), or a `timedelta` back from
                now. Unset means from the beginning.
            until: those that were to start before then, likewise; unset includes those of the future.
            agent_id: the agent that took them; unset means any, or none.
            flow_run_id: just this run, which is how to read one as lists show it.
            limit: how many at most, from 1 to 10000; `is_whole` of the result tells whether there are more.
            offset: how many to leave out first.

        Returns:
            The flow runs, the latest scheduled first.

        Raises:
            BadInput: a filter makes no sense. Nothing was sent. Also a ValueError.
        """
        wanted = list_flow_runs(
            flow=flow,
            flow_id=flow_id,
            version_group_id=version_group_id,
            project=project,
            state=state,
            name=name,
            labels=labels,
            since=since,
            until=until,
            agent_id=agent_id,
            flow_run_id=flow_run_id,
            limit=limit,
            offset=offset,
            now=self._server_now(),
        )
        return self._execute(wanted)

    def late_flow_runs(self, *, overdue: float = 300, limit: int = 100) -> Records[LateFlowRun]:
        """List the flow runs that no agent has taken although their time has come.

        Args:
            overdue: for how many seconds at least, from 0 to 366 days.
            limit: how many at most, from 1 to 1000; `is_whole` of the result tells whether there are more.

        Returns:
            The runs, the longest waiting first, each with the reason as the server sees it. A server of the older
            API sees none; `explain_flow_run` finds more about a single run.

        Raises:
            BadInput: an argument makes no sense. Nothing was sent. Also a ValueError.
        """
        asked = late_flow_runs(overdue, limit)
        if self._server_has("late_flow_runs"):
            return self._execute(asked)
        return self._execute(find_late_flow_runs(overdue, limit, self._server_now()))

    def explain_flow_run(self, flow_run_id: Id) -> Explanation:
        """Find out why a flow run is not running, or what it waits for. Asks one to five questions.

        Args:
            flow_run_id: the run.

        Returns:
            The reasons, the most important first, each with a code, a message, and what to do about it. Printed, it
            is a text. What the server does about silent runs is told as it does unless it was set up otherwise.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such run in this tenant.
        """
        return self._run(explain_flow_run(flow_run_id, now=self._server_now))
