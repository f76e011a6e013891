"""What the picture of a run is drawn from, besides its task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation
from orchestra_client.operations import checks
from orchestra_client.operations.answers import first, moment
from orchestra_client.states.hierarchy import FINISHED
from orchestra_client.timeline.attempts import Change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.operations.checks import Id

__all__ = ["get_run_title", "get_state_changes"]


def get_run_title(flow_run_id: Id) -> Operation[tuple[str, bool]]:
    """Read what a flow run is called, its flow's name and its own; and whether it is finished."""
    run_id = checks.uuid(flow_run_id, "flow_run_id")
    return Operation("get_run_title", {"where": {"id": {"_eq": run_id}}}, first(f"flow run {run_id}", _title))


def _title(row: dict[str, Any]) -> tuple[str, bool]:
    title = " ".join(filter(None, ((row["flow"] or {}).get("name"), row["name"])))
    return title, row["state"] in FINISHED


def get_state_changes(task_run_ids: Sequence[str]) -> Operation[Mapping[str, list[Change]]]:
    """Read the states that task runs went through; the result has those of each, in order, by its id.

    Args:
        task_run_ids: at most a few hundred.
    """
    where = {"task_run_id": {"_in": list(task_run_ids)}}
    return Operation("get_state_changes", {"where": where}, _changes)


def _changes(rows: list[dict[str, Any]]) -> dict[str, list[Change]]:
    changes: dict[str, list[Change]] = {}
    for row in rows:
        changes.setdefault(row["task_run_id"], []).append(Change(moment(row["timestamp"]), row["state"]))
    return changes
