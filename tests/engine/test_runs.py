"""A flow runs right here: order, parameters, triggers, skips, signals, the final state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestra_client.engine.signals import ENDRUN, FAIL, SKIP, SUCCESS
from orchestra_client.errors import FlowError
from orchestra_client.flows import Flow, Parameter, task, triggers
from orchestra_client.states import Failed, Running, Skipped, State, Success, TriggerFailed


@task
def add(x: int, y: int) -> int:
    return x + y


@task
def boom(x: Any = None) -> None:
    raise ValueError("boom")


@task
def skip() -> None:
    raise SKIP("not today")


def test_results_flow_from_task_to_task() -> None:
    with Flow("sum") as flow:
        number = Parameter("number", default=2)
        first = add(number, 1)
        second = add(first, first)
    state = flow.run(number=5)
    assert isinstance(state, Success)
    assert state.result[second].result == 12


def test_a_falsy_default_of_a_parameter_counts() -> None:
    with Flow("zero") as flow:
        total = add(Parameter("number", default=0), 1)
    assert flow.run().result[total].result == 1


def test_a_parameter_that_is_missing_or_unknown_stops_the_run_before_it_begins() -> None:
    seen = []
    with Flow("strict") as flow:
        task(lambda: seen.append(1), name="first")()
        add(Parameter("number"), 1)
    with pytest.raises(FlowError, match="'number' is required"):
        flow.run()
    with pytest.raises(FlowError, match="no parameter numer; its parameters: number"):
        flow.run(numer=1)
    assert not seen


def test_an_exception_becomes_a_failed_state_with_it_as_result() -> None:
    with Flow("fails") as flow:
        failing = boom()
    state = flow.run()
    assert isinstance(state, Failed)
    failed = state.result[failing]
    assert failed.message == "ValueError: boom"
    assert isinstance(failed.result, ValueError)


def test_a_failure_stops_what_waits_for_it_and_nothing_else() -> None:
    with Flow("partly") as flow:
        failing = boom()
        after = add(failing, 1)
        aside = add(1, 1)
    state = flow.run()
    assert isinstance(state.result[after], TriggerFailed)
    assert state.result[aside].result == 2


def test_a_trigger_decides_in_place_of_the_failure() -> None:
    with Flow("cleanup") as flow:
        failing = boom()
        cleanup = task(lambda: "cleaned", name="cleanup", trigger=triggers.any_failed)(
            upstream_tasks=[failing]
        )
    state = flow.run()
    assert state.result[cleanup].result == "cleaned"
    assert state.is_successful(), "the only reference task is the terminal one"


def test_a_trigger_that_raises_fails_the_task_alone() -> None:
    def bad(upstream: Any) -> bool:
        raise KeyError("oops")

    with Flow("bad trigger") as flow:
        one = task(lambda: 1, name="one", trigger=bad)(upstream_tasks=[add(1, 1)])
    assert "raised KeyError('oops')" in str(flow.run().result[one].message)


def test_a_skip_passes_on_unless_a_task_does_not_want_it() -> None:
    with Flow("skips") as flow:
        skipped = skip()
        follows = add(skipped, 1)
        stays = task(lambda: "ran", name="stays", skip_on_upstream_skip=False)(upstream_tasks=[skipped])
    state = flow.run()
    assert isinstance(state.result[follows], Skipped)
    assert state.result[stays].result == "ran"
    assert state.is_successful()


def test_signals_and_returned_states_decide_how_a_task_ends() -> None:
    @task
    def succeed() -> None:
        raise SUCCESS("early", result=7)

    @task
    def fail() -> None:
        raise FAIL("on purpose", result=3)

    @task
    def returned() -> State:
        return Skipped("by return")

    with Flow("signals") as flow:
        good, bad, same = succeed(), fail(), returned()
    result = flow.run().result
    assert (result[good].message, result[good].result) == ("early", 7)
    assert (result[bad].message, result[bad].result) == ("on purpose", 3)
    assert result[same] == Skipped()


def test_endrun_ends_a_task_without_a_retry() -> None:
    tries = []

    @task(max_retries=3)
    def once() -> None:
        tries.append(1)
        raise ENDRUN(Failed("for good"))

    with Flow("endrun") as flow:
        ended = once()
    assert flow.run().result[ended].message == "for good"
    assert len(tries) == 1


def test_a_task_that_exits_the_interpreter_only_fails() -> None:
    @task
    def leave() -> None:
        raise SystemExit(3)

    @task
    async def give_up() -> None:
        raise asyncio.CancelledError("enough")

    with Flow("exit") as flow:
        leaving, giving_up = leave(), give_up()
    result = flow.run().result
    assert result[leaving].message == "SystemExit: 3"
    assert result[giving_up].message == "CancelledError: enough"


def test_a_returned_state_that_ends_nothing_is_a_failure() -> None:
    with Flow("no end") as flow:
        running = task(name="running")(lambda: Running("still"))()
    assert flow.run().result[running].message == "it returned the state Running, which ends nothing"


def test_reference_tasks_decide_the_final_state() -> None:
    with Flow("reference") as flow:
        failing = boom()
        fine = add(1, 1)
        flow.set_reference_tasks([fine])
    state = flow.run()
    assert state.is_successful()
    assert state.result[failing].is_failed()


def test_a_flow_without_tasks_succeeds() -> None:
    assert Flow("empty").run().is_successful()


def test_state_handlers_see_each_change_and_may_change_it() -> None:
    seen = []

    def watch(subject: Any, old: State, new: State) -> State | None:
        seen.append((subject.name, old.type_name, new.type_name))
        return Skipped("by the handler") if new.is_failed() and subject.name == "boom" else None

    with Flow("watched", state_handlers=[watch]) as flow:
        boom(task_args={"state_handlers": [watch]})
    assert flow.run().is_successful()
    assert seen == [
        ("watched", "Scheduled", "Running"),
        ("boom", "Pending", "Running"),
        ("boom", "Running", "Failed"),
        ("watched", "Running", "Success"),
    ]


def test_a_handler_that_raises_fails_its_task() -> None:
    def bad(subject: Any, old: State, new: State) -> State:
        raise RuntimeError("handler")

    with Flow("bad handler") as flow:
        one = add(1, 1, task_args={"state_handlers": [bad]})
    state = flow.run()
    assert state.is_failed()
    assert state.result[one].message == "a state handler raised RuntimeError: handler"


def test_on_failure_of_a_flow_is_called() -> None:
    called = []
    with Flow("alarm", on_failure=lambda flow, state: called.append(state.type_name)) as flow:
        boom()
    flow.run()
    assert called == ["Failed"]


def test_a_flow_runs_inside_of_a_task() -> None:
    with Flow("inner") as inner:
        total = add(1, 2)

    @task
    def outer() -> Any:
        return inner.run().result[total].result

    with Flow("outer") as flow:
        one = outer()
    assert flow.run().result[one].result == 3
