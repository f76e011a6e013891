"""Executors: what runs the tasks of a flow. One member a file; imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.engine.executors.base import Executor
    from orchestra_client.engine.executors.dask import DaskExecutor
    from orchestra_client.engine.executors.local import LocalExecutor
    from orchestra_client.engine.executors.threads import ThreadExecutor

__all__ = ["DaskExecutor", "Executor", "LocalExecutor", "ThreadExecutor"]

_HOMES = {
    "DaskExecutor": "dask",
    "Executor": "base",
    "LocalExecutor": "local",
    "ThreadExecutor": "threads",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
