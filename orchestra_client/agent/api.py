"""What an agent asks of the server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from orchestra_client.agent.runs import ClaimedRun, DueRun, RunningTask, Standing
from orchestra_client.states import Scheduled, Submitted
from orchestra_client.states.hierarchy import RUNNING, SCHEDULED

if TYPE_CHECKING:
    from collections.abc import Sequence, Set
    from datetime import datetime

    from orchestra_client.client import Client
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import StateResult
    from orchestra_client.states import State

__all__ = ["AgentApi"]

_log = logging.getLogger("orchestra_client.agent")

_AGENT = "query Agent($where: agent_bool_exp!) { agent(where: $where) { id } }"
_RUN = (
    "id name flow_id version serialized_state labels run_config scheduled_start_time heartbeat flow { name }"
)
_RUNS = f"query AgentRuns($where: flow_run_bool_exp!) {{ flow_run(where: $where) {{ {_RUN} }} }}"
_LATE = f"""query LateRuns($where: flow_run_bool_exp!) {{
  flow_run(where: $where, order_by: {{state_start_time: asc}}, limit: 50) {{ {_RUN} }}
}}"""
_STANDINGS = """query Standings($where: flow_run_bool_exp!) {
  flow_run(where: $where) { id state version agent_id }
}"""
_END = """query EndOfRun($where: flow_run_bool_exp!, $waiting: task_run_bool_exp!, $running: task_run_bool_exp!) {
  flow_run(where: $where) {
    id state version agent_id
    waiting: task_runs(where: $waiting, limit: 1) { id }
    running: task_runs(where: $running) { id version run_count task { max_retries retry_delay } }
  }
}"""

_WITHIN = "query RunsWithin($where: task_run_bool_exp!) { task_run(where: $where) { id } }"

_WAITING = sorted(SCHEDULED | {"Queued"})


class AgentApi:
    """The requests of an agent. As safe to share between threads as its client is.

    Every method raises `OrchestraError` when it is not answered, or refused.

    Args:
        client: asks each question once; the agent asks again when it sees fit.
        agent_type: the name of the agent's class.
        name: the agent's, for people.
        labels: of the runs it takes.

    Attributes:
        client: as given.
        agent_id: by which the server knows the agent, from `register` on.
    """

    def __init__(self, client: Client, agent_type: str, name: str, labels: Sequence[str]) -> None:
        self.client = client
        self.agent_id = ""
        self._type = agent_type
        self._name = name
        self._labels = labels

    def register(self) -> None:
        """Make the agent known to the server, which takes note of it in all its further requests."""
        self.agent_id = self.client.register_agent(self._type, self._name, self._labels)
        self.client.attach_headers({"X-Orchestra-Agent-Id": self.agent_id})

    def stay_known(self) -> bool:
        """Register again where somebody has deleted the agent, whose runs would seem to be nobody's.

        Returns:
            True.
        """
        known = self.client.graphql(_AGENT, variables={"where": {"id": {"_eq": self.agent_id}}})
        if not known.data.agent:
            self.register()
            _log.warning("The server did not know this agent any more; it has registered again.")
        return True

    def now(self) -> datetime:
        """What o'clock it is at the server, whose heartbeats and start times this machine's clock does not measure."""
        return self.client._server_now()

    def queue(self) -> list[str]:
        """The ids of the runs that are due for this agent, the longest due first."""
        return self.client.get_runs_in_queue(self._labels, agent_id=self.agent_id)

    def due_runs(self, ids: Sequence[str]) -> list[DueRun]:
        """Runs of the queue, in its order."""
        rows = {row["id"]: row for row in self._rows(_RUNS, {"id": {"_in": list(ids)}})}
        return [DueRun.of_row(rows[run_id]) for run_id in ids if run_id in rows]

    def late_runs(self, before: str) -> list[DueRun]:
        """Runs that have waited since before a time, the longest first; at most 50."""
        where = {"state": {"_in": _WAITING}, "state_start_time": {"_lte": before}}
        return [DueRun.of_row(row) for row in self._rows(_LATE, where)]

    def submitted_here(self) -> list[ClaimedRun]:
        """The runs that this agent has claimed and that have not begun."""
        where = {"agent_id": {"_eq": self.agent_id}, "state": {"_eq": "Submitted"}}
        return [ClaimedRun.of_row(row) for row in self._rows(_RUNS, where)]

    def claim(self, due: Sequence[DueRun]) -> list[StateResult]:
        """Claim runs: each of them only if nobody else has since they were read.

        Returns:
            One result for each, in their order; true for those that are this agent's now.
        """
        changes: list[tuple[Id, int | None, State]] = []
        for each in due:
            version = each.run.version
            if each.state.is_running():
                # It began before; who takes it up makes it one that is to begin, and submits it in one transaction.
                changes.append((each.run.id, version, Scheduled(f"Taken up again by agent {self._name!r}.")))
                version += 1
            changes.append((each.run.id, version, self._submission(each.state)))
        results = self.client.set_flow_run_states(changes)
        submissions = (result for change, result in zip(changes, results, strict=True) if _submits(change))
        return list(submissions)

    def standings(self, ids: Sequence[str]) -> dict[str, Standing]:
        """How runs stand, without their task runs; those that do not exist are left out."""
        rows = self._rows(_STANDINGS, {"id": {"_in": list(ids)}})
        return {row["id"]: Standing(row["state"], row["version"], row["agent_id"]) for row in rows}

    def standing(self, run_id: str) -> Standing | None:
        """How a run stands, with its task runs; None when it does not exist."""
        of_state = {"waiting": {"state": {"_in": _WAITING}}, "running": {"state": {"_in": sorted(RUNNING)}}}
        for row in self._rows(_END, {"id": {"_eq": run_id}}, **of_state):
            running = tuple(RunningTask.of_row(task_run) for task_run in row["running"])
            return Standing(row["state"], row["version"], row["agent_id"], bool(row["waiting"]), running)
        return None

    def runs_within(self, run_id: str, ids: Set[str]) -> frozenset[str]:
        """Those of some ids that are a flow run's own, or those of its task runs."""
        where = {"id": {"_in": sorted(ids)}, "flow_run_id": {"_eq": run_id}}
        answer = self.client.graphql(_WITHIN, variables={"where": where})
        return frozenset(row["id"] for row in answer.data.task_run) | (ids & {run_id})

    def _submission(self, state: State) -> Submitted:
        return Submitted(f"Submitted by agent {self._name!r}.", state=state)

    def _rows(self, query: str, where: dict[str, Any], **variables: Any) -> list[Any]:
        answer = self.client.graphql(query, variables={"where": where, **variables})
        return list(answer.data.flow_run)


def _submits(change: tuple[Id, int | None, State]) -> bool:
    return isinstance(change[2], Submitted)
