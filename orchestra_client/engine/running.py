"""Running a flow right here, without a server: what `Flow.run` does."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from orchestra_client.clock import Clock, SystemClock
from orchestra_client.config import context as active_context
from orchestra_client.engine.executors.local import LocalExecutor
from orchestra_client.engine.flow_runner import FlowRunner
from orchestra_client.engine.reporting import LocalReporter
from orchestra_client.engine.run_context import RunSecrets, flow_values
from orchestra_client.engine.task_runs import TaskRun
from orchestra_client.engine.values import Values
from orchestra_client.errors import FlowError
from orchestra_client.states import Scheduled, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.engine.executors import Executor
    from orchestra_client.flows import Flow, Task

__all__ = ["make_runner", "run_flow"]


def run_flow(
    flow: Flow,
    parameters: Mapping[str, Any] | None = None,
    *,
    executor: Executor | None = None,
    context: Mapping[str, Any] | None = None,
    task_states: Mapping[Task, State] | None = None,
    clock: Clock | None = None,
) -> State:
    """Run a flow in this process, reporting to nobody. Retries are waited for.

    Args:
        flow: the flow.
        parameters: by name; those left out have their defaults.
        executor: what runs the tasks; unset means the flow's own, or else one task after another.
        context: what `orchestra_client.context` holds besides, e.g. ``{"secrets": {…}}``.
        task_states: states to begin with: a finished task is not run again. The result of a run that was Paused, with
            `Resume` in the place of the state that waits, goes on with that run.
        clock: tells the time and waits; for tests.

    Returns:
        The final state; its result maps tasks to their states. Paused when a task waits for a person.

    Raises:
        FlowError: a parameter is missing or unknown; nothing was run.
    """
    runner = make_runner(
        flow, parameters or {}, executor=executor, context=context, task_states=task_states, clock=clock
    )
    return runner.run()


def make_runner(
    flow: Flow,
    parameters: Mapping[str, Any],
    *,
    executor: Executor | None = None,
    context: Mapping[str, Any] | None = None,
    task_states: Mapping[Task, State] | None = None,
    clock: Clock | None = None,
) -> FlowRunner:
    """What runs a flow in this process, for whoever wants to end it from another thread; see `run_flow`."""
    given = _parameters(flow, parameters)
    used = clock or SystemClock()
    around = {**active_context, **(context or {})}
    values = flow_values(
        flow.name,
        now=used.now(),
        given=around,
        run={
            "flow_run_id": str(uuid4()),
            "flow_run_name": flow.name,
            "running_with_backend": False,
            **_log_ids(around),
            "parameters": given,
            "secrets": RunSecrets(around.get("secrets")),
        },
    )
    return FlowRunner(
        flow,
        _task_runs(flow, task_states or {}),
        executor=executor or flow.executor or LocalExecutor(),
        reporter=LocalReporter(),
        values=Values(flow, given, default=None),
        run_context=values,
        clock=used,
        random=random.random,
        state=Scheduled(start_time=used.now()),
    )


def _log_ids(around: Mapping[str, Any]) -> dict[str, Any]:
    """Whose logs those of a run are that no server knows: those of the task that runs it, if a server knows that one."""
    if not around.get("running_with_backend"):
        return {}
    return {f"log_{name}": around.get(name) for name in ("flow_run_id", "task_run_id")}


def _parameters(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {parameter.name: parameter for parameter in flow.parameters()}
    if unknown := given.keys() - parameters.keys():
        known = ", ".join(parameters) or "none"
        raise FlowError(
            f"the flow {flow.name!r} has no parameter {', '.join(sorted(unknown))}; its parameters: {known}"
        )
    return {name: parameter.value(given) for name, parameter in parameters.items()}


def _task_runs(flow: Flow, states: Mapping[Task, State]) -> dict[Task, TaskRun]:
    runs = {task: TaskRun(task, slug) for task, slug in flow.slugs.items()}
    for task, state in states.items():
        if task not in runs:
            raise FlowError(f"the task {task.name!r} is not in the flow {flow.name!r}")
        runs[task].restore(state)
        _restore_children(runs[task])
    return runs


def _restore_children(run: TaskRun) -> None:
    """Take over the runs that a mapped one became."""
    children = getattr(run.state, "map_states", ())
    if children:
        run.children = [TaskRun(run.task, run.slug, index, run) for index in range(len(children))]
        for child, state in zip(run.children, children, strict=True):
            if state is not None:
                child.restore(state)
        run.unfinished_children = sum(not child.is_done for child in run.children)
