"""What `orchestra_client.context` holds during a run.

Of the flow run: `flow_name`, `flow_id`, `flow_run_id`, `flow_run_name`, `project_id`, `project_name`, `parameters`,
`scheduled_start_time`, `running_with_backend`, `secrets`, `caches`, `logger`, the dates `date`, `today`, `yesterday`,
`tomorrow` and their `…_nodash` forms, and whatever the run was created with. Of a run within a task of another one,
which the server knows, `log_flow_run_id` and `log_task_run_id`: whose logs its own are.

In a task, besides: `task_name`, `task_slug`, `task_full_name`, `task_tags`, `task_id`, `task_run_id`, `task_run_name`,
`map_index`, `task_run_count`, `task_loop_count`, `task_loop_result`, and a `logger` of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from orchestra_client.engine.task_runs import TaskRun

__all__ = ["RunSecrets", "dates", "flow_values", "task_values"]

_DASHED, _PLAIN = "%Y-%m-%d", "%Y%m%d"


class RunSecrets(Mapping[str, Any]):
    """The secrets of a run by name: those it was given, and those of the server, asked for when first used.

    Shows no value in its repr. Safe to share between threads. What has not been asked for before it is pickled cannot
    be later: a Dask worker has no way to the server.

    Args:
        given: values by name, which win.
        look_up: finds another one by its name, or raises `KeyError`; unset means that there are none.
    """

    def __init__(
        self, given: Mapping[str, Any] | None = None, look_up: Callable[[str], Any] | None = None
    ) -> None:
        self._known = dict(given or {})
        self._look_up = look_up

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            if self._look_up is None:
                raise KeyError(
                    f"there is no secret {name!r} here: set it on the server, or in context(secrets=…)"
                )
            self._known[name] = self._look_up(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._known))

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"<RunSecrets: {', '.join(sorted(self._known)) or 'none yet'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return RunSecrets, (dict(self._known),)


def dates(now: datetime) -> dict[str, Any]:
    """The date and its neighbours, as texts, by the names that templates and tasks use."""
    named = {
        "today": now,
        "yesterday": now - timedelta(days=1),
        "tomorrow": now + timedelta(days=1),
    }
    texts = {name: moment.strftime(_DASHED) for name, moment in named.items()}
    return {
        "date": now,
        **texts,
        **{f"{name}_nodash": moment.strftime(_PLAIN) for name, moment in named.items()},
    }


def flow_values(
    flow_name: str, *, now: datetime, given: Mapping[str, Any], run: Mapping[str, Any]
) -> dict[str, Any]:
    """The context of a flow run.

    Args:
        flow_name: the flow's name.
        now: when this process began with it.
        given: what the run was created with, and what else the caller has.
        run: what the engine knows of the run, by name; wins over `given`.

    Returns:
        The values by name.
    """
    return {
        **dates(now),
        "running_with_backend": False,
        "scheduled_start_time": now,
        "caches": {},
        **given,
        "flow_name": flow_name,
        "logger": logging.getLogger(f"orchestra.{flow_name}"),
        **run,
    }


def task_values(run: TaskRun) -> dict[str, Any]:
    """What the context of a task run adds to that of its flow run."""
    task = run.task
    return {
        "task_name": task.name,
        "task_slug": run.slug,
        "task_full_name": task.name if run.map_index is None else f"{task.name}[{run.map_index}]",
        "task_tags": sorted(task.tags),
        "task_id": run.task_id,
        "task_run_id": run.id,
        "map_index": run.map_index,
        "task_run_count": run.run_count,
        "task_loop_count": run.loop_count,
        "task_loop_result": run.loop_result.value,
        "logger": logging.getLogger(f"orchestra.{task.name}"),
    }
