"""Where each task run stands in a timeline: a lane each, those of a mapped task together in a band."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from orchestra_client.html.text import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.results import TaskRun
    from orchestra_client.timeline.attempts import Attempt

__all__ = ["Band", "Timeline", "bands_of"]

MAX_HEIGHT = 12
"""Of a band, in heights of a single task run; more children than that have narrower lanes."""


_MAX_NAME = 40
"""Characters of a task's name."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a picture shows.

    Attributes:
        title: what is above it; None for nothing.
        task_runs: in the order they began.
        attempts: the tries of each, by its id.
        is_whole: whether these are all of the flow run's task runs.
        is_over: whether the flow run is known to be finished.
    """

    title: str | None
    task_runs: Sequence[TaskRun]
    attempts: Mapping[str, Sequence[Attempt]]
    is_whole: bool = True
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The task runs of one task.

    Attributes:
        label: the task's name, shortened; with their number when it is mapped.
        task_runs: from top to bottom.
        top: where the band begins, counted downwards from 0 in heights of a single task run.
        height: of the band, at least 1.
    """

    label: str
    task_runs: tuple[TaskRun, ...]
    top: float
    height: float

    @property
    def lane(self) -> float:
        """The height of each task run."""
        return self.height / len(self.task_runs)

    def middle(self, index: int) -> float:
        """The middle of the lane of a task run."""
        return self.top + self.lane * (index + 0.5)


def bands_of(task_runs: Sequence[TaskRun]) -> list[Band]:
    """Arrange task runs, tasks from top to bottom in the order they began.

    Args:
        task_runs: in the order they began. The own run of a mapped task is left out when its children are there.
    """
    by_task: dict[tuple[str, str], list[TaskRun]] = {}
    for task_run in task_runs:
        by_task.setdefault((task_run.flow_run_id, task_run.task_id), []).append(task_run)
    bands, top = [], 0.0
    for group in by_task.values():
        children = sorted((run for run in group if run.map_index >= 0), key=attrgetter("map_index"))
        shown = tuple(children or group)
        height = float(min(len(shown), MAX_HEIGHT))
        bands.append(Band(_label(shown, is_mapped=bool(children)), shown, top, height))
        top += height
    return bands


def _label(task_runs: Sequence[TaskRun], *, is_mapped: bool) -> str:
    run = task_runs[0]
    # In one line, and short enough to leave room for the bars.
    name = shortened(" ".join((run.task_name or run.task_slug or run.task_id).split()), _MAX_NAME)
    return f"{name} × {len(task_runs)}" if is_mapped else name
