# Generated from orchestra_client/_async/heartbeats.py by tools/generate.py: do not edit.
"""Heartbeats: signs of life that never fail the run that gives them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestra_client._sync.base import Part
from orchestra_client.errors import BadInput, OrchestraError
from orchestra_client.operations import heartbeats
from orchestra_client.procedures.heartbeats import update_heartbeats
from orchestra_client.results import HeartbeatResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.states import Run

__all__ = ["Heartbeats"]

_log = logging.getLogger("orchestra_client")


class Heartbeats(Part):
    """The client's methods for heartbeats. None of them raises; what went wrong is logged and returned."""

    def update_flow_run_heartbeat(self, flow_run_id: Id) -> HeartbeatResult:
        """Tell that a flow run is alive.

        Args:
            flow_run_id: the run.

        Returns:
            True when the server took it; else false, and its `message` says why. It never raises.
        """
        return self._beat_once("flow_run", flow_run_id)

    def update_task_run_heartbeat(self, task_run_id: Id) -> HeartbeatResult:
        """Tell that a task run is alive.

        Args:
            task_run_id: the run.

        Returns:
            True when the server took it; else false, and its `message` says why. It never raises.
        """
        return self._beat_once("task_run", task_run_id)

    def update_heartbeats(
        self, flow_run_ids: Iterable[Id] = (), task_run_ids: Iterable[Id] = ()
    ) -> list[HeartbeatResult]:
        """Tell that many runs are alive, in one request where the server allows.

        Args:
            flow_run_ids: flow runs; one that is named twice counts once.
            task_run_ids: task runs; likewise.

        Returns:
            One result for each run, the flow runs first, in their order. It never raises for what the server or the
            network does.

        Raises:
            BadInput: one of the ids is no UUID; nothing was sent. Also a ValueError.
        """
        flows = heartbeats.run_ids(flow_run_ids, "flow_run_ids")
        tasks = heartbeats.run_ids(task_run_ids, "task_run_ids")
        return self._beat(flows, tasks)

    def _beat_once(self, run: Run, run_id: Id) -> HeartbeatResult:
        try:
            ids = heartbeats.run_ids([run_id], f"{run}_ids")
        except (BadInput, TypeError) as error:
            return _told(HeartbeatResult(str(run_id), success=False, message=str(error)))
        [result] = self._beat(ids, []) if run == "flow_run" else self._beat([], ids)
        return result

    def _beat(self, flow_runs: list[str], task_runs: list[str]) -> list[HeartbeatResult]:
        try:
            has_batch = self._server_has("update_heartbeats")
            results = self._run(update_heartbeats(flow_runs, task_runs, has_batch=has_batch))
        except OrchestraError as error:
            why = str(error)
            results = [HeartbeatResult(each, success=False, message=why) for each in [*flow_runs, *task_runs]]
        return [_told(result) for result in results]


def _told(result: HeartbeatResult) -> HeartbeatResult:
    if not result:
        _log.warning(
            "The heartbeat of run %s was not taken: %s", result.id, result.message or "it is finished"
        )
    return result
