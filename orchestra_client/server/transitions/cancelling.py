"""Cancelling flow runs, and the task runs that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.server.transitions.reading import ProposedState
from orchestra_client.server.transitions.record import load_runs, load_unfinished, save
from orchestra_client.server.transitions.runs import FlowRun
from orchestra_client.server.transitions.serialized import serialized_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestra_client.server.store.session import Session
    from orchestra_client.server.transitions.runs import Run

MAX_RUNS = 10_000
"""Runs that one statement names by id."""


def cancel_flow_runs(session: Session, flow_run_ids: Sequence[str], message: str) -> dict[str, str | None]:
    """Cancel flow runs: one that runs is told to stop, another unfinished one has ended, with its task runs.

    Args:
        session: a session that writes.
        flow_run_ids: the runs; one that is finished, or being cancelled, is left as it is.
        message: why, for people.

    Returns:
        The type of each run's state afterwards, by id, without those that are not there.
    """
    states: dict[str, str | None] = {}
    for start in range(0, len(flow_run_ids), MAX_RUNS):
        runs = load_runs(session, FlowRun, flow_run_ids[start : start + MAX_RUNS])
        running = [run for run in runs.values() if run.state == "Running"]
        waiting = [run for run in runs.values() if not run.is_running and not run.is_final]
        _enter(session, running, "Cancelling", message)
        _enter(session, waiting, "Cancelled", message)
        cancel_task_runs(session, [run.id for run in waiting], message)
        states.update((run.id, run.state) for run in runs.values())
    return states


def cancel_task_runs(session: Session, flow_run_ids: Sequence[str], message: str | None) -> None:
    """Cancel the unfinished task runs of flow runs that have been cancelled."""
    if flow_run_ids:
        _enter(session, load_unfinished(session, flow_run_ids), "Cancelled", message)


def _enter(session: Session, runs: Iterable[Run], type_name: str, message: str | None) -> None:
    state = ProposedState(type_name, message, None, serialized_state(type_name, message))
    changed, history = [], list[dict[str, Any]]()
    for run in runs:
        run.enter(state, session.now)
        changed.append(run)
        history.append(run.history(None))
    save(session, changed, history)
