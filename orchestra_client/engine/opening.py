"""What becomes of a task whose upstream tasks have all come to their ends: it may begin, or it gets a state instead."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from orchestra_client.engine.caching import cache_name, is_cachable, usable
from orchestra_client.engine.gates import check_upstream
from orchestra_client.engine.inputs import Item, collect_inputs, item_inputs, items_of, upstream_states
from orchestra_client.errors import OrchestraError
from orchestra_client.states import Failed, Mapped, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestra_client.engine.reporting import Reporter
    from orchestra_client.engine.task_runs import TaskRun
    from orchestra_client.engine.values import Values
    from orchestra_client.flows import Edge, Flow, Task

__all__ = ["Decision", "Opening"]

Decision = tuple["TaskRun", "State | None"]
"""A run, and the state it gets instead of running; None when it may begin."""

_log = logging.getLogger("orchestra_client.engine")


class Opening:
    """Decides about task runs in the moment they could begin. Belongs to the thread of the flow run.

    Args:
        flow: the flow.
        runs: the run of each task.
        values: finds the values of task runs.
        reporter: knows the runs that a mapped one became, and earlier results.
        run_context: of the flow run; its `parameters` and `caches` are used.
    """

    def __init__(
        self,
        flow: Flow,
        runs: Mapping[Task, TaskRun],
        values: Values,
        reporter: Reporter,
        run_context: Mapping[str, Any],
    ) -> None:
        self._flow = flow
        self._runs = runs
        self._values = values
        self._reporter = reporter
        self._context = run_context

    def open(self, run: TaskRun) -> list[Decision]:
        """Decide about a task's run; a mapped one is split into its own.

        Args:
            run: that has not ended.

        Returns:
            The decisions, in the order they are to be carried out; none for runs that ended in an earlier process.
        """
        edges = list(self._flow.edges_to(run.task))
        upstream = upstream_states(edges, self._runs)
        try:
            if any(edge.mapped for edge in edges):
                return self._map(run, edges, upstream)
            return [(run, self._blocked(run, upstream) or self._prepare(run, edges))]
        except Exception as error:  # noqa: BLE001 (the values may be of any class, and may have to be loaded)
            _log.exception("The inputs of %s cannot be had.", run.label)
            return [(run, Failed(f"its inputs cannot be had: {type(error).__name__}: {error}", result=error))]

    def _blocked(self, run: TaskRun, upstream: Mapping[Edge, State]) -> State | None:
        # What was resumed, retried or begun before has passed its trigger.
        return check_upstream(run.task, upstream) if run.state.type_name == "Pending" else None

    def _prepare(self, run: TaskRun, edges: Sequence[Edge]) -> State | None:
        run.inputs = self._common_inputs(run, edges)
        self._values.find_loop_result(run)
        return self._cached(run, self._candidates(run))

    def _common_inputs(self, run: TaskRun, edges: Sequence[Edge]) -> dict[str, Any]:
        constants = self._flow.constants.get(run.task, {})
        return collect_inputs(edges, self._runs, constants, self._values.of)

    # ------------------------------------------------------------------------------------------ mapping

    def _map(self, run: TaskRun, edges: Sequence[Edge], upstream: Mapping[Edge, State]) -> list[Decision]:
        items: dict[Edge, list[Item]] = {}
        for edge in edges:
            if edge.mapped:
                found = items_of(edge, self._runs[edge.upstream_task], self._values.of)
                if found is None:
                    return [(run, check_upstream(run.task, upstream) or _unmappable(edge, upstream[edge]))]
                items[edge] = found
        number = min(len(each) for each in items.values())
        children = run.children = self._reporter.adopt_children(run, number)
        run.unfinished_children = sum(not child.is_done for child in children)
        common, candidates = self._common_inputs(run, edges), self._candidates(run)
        decisions: list[Decision] = []
        if not run.state.is_mapped():
            decisions.append((run, Mapped(f"Mapped over {number} items.", n_map_states=number)))
        for index, child in enumerate(children):
            if not child.is_done:
                child.inputs = {**common, **item_inputs(items, index)}
                self._values.find_loop_result(child)
                states = {**upstream, **{edge: each[index].state for edge, each in items.items()}}
                decisions.append((child, self._blocked(child, states) or self._cached(child, candidates)))
        return decisions

    # ------------------------------------------------------------------------------------------ caching

    def _candidates(self, run: TaskRun) -> list[State]:
        """Earlier results that may do: those of this process, then those of the server, the newest first."""
        if not is_cachable(run.task):
            return []
        here = self._context["caches"].get(cache_name(run.task, run.slug), ())
        try:
            return [*here, *self._reporter.cached_states(run)]
        except OrchestraError as error:
            _log.warning("Earlier results of %s could not be asked for: %s", run.label, error)
            return list(here)

    def _cached(self, run: TaskRun, candidates: Sequence[State]) -> State | None:
        if not candidates or run.state.type_name != "Pending":
            return None
        state = usable(candidates, run.task, run.inputs, self._context["parameters"])
        if state is None or state.result is not None or state.result_object.location is None:
            return state
        store = self._values.store_of(run.task)
        try:
            return state if store is None else _with_value(state, store.read(state.result_object.location))
        except OrchestraError as error:
            _log.warning("An earlier result of %s is gone, so it runs again: %s", run.label, error)
            return None


def _with_value(state: State, value: Any) -> State:
    from orchestra_client.states import Cached, Result  # noqa: PLC0415 (rarely needed)

    assert isinstance(state, Cached)  # `usable` returns no other
    stored = state.result_object
    return Cached(
        state.message,
        Result(value, stored.location, type=stored.type, fields=stored.fields),
        state.cached_inputs,
        state.cached_parameters,
        state.cached_result_expiration,
        state.context,
        state.hashed_inputs,
    )


def _unmappable(edge: Edge, state: State) -> State:
    kind = type(state.result).__name__
    name = edge.upstream_task.name
    return Failed(
        f"it cannot be mapped over the result of {name!r}, which is no list: {state.type_name}, {kind}"
    )
