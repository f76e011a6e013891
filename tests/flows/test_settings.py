"""Retries as values, state handlers, and copies of settings."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.flows import Flow, LocalRun, Task, UniversalRun
from orchestra_client.flows.retries import RetryPolicy
from orchestra_client.states import Failed, Retrying, State, Success


def test_waits_grow_by_the_backoff() -> None:
    retries = Task(max_retries=3, retry_delay=10, retry_backoff=2).retries()
    waits = [retries.wait(run_count, lambda: 0.5).total_seconds() for run_count in (1, 2, 3)]
    assert waits == [10, 20, 40]
    assert [retries.allows(run_count) for run_count in (1, 3, 4)] == [True, True, False]


def test_jitter_spreads_a_wait_to_both_sides() -> None:
    retries = RetryPolicy(1, timedelta(seconds=100), jitter=0.2)
    waits = [retries.wait(1, lambda random=random: random).total_seconds() for random in (0, 0.5, 1)]
    assert waits == [80, 100, 120]


@given(st.integers(1, 10**6), st.floats(1, 1e9), st.floats(0, 1), st.floats(0, 1))
def test_no_wait_is_negative_or_without_end(
    run_count: int, backoff: float, jitter: float, random: float
) -> None:
    retries = RetryPolicy(10**6, timedelta(seconds=1), backoff, jitter)
    assert timedelta(0) <= retries.wait(run_count, lambda: random) <= timedelta(days=365)


def test_without_a_delay_there_is_no_wait() -> None:
    assert Task(max_retries=1).retries().wait(1, lambda: 1) == timedelta(0)


def test_handlers_come_in_order_and_callbacks_only_look() -> None:
    seen: list[Any] = []

    def handler(subject: Any, old: State, new: State) -> State:
        seen.append("handler")
        return Success("other")

    def note(name: str) -> Any:
        return lambda subject, state: seen.append((name, state.message))

    for subject in (
        Task(
            state_handlers=[handler],
            on_success=note("success"),
            on_failure=note("failure"),
            on_retry=note("retry"),
        ),
        Flow("f", state_handlers=[handler], on_success=note("success"), on_failure=note("failure")),
    ):
        seen.clear()
        for state in (Success("1"), Failed("2"), Retrying("3")):
            for each in subject.state_handlers[1:]:
                assert each(subject, state, state) is state
        assert ("success", "1") in seen
        assert ("failure", "2") in seen
        assert subject.state_handlers[0] is handler
        assert (("retry", "3") in seen) is isinstance(subject, Task)


def test_a_copys_tags_and_handlers_are_its_own() -> None:
    original = Task(tags=["a"], state_handlers=[lambda *_: None])
    copied = original.copy(tags=["b"])
    copied.state_handlers.clear()
    assert (original.tags, copied.tags) == ({"a"}, {"a", "b"})
    assert len(original.state_handlers) == 1


def test_tasks_pickle() -> None:
    with Flow("f") as flow:
        bound = Task("t", tags=["a"], max_retries=1, retry_delay=5)(upstream_tasks=[1])
    copied = pickle.loads(pickle.dumps(flow))
    assert copied.serialize() == flow.serialize()
    assert pickle.loads(pickle.dumps(bound)).retry_delay == timedelta(seconds=5)


def test_run_configs_check_what_they_are_given() -> None:
    assert LocalRun(env={"A": "1"}, labels=["b", "a"]).labels == {"a", "b"}
    for settings in ({"labels": "gpu"}, {"labels": [1]}, {"env": {"A": 1}}):
        with pytest.raises(TypeError):
            UniversalRun(**settings)  # type: ignore[arg-type]
