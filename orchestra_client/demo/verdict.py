"""What is not as it should be in the stories of the demo's two runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

__all__ = ["faults"]


def faults(hog: Any, patient: Any) -> list[str]:
    """Check the stories of the two runs.

    Args:
        hog: the run that held the slot and was cancelled, as `story.read` returns it.
        patient: the run that waited for the slot.

    Returns:
        What should be so and is not, in words; empty when all is well.
    """
    children = [each for each in patient.task_runs if each.map_index >= 0]
    messages = [record.message for record in patient.logs]
    checks = {
        "the first run was cancelled": hog.state == "Cancelled",
        "none of its task runs is left running": all(each.state != "Running" for each in hog.task_runs),
        "the second run ended well": patient.state == "Success",
        "three shops were fetched and stored": [each.state for each in children] == ["Success"] * 6,
        "one shop was tried again": [each.map_index for each in children if _was_retried(each)] == [2],
        "one at a time was in the warehouse": _took_turns([*hog.task_runs, *patient.task_runs]),
        "the logs tell the sum": messages.count("40 orders in all") == 1,
        "the logs tell of the shop that failed": any("does not answer" in message for message in messages),
    }
    return [what for what, is_so in checks.items() if not is_so]


def _was_retried(task_run: Any) -> bool:
    return "Retrying" in [state.state for state in task_run.states]


def _took_turns(task_runs: list[Any]) -> bool:
    stored = [each for each in task_runs if "warehouse" in each.task.tags and each.start_time]
    turns = sorted((each.start_time, each.end_time) for each in stored)
    return all(earlier[1] <= later[0] for earlier, later in pairwise(turns))
