"""Using results of earlier runs again. Pure, save that a candidate's value is loaded by whoever uses it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from orchestra_client.flows.cache_validators import hash_inputs, never_use
from orchestra_client.states import Cached, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping
    from datetime import datetime, timedelta

    from orchestra_client.flows import Task

__all__ = ["cache_name", "cached", "is_cachable", "remember", "usable"]

_KEPT = 100
"""How many results of one task a process keeps, the newest first."""

_log = logging.getLogger("orchestra_client.engine")


def is_cachable(task: Task) -> bool:
    """Whether earlier results of a task are looked for."""
    return task.cache_for is not None and task.cache_validator is not never_use


def cache_name(task: Task, slug: str) -> str:
    """Under what a task's results are remembered in this process: its cache key, which others may share, or itself."""
    return task.cache_key or slug


def cached(
    state: State, task: Task, inputs: Mapping[str, Any], parameters: Mapping[str, Any], now: datetime
) -> State:
    """The state of a success that later runs may use again; any other state stays as it is.

    Args:
        state: how a run of the task ended.
        task: the task.
        inputs: of the run.
        parameters: of the flow run.
        now: the current time.
    """
    lifetime: timedelta | None = task.cache_for
    if lifetime is None or not state.is_successful() or state.is_skipped() or state.is_cached():
        return state
    return Cached(
        state.message,
        state.result_object,
        cached_parameters=_jsonable(parameters),
        cached_result_expiration=now + lifetime,
        hashed_inputs=hash_inputs(inputs),
        context=state.context,
    )


def usable(
    candidates: Iterable[State], task: Task, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Cached | None:
    """The first of some cached states that the task's validator accepts, or None."""
    for state in candidates:
        if not isinstance(state, Cached):
            continue
        try:
            if task.cache_validator(state, inputs, parameters):
                return state
        except Exception:  # noqa: BLE001 (a validator may be anyone's)
            _log.exception("The cache validator of the task %r failed; its result is not used.", task.name)
    return None


def remember(caches: MutableMapping[str, list[State]], name: str, state: State) -> None:
    """Keep a cached state for the runs after it, the newest first."""
    caches[name] = [state, *caches.get(name, ())][:_KEPT]


def _jsonable(parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return dict(parameters) or None
