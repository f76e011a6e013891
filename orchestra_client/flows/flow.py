"""Flows: tasks with an order, a schedule, a place they are stored in, and a JSON they travel as."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

from orchestra_client.errors import FlowError
from orchestra_client.flows.builder import FlowBuilder
from orchestra_client.flows.callbacks import StateHandler, state_handlers
from orchestra_client.flows.scope import enter_flow, leave_flow
from orchestra_client.flows.settings import as_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from orchestra_client.engine.executors import Executor
    from orchestra_client.flows.edges import Edge
    from orchestra_client.flows.run_configs import RunConfig
    from orchestra_client.flows.storage import Storage
    from orchestra_client.flows.tasks import Task
    from orchestra_client.schedules import Schedule
    from orchestra_client.states import State

__all__ = ["Flow"]


class Flow(FlowBuilder):
    """Tasks and the order they run in.

    Tasks that are called within ``with Flow(…)`` become part of it. Write a flow from one thread at a time; once
    written, it can be read from any. It pickles if its tasks' functions do.

    Args:
        name: for people; together with the project it names the version group.
        schedule: when its runs begin; unset means only when asked.
        executor: what runs its tasks; unset leaves that to the engine.
        run_config: where and with which environment its runs begin.
        storage: where a run finds the flow.
        tasks: tasks to begin with.
        edges: edges to begin with.
        reference_tasks: the tasks that decide whether a run succeeded; unset means the terminal ones.
        result: how and where results are stored, for tasks that do not say so themselves.
        state_handlers: called with the flow, its old and its new state; may return another new state.
        on_success: called with the flow and its state whenever it succeeded.
        on_failure: likewise whenever it failed.

    Attributes:
        is_placeholder: whether it was read from JSON, so that its tasks have nothing to run.
        extra_fields: JSON fields of a newer peer, written back as they came.

    Raises:
        FlowError: the name is empty, or the tasks do not make a flow.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule | None = None,
        *,
        executor: Any = None,
        run_config: RunConfig | None = None,
        storage: Storage | None = None,
        tasks: Iterable[Task] | None = None,
        edges: Iterable[Edge] | None = None,
        reference_tasks: Iterable[Task] | None = None,
        result: Any = None,
        state_handlers: Iterable[StateHandler] | None = None,
        on_success: Callable[[Any, State], Any] | None = None,
        on_failure: Callable[[Any, State], Any] | None = None,
    ) -> None:
        super().__init__()
        self.name = as_name(name, "flow")
        self.schedule = schedule
        self.executor = executor
        self.run_config = run_config
        self.storage = storage
        self.result = result
        self.state_handlers = _handlers(state_handlers, on_success, on_failure)
        self.is_placeholder = False
        self.extra_fields: Mapping[str, Any] = {}
        for task in tasks or ():
            self.add_task(task)
        for edge in edges or ():
            self._check(edge)
            self._add(edge)
        self.set_reference_tasks(reference_tasks or ())

    def __repr__(self) -> str:
        return f"<Flow: {self.name}>"

    def __enter__(self) -> Self:
        enter_flow(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leave_flow()
        if error is None:
            self.validate()

    def copy(self) -> Self:
        """A flow of its own with the very same tasks and edges."""
        new = copy.copy(self)
        new.state_handlers = list(self.state_handlers)
        new._reference_tasks = dict(self._reference_tasks)
        new._copy_graph(self)
        return new

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        executor: Executor | None = None,
        context: Mapping[str, Any] | None = None,
        task_states: Mapping[Task, State] | None = None,
        **more_parameters: Any,
    ) -> State:
        """Run the flow in this process, reporting to nobody.

        Args:
            parameters: by name; those left out have their defaults.
            executor: what runs the tasks; unset means the flow's own, or else one task after another.
            context: what `orchestra_client.context` holds besides, e.g. ``{"secrets": {…}}``.
            task_states: states to begin with, such as those of a run that was paused; a finished task is not run again.
            more_parameters: parameters by name, unless one is called like an argument above.

        Returns:
            The final state, whose result maps tasks to their states; Paused when a task waits for a person.

        Raises:
            FlowError: the flow is not valid, or a parameter is missing or unknown; nothing was run.
        """
        from orchestra_client.engine.running import run_flow  # noqa: PLC0415 (the engine imports this package)

        self.validate()
        given = {**(parameters or {}), **more_parameters}
        return run_flow(self, given, executor=executor, context=context, task_states=task_states)

    def validate(self) -> None:
        """Check what could only be checked once the flow is complete.

        Raises:
            FlowError: tasks wait for one another in a circle, or the schedule cannot run the flow because it leaves a
                required parameter without a value.
        """
        self.sorted_tasks()
        required = {parameter.name for parameter in self.parameters() if parameter.required}
        for clock in self.schedule.clocks if self.schedule else ():
            if missing := required - clock.parameter_defaults.keys():
                raise FlowError(
                    f"the schedule cannot run the flow {self.name!r} without {', '.join(sorted(missing))}: give these "
                    "parameters a default, or each clock its parameter_defaults"
                )

    def serialize(self, build: bool = False) -> dict[str, Any]:
        """Write the flow as JSON that this library and Prefect 0.12 to 1.4 load.

        Args:
            build: whether to put the flow into its storage first.

        Returns:
            Plain dicts and lists, which belong to the caller; the same ones for the same flow in every process.

        Raises:
            FlowError: the flow is not valid, or it shall be built and has no storage.
            FlowStorageError: the storage cannot take it.
        """
        from orchestra_client.flows.schemas.flows import dump_flow  # noqa: PLC0415 (it imports this module)

        if not self.is_placeholder:
            self.validate()
        if build:
            if self.storage is None:
                raise FlowError(
                    f"the flow {self.name!r} has no storage, so no agent could load it; set for instance "
                    "flow.storage = Script(__file__)"
                )
            self.storage.add_flow(self)
        return dump_flow(self)

    def content_hash(self, document: Mapping[str, Any] | None = None) -> str:
        """What tells whether the flow has changed since it was registered.

        Args:
            document: the flow's JSON, for whoever has it already; unset means `serialize()`.

        Returns:
            SHA-256 in hexadecimal, over the canonical JSON of `serialize()` without versions, and without where the
            storage put the flow; the source of a `Script` counts, its path does not. Equal in every process and on
            every machine, whatever `PYTHONHASHSEED`; the code of other storages' flows is not in it.
        """
        from orchestra_client.flows.schemas.hashing import hash_flow  # noqa: PLC0415 (only needed to register)

        return hash_flow(self.serialize() if document is None else document)

    @staticmethod
    def deserialize(document: Mapping[str, Any]) -> Flow:
        """Read a flow from JSON.

        Args:
            document: as Prefect 0.12 to 1.4 or this library wrote it. It is not changed.

        Returns:
            A flow to look at: its tasks have everything but what they run. Fields that this version does not know
            are kept. To run the flow, load it from its storage.

        Raises:
            FlowError: it is not the JSON of a flow; the error names the place.
        """
        from orchestra_client.flows.schemas.flows import load_flow  # noqa: PLC0415 (it imports this module)

        return load_flow(document)


def _handlers(
    handlers: Iterable[StateHandler] | None,
    on_success: Callable[[Any, State], Any] | None,
    on_failure: Callable[[Any, State], Any] | None,
) -> list[StateHandler]:
    """As `state_handlers`, whose name an argument has where this is called."""
    return state_handlers(handlers, on_success=on_success, on_failure=on_failure)
