"""Writing flows: tasks, parameters, edges, and where flows are stored. Imported on first use.

See :mod:`orchestra_client.schedules` for when they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

if TYPE_CHECKING:
    from orchestra_client.flows import cache_validators, run_configs, storage, triggers
    from orchestra_client.flows.edges import Edge, flatten, mapped, unmapped
    from orchestra_client.flows.flow import Flow
    from orchestra_client.flows.function import FunctionTask, task
    from orchestra_client.flows.parameter import Parameter
    from orchestra_client.flows.run_configs import LocalRun, UniversalRun
    from orchestra_client.flows.scope import tags
    from orchestra_client.flows.storage import Local, Module, Script
    from orchestra_client.flows.tasks import Task

__all__ = [
    "Edge",
    "Flow",
    "FunctionTask",
    "Local",
    "LocalRun",
    "Module",
    "Parameter",
    "Script",
    "Task",
    "UniversalRun",
    "cache_validators",
    "flatten",
    "mapped",
    "run_configs",
    "storage",
    "tags",
    "task",
    "triggers",
    "unmapped",
]

# Where each public name lives; None says that the name is a module of this package.
_HOMES: dict[str, str | None] = {
    "Edge": "edges",
    "Flow": "flow",
    "FunctionTask": "function",
    "Local": "storage",
    "LocalRun": "run_configs",
    "Module": "storage",
    "Parameter": "parameter",
    "Script": "storage",
    "Task": "tasks",
    "UniversalRun": "run_configs",
    "cache_validators": None,
    "flatten": "edges",
    "mapped": "edges",
    "run_configs": None,
    "storage": None,
    "tags": "scope",
    "task": "function",
    "triggers": None,
    "unmapped": "edges",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
