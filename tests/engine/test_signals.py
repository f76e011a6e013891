"""Signals carry the state they stand for, wherever they go."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from orchestra_client import states
from orchestra_client.engine import signals

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("signal", "state_class"),
    [
        (signals.FAIL, states.Failed),
        (signals.TRIGGERFAIL, states.TriggerFailed),
        (signals.VALIDATIONFAIL, states.ValidationFailed),
        (signals.SUCCESS, states.Success),
        (signals.RETRY, states.Retrying),
        (signals.SKIP, states.Skipped),
        (signals.PAUSE, states.Paused),
        (signals.LOOP, states.Looped),
    ],
)
def test_each_carries_its_state(signal: type[signals.Signal], state_class: type[states.State]) -> None:
    raised = signal("because", result=5)
    assert type(raised.state) is state_class
    assert (raised.state.message, raised.state.result, str(raised)) == ("because", 5, "because")
    assert type(signals.signal_for(raised.state)) is signal


def test_fields_of_the_state_are_passed_on() -> None:
    state = signals.RETRY("later", start_time=MOMENT, run_count=3).state
    assert isinstance(state, states.Retrying)
    assert (state.start_time, state.run_count) == (MOMENT, 3)


def test_they_pickle_with_their_state() -> None:
    for signal in (signals.LOOP("round", result=[1], loop_count=2), signals.ENDRUN(states.Failed("out"))):
        copied = pickle.loads(pickle.dumps(signal))
        assert type(copied) is type(signal)
        assert copied.state == signal.state


def test_except_exception_does_not_swallow_them() -> None:
    def step() -> str:
        try:
            raise signals.SKIP("enough")
        except Exception:
            return "swallowed"

    with pytest.raises(signals.SKIP):
        step()


def test_no_signal_stands_for_running() -> None:
    with pytest.raises(ValueError, match="no signal"):
        signals.signal_for(states.Running())
