"""Beating for many runs in as few requests as the server allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.operations import heartbeats
from orchestra_client.operations.aliases import chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.states import Run
    from orchestra_client.results import HeartbeatResult

__all__ = ["update_heartbeats"]


def update_heartbeats(
    flow_run_ids: Sequence[str], task_run_ids: Sequence[str], *, has_batch: bool
) -> Procedure[list[HeartbeatResult]]:
    """Beat for many runs.

    Args:
        flow_run_ids: checked ids.
        task_run_ids: checked ids.
        has_batch: whether the server takes many in one mutation; else they are sent by aliases.

    Returns:
        One result for each run: the flow runs, then the task runs, in their order.
    """
    if not (flow_run_ids or task_run_ids):
        return []
    if has_batch:
        together: list[HeartbeatResult] = yield heartbeats.update_heartbeats(flow_run_ids, task_run_ids)
        return together
    of_flow_runs = yield from _singly("flow_run", flow_run_ids)
    of_task_runs = yield from _singly("task_run", task_run_ids)
    return [*of_flow_runs, *of_task_runs]


def _singly(run: Run, ids: Sequence[str]) -> Procedure[list[HeartbeatResult]]:
    if len(ids) == 1:
        alone: HeartbeatResult = yield heartbeats.update_heartbeat(run, ids[0])
        return [alone]
    results: list[HeartbeatResult] = []
    for some in chunks(ids):
        results += yield heartbeats.update_heartbeats_singly(run, some)
    return results
