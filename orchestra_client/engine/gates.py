"""Whether a task run may begin, given the states of the runs it waits for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.engine.signals import ENDRUN, Signal
from orchestra_client.flows.triggers import trigger_name
from orchestra_client.states import Mapped, Skipped, State, TriggerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestra_client.flows import Edge, Task

__all__ = ["check_upstream"]


def check_upstream(task: Task, upstream: Mapping[Edge, State]) -> State | None:
    """Ask a task's rules whether it runs.

    Args:
        task: the task.
        upstream: the state of each run it waits for, by edge.

    Returns:
        The state that the run gets instead of running; None when it may begin.
    """
    if task.skip_on_upstream_skip and any(state.is_skipped() for state in _each(upstream)):
        return Skipped("a task that it waits for was skipped")
    try:
        holds = task.trigger(upstream)
    except (Signal, ENDRUN) as signal:
        return signal.state
    except Exception as error:  # noqa: BLE001 (a trigger may be anyone's)
        return TriggerFailed(f"the trigger {trigger_name(task.trigger)} raised {error!r}", result=error)
    return None if holds else TriggerFailed(f"the trigger {trigger_name(task.trigger)} does not hold")


def _each(upstream: Mapping[Edge, State]) -> Iterator[State]:
    """The states, a mapped one replaced by those it stands for."""
    for state in upstream.values():
        children = state.map_states if isinstance(state, Mapped) else ()
        if children:
            yield from (child for child in children if child is not None)
        else:
            yield state
