"""What cannot run is refused when it is written, and the error says what to write instead."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import FlowError
from orchestra_client.flows import Edge, Flow, Parameter, Task, task, unmapped
from orchestra_client.flows.cache_validators import all_inputs
from orchestra_client.schedules import CronClock, CronSchedule, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable


@task
def inc(x: Any = 0) -> Any:
    return x + 1


def test_a_circle_is_refused_with_its_path_and_changes_nothing() -> None:
    flow = Flow("f")
    a, b, c = Task("a"), Task("b"), Task("c")
    flow.chain(a, b, c)
    with pytest.raises(FlowError, match="'c-1' -> 'a-1' -> 'b-1' -> 'c-1'"):
        flow.add_edge(c, a)
    assert len(flow.edges) == 2
    assert flow.sorted_tasks() == (a, b, c)


def test_a_circle_among_given_edges_is_refused() -> None:
    a, b = Task("a"), Task("b")
    with pytest.raises(FlowError, match="in a circle"):
        Flow("f", edges=[Edge(a, b), Edge(b, a)])
    with pytest.raises(FlowError, match="cannot wait for itself"):
        Edge(a, a)


def test_slugs_and_parameters_are_unique() -> None:
    with Flow("f") as flow:
        inc(Parameter("x"))
        with pytest.raises(FlowError, match="parameter or slug 'x' already"):
            inc(Parameter("x", default=1))
        flow.add_task(Task(slug="s"))
        with pytest.raises(FlowError, match="slug 's' already"):
            flow.add_task(Task(slug="s"))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (inc.map, "mapped over nothing"),
        (lambda: inc.map(unmapped(1)), "mapped over nothing"),
        (lambda: inc(unmapped([1]), mapped=True), "mapped over nothing"),
        (lambda: inc.map(5), "cannot be mapped over 5, which is no list"),
        (lambda: inc.map({"a": 1}), "which is no list"),
        (lambda: inc.map({1, 2}), "which is no list"),
        (lambda: inc(z=1), r"takes \(x: 'Any' = 0\).*unexpected keyword argument 'z'"),
        (lambda: inc(1, 2), "too many positional arguments"),
        (lambda: inc(task_args={"nmae": "x"}), "no attribute 'nmae'"),
        (lambda: inc(task_args={"max_retries": -1}), "max_retries"),
    ],
)
def test_calls_that_do_not_fit(call: Callable[[], Any], complaint: str) -> None:
    with Flow("f") as flow, pytest.raises(FlowError, match=complaint):
        call()
    assert not flow.tasks


def test_an_empty_list_may_be_mapped_over() -> None:
    with Flow("f") as flow:
        inc.map([])
    assert len(flow.edges) == 1


def test_a_task_outside_of_a_flow() -> None:
    for use in (inc, inc.bind, lambda: inc.map([1]), lambda: inc + 1, lambda: inc | inc):
        with pytest.raises(FlowError, match="used outside of a flow"):
            use()


def test_a_task_that_is_bound_in_another_flow() -> None:
    with Flow("one") as one:
        bound = inc(inc(1))
    with Flow("two") as two, pytest.raises(FlowError, match="bound in the flow 'one' and would come without"):
        inc(bound)
    assert not two.tasks
    two.update(one)
    with two:
        inc(bound)
    assert len(two.tasks) == 3


def test_a_parameter_may_be_shared_between_flows() -> None:
    x = Parameter("x")
    for name in ("one", "two"):
        with Flow(name) as flow:
            inc(x)
        assert x in flow.tasks


@pytest.mark.parametrize(
    ("signature", "complaint"),
    [
        ("*rows", r"cannot have \*rows.*passed by name"),
        ("x, /", "positional-only argument 'x'"),
        ("upstream_tasks", "cannot have an argument 'upstream_tasks'"),
        ("x, mapped=False", "cannot have an argument 'mapped'"),
    ],
)
def test_signatures_that_cannot_be_run(signature: str, complaint: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def step({signature}): pass", namespace)
    with pytest.raises(FlowError, match=complaint):
        task(namespace["step"])
    exec(f"def run(self, {signature}): pass", namespace)
    with pytest.raises(FlowError, match=complaint):
        type("Step", (Task,), {"run": namespace["run"]})


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"name": ""}, FlowError),
        ({"tags": "gpu"}, TypeError),
        ({"tags": [["gpu"]]}, TypeError),
        ({"max_retries": 1.5}, FlowError),
        ({"max_retries": True}, FlowError),
        ({"retry_delay": 1}, FlowError),
        ({"max_retries": 1, "retry_delay": -1}, FlowError),
        ({"max_retries": 1, "retry_delay": "1m"}, TypeError),
        ({"max_retries": 1, "retry_backoff": 0.5}, FlowError),
        ({"max_retries": 1, "retry_jitter": 2}, FlowError),
        ({"max_retries": 1, "retry_on": ValueError("x")}, TypeError),
        ({"retry_on": ValueError}, FlowError),
        ({"timeout": 0}, FlowError),
        ({"timeout": "30"}, TypeError),
        ({"cache_validator": all_inputs}, FlowError),
        ({"trigger": "all_successful"}, TypeError),
        ({"state_handlers": print}, TypeError),
        ({"state_handlers": [1]}, TypeError),
        ({"on_failure": "mail"}, TypeError),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Task(**settings)


def test_durations_are_seconds_or_timedeltas() -> None:
    made = Task(max_retries=1, retry_delay=90, timeout=timedelta(minutes=1), cache_for=0.5)
    assert (made.retry_delay, made.timeout) == (timedelta(seconds=90), 60)
    assert made.cache_for == timedelta(milliseconds=500)


def test_what_is_no_flow() -> None:
    for name in ("", " ", None, 5):
        with pytest.raises(FlowError, match="name of a flow"):
            Flow(name)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="make one with @task"):
        Flow("f", tasks=[len])  # type: ignore[list-item]
    with pytest.raises(FlowError, match="not in the flow"):
        Flow("f").set_reference_tasks([Task("t")])


def test_edges_that_cannot_be() -> None:
    flow = Flow("f", tasks=[x := Parameter("x"), y := inc.copy()])
    with pytest.raises(FlowError, match="parameter 'x' cannot wait"):
        flow.add_edge(y, x)
    with pytest.raises(FlowError, match="no argument 'z'"):
        flow.add_edge(x, y, "z")
    with pytest.raises(FlowError, match="cannot be the name of an argument"):
        flow.add_edge(x, y, "not a name")
    assert not flow.edges


def test_a_parameters_default_must_be_json() -> None:
    with pytest.raises(FlowError, match=r"default of the parameter 'x' is not JSON.*\[1\]"):
        Parameter("x", default=[1, object()])


def test_a_schedule_must_give_required_parameters() -> None:
    clocks = [CronClock("@daily", parameter_defaults={"x": 1}), CronClock("@hourly")]
    flow = Flow("f", Schedule(clocks))
    with pytest.raises(FlowError, match="schedule cannot run the flow 'f' without x"), flow:
        inc(Parameter("x"))
    with pytest.raises(FlowError, match="without x"):
        flow.serialize()
    flow.schedule = CronSchedule("@daily")
    with pytest.raises(FlowError, match="without x"):
        flow.validate()
    flow.schedule = Schedule(clocks[:1])
    flow.validate()


def test_an_error_within_the_block_is_the_one_that_is_seen() -> None:
    def write() -> None:
        with Flow("f", CronSchedule("@daily")):
            inc(Parameter("x"))
            1 / 0  # noqa: B018

    with pytest.raises(ZeroDivisionError):
        write()
    with pytest.raises(FlowError, match="outside of a flow"):
        inc()
