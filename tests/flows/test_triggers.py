"""Whether a task runs, given the states before it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.engine.signals import PAUSE, SKIP, TRIGGERFAIL
from orchestra_client.flows import Edge, Task, triggers
from orchestra_client.flows.triggers import some_failed, some_successful
from orchestra_client.states import Failed, Mapped, Pending, Skipped, State, Success, TriggerFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

OK, BAD, SKIPPED, WAITING = Success(), Failed(), Skipped(), Pending()
DOWNSTREAM = Task("downstream")


def upstream(*states: State) -> Mapping[Edge, State]:
    return {Edge(Task(), DOWNSTREAM): state for state in states}


@pytest.mark.parametrize(
    ("trigger", "states", "runs"),
    [
        (triggers.all_successful, (), True),
        (triggers.all_successful, (OK, SKIPPED), True),
        (triggers.all_successful, (OK, BAD), False),
        (triggers.all_failed, (BAD, TriggerFailed()), True),
        (triggers.all_failed, (BAD, SKIPPED), False),
        (triggers.any_successful, (), True),
        (triggers.any_successful, (BAD, SKIPPED), True),
        (triggers.any_successful, (BAD,), False),
        (triggers.any_failed, (), True),
        (triggers.any_failed, (OK, BAD), True),
        (triggers.any_failed, (OK,), False),
        (triggers.all_finished, (OK, BAD, SKIPPED), True),
        (triggers.all_finished, (OK, WAITING), False),
        (triggers.always_run, (BAD,), True),
        (triggers.not_all_skipped, (), True),
        (triggers.not_all_skipped, (OK, SKIPPED), True),
        (triggers.not_all_skipped, (BAD, SKIPPED), False),
        (some_failed(), (OK, BAD), True),
        (some_failed(at_least=2), (OK, BAD), False),
        (some_failed(at_least=2), (BAD, BAD, OK), True),
        (some_failed(at_least=0.5), (OK, BAD), True),
        (some_failed(at_least=0.6), (OK, BAD), False),
        (some_failed(at_most=0), (OK, BAD), False),
        (some_failed(at_most=0), (OK, OK), True),
        (some_failed(at_least=1, at_most=0.5), (OK, OK, BAD, BAD, BAD), False),
        (some_failed(at_least=1), (), True),
        (some_successful(at_least=1), (BAD, SKIPPED), True),
        (some_successful(at_least=2), (BAD, OK), False),
        (some_successful(at_most=1), (OK, OK), False),
        # A mapped state stands for its children, and for itself when they are elsewhere.
        (triggers.all_successful, (Mapped(map_states=[OK, BAD]),), False),
        (triggers.all_failed, (Mapped(map_states=[BAD, BAD]),), True),
        (some_failed(at_least=2), (Mapped(map_states=[BAD, BAD]), OK), True),
        (triggers.all_successful, (Mapped(n_map_states=3),), True),
    ],
)
def test_triggers(trigger: Any, states: tuple[State, ...], runs: bool) -> None:
    if runs:
        assert trigger(upstream(*states)) is True
    else:
        with pytest.raises(TRIGGERFAIL, match=trigger.__name__):
            trigger(upstream(*states))


def test_a_task_whose_upstream_was_skipped_altogether_is_skipped() -> None:
    with pytest.raises(SKIP, match="all upstream tasks were skipped"):
        triggers.not_all_skipped(upstream(SKIPPED, SKIPPED))


def test_manual_only_waits_for_a_person() -> None:
    with pytest.raises(PAUSE, match="resume"):
        triggers.manual_only(upstream(OK))


def test_made_triggers_are_equal_and_pickle_by_their_arguments() -> None:
    trigger = some_failed(at_least=2)
    assert trigger == some_failed(at_least=2) != some_successful(at_least=2)
    copied = pickle.loads(pickle.dumps(trigger))
    assert copied == trigger
    with pytest.raises(TRIGGERFAIL):
        copied(upstream(BAD))
