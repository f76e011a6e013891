"""What a task finds in the context."""

from __future__ import annotations

import logging
import pickle
import threading
from typing import Any

import pytest

from orchestra_client import context
from orchestra_client.engine import ThreadExecutor, run_flow
from orchestra_client.engine.run_context import RunSecrets
from orchestra_client.flows import Flow, Parameter, task
from orchestra_client.testing import VirtualClock

NAMES = ("today", "yesterday", "tomorrow", "today_nodash", "yesterday_nodash", "tomorrow_nodash")


@task
def look(*, names: Any) -> dict[str, Any]:
    return {name: context.get(name) for name in names}


def test_dates_are_those_of_the_run() -> None:
    with Flow("dates") as flow:
        seen = look(names=[*NAMES, "date", "scheduled_start_time"])
    clock = VirtualClock()
    found = run_flow(flow, clock=clock).result[seen].result
    assert [found[name] for name in NAMES] == [
        "2026-01-01", "2025-12-31", "2026-01-02", "20260101", "20251231", "20260102",
    ]  # fmt: skip
    assert found["date"] == found["scheduled_start_time"] == clock.now()


def test_ids_names_and_parameters_are_there() -> None:
    with Flow("names") as flow:
        Parameter("p", default=0)()
        seen = task(name="look", tags=["b", "a"])(
            lambda: {
                name: context[name]
                for name in context
                if name.startswith(("task_", "flow_", "param", "map_"))
            }
        )()
    found = flow.run().result[seen].result
    assert found["flow_name"] == "names"
    assert found["parameters"] == {"p": 0}
    assert (found["task_name"], found["task_slug"], found["task_tags"]) == ("look", "look-a-b-1", ["a", "b"])
    assert (found["task_run_count"], found["task_loop_count"], found["map_index"]) == (1, 1, None)


def test_the_context_ends_with_the_run() -> None:
    with Flow("over") as flow:
        look(names=[])
    flow.run()
    assert "flow_run_id" not in context


def test_tasks_log_with_a_logger_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    @task(log_stdout=True)
    def speak() -> None:
        context.logger.warning("aloud")
        print("printed")

    with Flow("logs") as flow:
        speak()
    with caplog.at_level(logging.INFO):
        flow.run()
    assert {("orchestra.speak", "aloud"), ("orchestra.speak", "printed")} <= {
        (record.name, record.getMessage()) for record in caplog.records
    }


def test_the_traceback_of_a_failure_begins_in_the_task(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("here")

    with Flow("trace") as flow:
        task(fail)()
    flow.run()
    [record] = [record for record in caplog.records if record.name == "orchestra.fail"]
    assert "interruption.py" not in str(record.exc_text)
    assert "test_context.py" in str(record.exc_text)


def test_secrets_are_given_or_asked_for_once_and_shown_to_nobody() -> None:
    asked: list[str] = []

    def look_up(name: str) -> str:
        asked.append(name)
        return f"value of {name}"

    secrets = RunSecrets({"own": 1}, look_up)
    assert (secrets["own"], secrets["key"], secrets["key"]) == (1, "value of key", "value of key")
    assert asked == ["key"]
    assert "value" not in repr(secrets)
    copy = pickle.loads(pickle.dumps(secrets))
    assert copy["key"] == "value of key"
    with pytest.raises(KeyError, match="no secret 'other' here"):
        copy["other"]


def test_secrets_of_a_local_run_come_from_the_context() -> None:
    with Flow("secret") as flow:
        seen = task(name="seen")(lambda: context.secrets["key"])()
    assert flow.run(context={"secrets": {"key": 7}}).result[seen].result == 7
    with context(secrets={"key": 8}):
        assert flow.run().result[seen].result == 8


def test_two_runs_at_once_do_not_see_each_other() -> None:
    meeting = threading.Barrier(2, timeout=10)

    @task
    def meet(x: int) -> tuple[int, str]:
        meeting.wait()
        return context.parameters["x"], context.flow_run_id

    with Flow("both") as flow:
        met = meet(Parameter("x"))
    results: dict[int, Any] = {}

    def run(x: int) -> None:
        results[x] = flow.run(x=x, executor=ThreadExecutor(1)).result[met].result

    threads = [threading.Thread(target=run, args=(x,)) for x in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[1][0] == 1
    assert results[2][0] == 2
    assert results[1][1] != results[2][1]
