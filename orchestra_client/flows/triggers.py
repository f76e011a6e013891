"""Triggers: whether a task runs, given how the tasks before it ended.

Each is a pure function of the upstream states by edge, or makes one. It returns True, or raises the signal for the
state that the task run gets instead. A mapped state counts as the states it stands for; skipped is a success.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestra_client.engine.signals import PAUSE, SKIP, TRIGGERFAIL
from orchestra_client.references import Configured, describe
from orchestra_client.states import Mapped

if TYPE_CHECKING:
    from orchestra_client.flows.edges import Edge
    from orchestra_client.states import State

    Upstream = Mapping[Edge, State]

__all__ = [
    "TRIGGERS",
    "Trigger",
    "all_failed",
    "all_finished",
    "all_successful",
    "always_run",
    "any_failed",
    "any_successful",
    "manual_only",
    "not_all_skipped",
    "some_failed",
    "some_successful",
    "trigger_name",
]

Trigger = Callable[["Mapping[Edge, State]"], bool]
"""What all triggers are, someone's own too."""


def all_successful(upstream_states: Upstream) -> bool:
    """Run when every upstream task succeeded."""
    return _require(all(state.is_successful() for state in _flat(upstream_states)), all_successful)


def all_failed(upstream_states: Upstream) -> bool:
    """Run when every upstream task failed."""
    return _require(all(state.is_failed() for state in _flat(upstream_states)), all_failed)


def any_successful(upstream_states: Upstream) -> bool:
    """Run when an upstream task succeeded, or there is none."""
    states = _flat(upstream_states)
    return _require(not states or any(state.is_successful() for state in states), any_successful)


def any_failed(upstream_states: Upstream) -> bool:
    """Run when an upstream task failed, or there is none."""
    states = _flat(upstream_states)
    return _require(not states or any(state.is_failed() for state in states), any_failed)


def all_finished(upstream_states: Upstream) -> bool:
    """Run however the upstream tasks ended."""
    return _require(all(state.is_finished() for state in _flat(upstream_states)), all_finished)


always_run = all_finished
"""The same as `all_finished`."""


def not_all_skipped(upstream_states: Upstream) -> bool:
    """Run when every upstream task succeeded and not all were skipped; when all were, skip this one, too."""
    states = _flat(upstream_states)
    if states and all(state.is_skipped() for state in states):
        raise SKIP("all upstream tasks were skipped")
    return _require(all(state.is_successful() for state in states), not_all_skipped)


def manual_only(upstream_states: Upstream) -> bool:
    """Never run by itself: wait for a person. The engine does not ask the trigger of a run that was resumed."""
    raise PAUSE("the trigger manual_only waits for a person to resume this run")


def some_failed(at_least: float | None = None, at_most: float | None = None) -> Configured:
    """Run when the number of upstream tasks that failed is within bounds, or there is no upstream task.

    Args:
        at_least: the lower bound; below 1 it is a share of the upstream tasks. Unset: none.
        at_most: the upper bound, likewise.
    """

    def trigger(upstream_states: Upstream) -> bool:
        outcomes = [state.is_failed() for state in _flat(upstream_states)]
        return _require(_within(outcomes, at_least, at_most), some_failed)

    return Configured(some_failed, {"at_least": at_least, "at_most": at_most}, trigger)


def some_successful(at_least: float | None = None, at_most: float | None = None) -> Configured:
    """Run when the number of upstream tasks that succeeded is within bounds; see `some_failed`."""

    def trigger(upstream_states: Upstream) -> bool:
        outcomes = [state.is_successful() for state in _flat(upstream_states)]
        return _require(_within(outcomes, at_least, at_most), some_successful)

    return Configured(some_successful, {"at_least": at_least, "at_most": at_most}, trigger)


TRIGGERS: Mapping[str, Callable[..., Any]] = {
    f"prefect.triggers.{trigger.__name__}": trigger
    for trigger in (
        all_successful,
        all_failed,
        any_successful,
        any_failed,
        all_finished,
        not_all_skipped,
        manual_only,
        some_failed,
        some_successful,
    )
} | {"prefect.triggers.always_run": all_finished}
"""The triggers by their names in JSON."""


def trigger_name(trigger: Trigger) -> str:
    """What a trigger is called, for messages."""
    return getattr(trigger, "__name__", None) or describe(trigger)


def _flat(upstream_states: Upstream) -> list[State]:
    """The states, each mapped one replaced by those it stands for, if they are here."""
    flat: list[State] = []
    for state in upstream_states.values():
        children = state.map_states if isinstance(state, Mapped) else ()
        flat.extend([child for child in children if child is not None] or [state])
    return flat


def _within(outcomes: list[bool], at_least: float | None, at_most: float | None) -> bool:
    total, hits = len(outcomes), sum(outcomes)
    low, high = ((bound * total if bound < 1 else bound) for bound in (at_least or 0, _or(at_most, total)))
    return not total or low <= hits <= high


def _or(bound: float | None, default: int) -> float:
    return default if bound is None else bound


def _require(holds: bool, trigger: Callable[..., Any]) -> bool:
    if not holds:
        raise TRIGGERFAIL(
            f"the trigger {trigger.__name__} does not hold for the states of the upstream tasks"
        )
    return True
