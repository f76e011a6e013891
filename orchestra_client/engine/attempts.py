"""One try of a task, wherever an executor runs it: its context, its timeout, its result stored before it counts."""

from __future__ import annotations

import asyncio
import logging
import pickle
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_client.config import context
from orchestra_client.delivery.masking import secrets
from orchestra_client.delivery.prints import capture_prints
from orchestra_client.engine.endings import Outcome
from orchestra_client.engine.interruption import Stopped, run_stoppable
from orchestra_client.engine.signals import ENDRUN, Signal
from orchestra_client.engine.values import known_value
from orchestra_client.errors import ResultError
from orchestra_client.states import Cached, Cancelled, Failed, Result, State, Success, TimedOut
from orchestra_client.states.results import NoResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.engine.results import ResultStore
    from orchestra_client.flows import Task

__all__ = ["Attempt", "make_attempt"]

_ENGINE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that one try of a task needs, wherever it happens. Pickles if the task, its inputs and its context do.

    Attributes:
        task: what to run.
        inputs: the arguments by name.
        context: what `orchestra_client.context` holds meanwhile.
        key: what the whole flow run is stopped by.
        store: where the result goes; None to keep it in memory only.
        is_remote: whether it happens in another process than the flow run.
    """

    task: Task
    inputs: Mapping[str, Any]
    context: Mapping[str, Any]
    key: str
    store: ResultStore | None = None
    is_remote: bool = False


def make_attempt(attempt: Attempt) -> Outcome:
    """Try a task once.

    Args:
        attempt: what to run.

    Returns:
        How it ended; no exception of the task leaves this function.
    """
    with context(**attempt.context):
        try:
            location = _location(attempt)
            return Outcome(_found(attempt, location) or _ended(attempt, _value(attempt), location))
        except Signal as signal:
            return Outcome(_stored_state(attempt, signal.state))
        except ENDRUN as signal:
            return Outcome(signal.state, is_last=True)
        except Stopped as stopped:
            return _stopped(attempt.task, stopped)
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 (a task may raise anything)
            name = attempt.context.get("task_full_name", attempt.task.name)
            _logger(attempt).error("Task %r failed.", name, exc_info=_from_task(error))
            kept = _portable(error) if attempt.is_remote else error
            return Outcome(Failed(secrets.mask(f"{type(error).__name__}: {error}"), result=kept))


def _from_task(error: BaseException) -> BaseException:
    """The error with the way to it from where the task's own code begins."""
    trace = error.__traceback__
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).parent == _ENGINE:
        trace = trace.tb_next
    return error if trace is None else error.with_traceback(trace)


def _portable(error: BaseException) -> BaseException:
    """The error, or one like it that can be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (just pickled)
    except Exception:  # noqa: BLE001 (someone's own __reduce__ may raise anything)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _value(attempt: Attempt) -> Any:
    task = attempt.task
    is_known, value = known_value(task, attempt.context["parameters"])
    if is_known:
        return value
    with capture_prints(_logger(attempt)) if task.log_stdout else nullcontext():
        return run_stoppable(task.run, attempt.inputs, key=attempt.key, timeout=task.timeout)


def _ended(attempt: Attempt, value: Any, location: str | None) -> State:
    """The state for what a task returned, which may be a state itself."""
    if isinstance(value, State):
        is_next = value.is_finished() or value.is_scheduled()
        return value if is_next else Failed(f"it returned the state {value.type_name}, which ends nothing")
    return Success("The task run succeeded.", result=_stored(attempt, value, location))


def _stored_state(attempt: Attempt, state: State) -> State:
    """The state of a signal, its value stored as if it had been returned."""
    is_value = state.is_successful() or state.is_looped()
    if not is_value or state.result is None or state.result_object.location is not None:
        return state
    try:
        result = _stored(attempt, state.result, _location(attempt))
    except ResultError as error:
        return Failed(str(error), result=error)
    return type(state)(state.message, result=result, context=state.context)


def _stored(attempt: Attempt, value: Any, location: str | None) -> Result:
    if value is None:
        return NoResult
    if attempt.store is None or location is None:
        return Result(value)
    return attempt.store.write(value, location)


def _location(attempt: Attempt) -> str | None:
    """Where the result goes, decided before the task runs: a template that cannot be filled must not cost its work."""
    if attempt.store is None:
        return None
    return attempt.store.place({**attempt.context, **attempt.inputs}, attempt.task.target)


def _found(attempt: Attempt, location: str | None) -> State | None:
    """The state of a task whose target is there already."""
    if attempt.task.target is None or attempt.store is None or location is None:
        return None
    if not attempt.store.exists(location):
        return None
    value = attempt.store.read(location)
    return Cached(f"The target {location} is there already.", result=attempt.store.describe(value, location))


def _stopped(task: Task, stopped: Stopped) -> Outcome:
    rest = (
        ""
        if stopped.has_ended
        else "; its thread could not be ended, and goes on until the call it is in returns"
    )
    if stopped.reason == "timeout":
        return Outcome(TimedOut(f"The task run took longer than {task.timeout:g} s{rest}."))
    return Outcome(Cancelled(f"The task run was told to end{rest}."), is_last=True)


def _logger(attempt: Attempt) -> logging.Logger:
    logger: logging.Logger = attempt.context.get("logger") or logging.getLogger("orchestra")
    return logger
