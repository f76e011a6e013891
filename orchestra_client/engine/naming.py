"""Names of task runs, made from a task's template."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from orchestra_client.engine.results.base import fill_template
from orchestra_client.errors import OrchestraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.engine.reporting import Reporter
    from orchestra_client.engine.task_runs import TaskRun

__all__ = ["name_task_run"]

_log = logging.getLogger("orchestra_client.engine")


def name_task_run(run: TaskRun, values: Mapping[str, Any], reporter: Reporter) -> str | None:
    """Give a task run the name that its task wants; a name is nothing to fail for.

    Args:
        run: the run, its inputs known.
        values: its context.
        reporter: keeps the name.

    Returns:
        The name; None when the task wants none, or it cannot be made.
    """
    if run.task.task_run_name is None:
        return None
    try:
        name = fill_template(run.task.task_run_name, {**values, **run.inputs})
        reporter.name_task_run(run, name)
    except OrchestraError as error:
        _log.warning("%s could not be named: %s", run.label, error)
        return None
    return name
