"""Executors: what runs the tasks of a flow. One member a file; imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

if TYPE_CHECKING:
    from orchestra_client.engine.executors.base import Executor
    from orchestra_client.engine.executors.dask import DaskExecutor
    from orchestra_client.engine.executors.local import LocalExecutor
    from orchestra_client.engine.executors.threads import ThreadExecutor

__all__ = ["DaskExecutor", "Executor", "LocalExecutor", "ThreadExecutor"]

_HOMES: dict[str, str | None] = {
    "DaskExecutor": "dask",
    "Executor": "base",
    "LocalExecutor": "local",
    "ThreadExecutor": "threads",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
