"""The order in which task runs enter Running, and those that wait for a slot behind their tags. Pure.

A run that finds no slot waits here, and with it all runs of the same tags: one of them asks for all. It holds no
thread meanwhile.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestra_client.engine.task_runs import TaskRun

__all__ = ["Claims", "Tags"]

Tags = frozenset[str]

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0
_GROWTH = 1.5


@dataclass(slots=True)
class _Line:
    """Runs of the same tags that wait for a slot."""

    runs: deque[TaskRun] = field(default_factory=deque)
    pause: float = 0.0


class Claims:
    """Runs that may begin, in order. Belongs to the thread of its flow run."""

    def __init__(self) -> None:
        self._next: deque[TaskRun] = deque()
        self._asking: set[TaskRun] = set()
        self._lines: dict[Tags, _Line] = {}

    def __len__(self) -> int:
        return len(self._next) + sum(len(line.runs) for line in self._lines.values())

    def add(self, run: TaskRun) -> None:
        """Let a run begin when its turn comes."""
        self._next.append(run)

    def take(self, room: int) -> list[TaskRun]:
        """The runs whose turn it is.

        Args:
            room: how many at most.

        Returns:
            The runs; each is to be either `accepted` or `refused`, unless it ends otherwise.
        """
        taken: list[TaskRun] = []
        while self._next and len(taken) < room:
            run = self._next.popleft()
            line = self._lines.get(_tags(run))
            if line is not None and run not in self._asking:
                line.runs.append(run)
            else:
                self._asking.discard(run)
                taken.append(run)
        return taken

    def accepted(self, run: TaskRun) -> None:
        """A run has its slot, so the next one of its tags may ask, too."""
        self.wake(_tags(run))

    def refused(self, run: TaskRun) -> tuple[Tags, float]:
        """A run found no slot and waits.

        Returns:
            Its tags, and after how many seconds to `wake` them.
        """
        line = self._lines.setdefault(_tags(run), _Line())
        line.runs.appendleft(run)
        line.pause = min(line.pause * _GROWTH, _LONGEST_PAUSE) if line.pause else _FIRST_PAUSE
        return _tags(run), line.pause

    def wake(self, tags: Tags) -> None:
        """Let the first run that waits with these very tags ask again."""
        line = self._lines.get(tags)
        if line is None:
            return
        if not line.runs:
            del self._lines[tags]
            return
        run = line.runs.popleft()
        self._asking.add(run)
        self._next.append(run)

    def released(self, run: TaskRun) -> None:
        """A run gave its slots back: whoever waits for one of its tags may ask again."""
        if self._lines:
            for tags in [tags for tags in self._lines if tags & run.task.tags]:
                self.wake(tags)

    def clear(self) -> None:
        """Forget all of them."""
        self.__init__()  # type: ignore[misc]  # as new


def _tags(run: TaskRun) -> Tags:
    return frozenset(run.task.tags)
