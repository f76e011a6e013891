"""Heartbeats: signs of life of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.aliases import aliased
from orchestra_client.operations.answers import mutated
from orchestra_client.results import HeartbeatResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestra_client.errors import OrchestraError
    from orchestra_client.operations.checks import Id
    from orchestra_client.operations.states import Run

__all__ = ["run_ids", "update_heartbeat", "update_heartbeats", "update_heartbeats_singly"]


def run_ids(ids: Iterable[Id], name: str) -> list[str]:
    """Run ids, checked, each once, in order."""
    if isinstance(ids, str):
        raise TypeError(f"{name} must be a list of ids, not the single string {ids!r:.80}")
    return list(dict.fromkeys(checks.uuid(each, f"an id in {name}") for each in ids))


def update_heartbeat(run: Run, run_id: Id) -> Operation[HeartbeatResult]:
    """Beat for one run, as every server understands it."""
    checked = checks.uuid(run_id, f"{run}_id")
    given = {f"{run}_id": checked}
    return Operation(
        f"update_{run}_heartbeat", {"input": given}, lambda answer: HeartbeatResult(checked, mutated(answer))
    )


def update_heartbeats(
    flow_run_ids: Sequence[str], task_run_ids: Sequence[str]
) -> Operation[list[HeartbeatResult]]:
    """Beat for many runs; the server tells each one's state.

    Args:
        flow_run_ids: checked ids.
        task_run_ids: checked ids.

    Returns:
        The operation; its result has the flow runs first, then the task runs, in their order.
    """
    asked = [*flow_run_ids, *task_run_ids]

    def parse(answer: dict[str, Any]) -> list[HeartbeatResult]:
        by_id = {row["id"]: row for row in answer["heartbeats"]}
        return [_told(each, by_id.get(each)) for each in asked]

    given = {"flow_run_ids": list(flow_run_ids), "task_run_ids": list(task_run_ids)}
    return Operation("update_heartbeats", {"input": given}, parse)


def _told(run_id: str, row: dict[str, Any] | None) -> HeartbeatResult:
    if row is None:
        return HeartbeatResult(run_id, success=False, message="the server did not answer for this run")
    return HeartbeatResult(run_id, row["success"], row["state"], row["message"], row["version"])


def update_heartbeats_singly(run: Run, ids: Sequence[str]) -> Operation[list[HeartbeatResult]]:
    """Beat for many runs of one kind in one request, for servers without `update_heartbeats`."""
    asked = iter(ids)

    def read(answer: dict[str, Any] | None, error: OrchestraError | None) -> HeartbeatResult:
        message = None if error is None else str(error)
        return HeartbeatResult(next(asked), mutated(answer), message=message)

    return aliased(f"update_{run}_heartbeat", [{f"{run}_id": each} for each in ids], "{ success }", read)
