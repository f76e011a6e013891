"""Running flows: executors, results, signals, and the steps from one state to the next. Imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

if TYPE_CHECKING:
    from orchestra_client.engine import executors, results, signals
    from orchestra_client.engine.executors import DaskExecutor, LocalExecutor, ThreadExecutor
    from orchestra_client.engine.results import LocalResults, RemoteResults
    from orchestra_client.engine.running import run_flow

__all__ = [
    "DaskExecutor",
    "LocalExecutor",
    "LocalResults",
    "RemoteResults",
    "ThreadExecutor",
    "executors",
    "results",
    "run_flow",
    "signals",
]

# Where each public name lives; None says that the name is a module of this package.
_HOMES: dict[str, str | None] = {
    "DaskExecutor": "executors",
    "LocalExecutor": "executors",
    "LocalResults": "results",
    "RemoteResults": "results",
    "ThreadExecutor": "executors",
    "executors": None,
    "results": None,
    "run_flow": "running",
    "signals": None,
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
