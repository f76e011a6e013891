"""How a flow differs from its registered version, as people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra_client.flows import Flow, LocalRun, Parameter, Script, mapped, task
from orchestra_client.procedures.registration.diffs import diff_of
from orchestra_client.results import FieldChange, FlowDiff
from orchestra_client.schedules import CronClock, CronSchedule, IntervalSchedule, Schedule


def flow(**more: Any) -> dict[str, Any]:
    tasks = [
        {"slug": "a-1", "name": "a", "max_retries": 0, "tags": []},
        {"slug": "b-1", "name": "b", "max_retries": 1, "tags": ["db"]},
    ]
    return {"name": "f", "tasks": tasks, "edges": [edge("a-1", "b-1", key="x")], **more}


def edge(upstream: str, downstream: str, **more: Any) -> dict[str, Any]:
    return {"upstream_task": {"slug": upstream}, "downstream_task": {"slug": downstream}, **more}


def lines(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return list(diff_of(before, after).lines())


def test_equal_flows_do_not_differ() -> None:
    """Given other versions of libraries and another order, then nothing differs."""
    written = flow(run_config={"type": "LocalRun", "__version__": "1"}, __version__="1.0")
    again = flow(run_config={"type": "LocalRun", "__version__": "2"}, __version__="2.0")
    again["tasks"] = [{**each, "__version__": "2"} for each in reversed(again["tasks"])]

    assert not diff_of(written, again)
    assert diff_of(written, again) == FlowDiff()


def test_tasks_and_edges_come_go_and_change() -> None:
    after = flow(
        tasks=[
            {"slug": "b-1", "name": "b", "max_retries": 3, "tags": ["db", "slow"]},
            {"slug": "c-1", "name": "c"},
        ],
        edges=[edge("b-1", "c-1", key="rows", mapped=True)],
    )

    assert lines(flow(), after) == [
        "+ task c-1",
        "- task a-1",
        "~ task b-1: max_retries: 1 → 3, tags: ['db'] → ['db', 'slow']",
        "+ edge b-1 → c-1 (rows, mapped)",
        "- edge a-1 → b-1 (x)",
    ]
    [change] = diff_of(flow(), after).tasks_changed
    assert change.fields[0] == FieldChange("max_retries", 1, 3)


def test_a_flow_of_ones_own() -> None:
    @task
    def load(rows: Any) -> Any:
        return rows

    def write(*, with_map: bool) -> dict[str, Any]:
        with Flow("f") as written:
            rows = load([1])
            load(mapped(rows) if with_map else rows)
        return written.serialize()

    assert lines(write(with_map=False), write(with_map=True)) == [
        "+ edge load-1 → load-2 (rows, mapped)",
        "- edge load-1 → load-2 (rows)",
    ]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (None, IntervalSchedule(timedelta(hours=1)), "~ schedule: none → every 1 h"),
        (CronSchedule("0 6 * * *"), None, "~ schedule: 0 6 * * * → none"),
        (IntervalSchedule(timedelta(days=1)), CronSchedule("@daily"), "~ schedule: every 1 d → @daily"),
        (
            Schedule([CronClock("@daily", parameter_defaults={"day": "a"})]),
            Schedule([CronClock("@daily", parameter_defaults={"day": "b"})]),
            "~ schedule.clocks[0].parameter_defaults.day: a → b",
        ),
    ],
)
def test_schedules_are_told_in_words(before: Any, after: Any, line: str) -> None:
    old, new = (flow(schedule=each and each.serialize()) for each in (before, after))
    assert lines(old, new) == [line]


def test_schedules_that_read_the_same_are_told_by_what_the_words_leave_out() -> None:
    def daily(minute: int) -> dict[str, Any]:
        start = datetime(2026, 1, 1, 6, minute, tzinfo=UTC)
        return flow(schedule=IntervalSchedule(timedelta(days=1), start_date=start).serialize())

    change = diff_of(daily(0), daily(30)).schedule
    assert change is not None
    assert str(change) == "schedule.clocks[0].start_date.dt: 2026-01-01T06:00:00 → 2026-01-01T06:30:00"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("x" * 80 + "1", "x" * 80 + "2", "f: …xxxxxxxxxxxx1 → …xxxxxxxxxxxx2"),
        ("1" + "x" * 80, "2" + "x" * 80, "f: 1xxxxxxxxxxxx… → 2xxxxxxxxxxxx…"),
        ("x" * 80, "x" * 81, "f: …xxxxxxxxxxxx → …xxxxxxxxxxxxx"),
        ("a" * 70, None, f"f: {'a' * 59}… → none"),
        ("short", "shorter", "f: short → shorter"),
    ],
)
def test_long_values_are_cut_to_what_differs(before: Any, after: Any, line: str) -> None:
    assert str(FieldChange("f", before, after)) == line


def test_objects_are_told_by_their_fields() -> None:
    before, after = flow(), flow()
    before["tasks"][0]["result"] = {"type": "LocalResult", "dir": "/a", "location": "x" * 60}
    after["tasks"][0]["result"] = {**before["tasks"][0]["result"], "dir": "/b"}

    assert lines(before, after) == ["~ task a-1: result.dir: /a → /b"]


def test_environment_variables_deep_within_stay_secret_too() -> None:
    def job(token: str, **more: Any) -> dict[str, Any]:
        container = {"image": "i", "env": [{"name": "TOKEN", "value": token}], **more}
        return flow(run_config={"type": "KubernetesRun", "job_template": {"containers": [container]}})

    more = job("secret-1")
    more["run_config"]["job_template"]["containers"].append({"image": "j"})

    assert lines(job("secret-1"), job("secret-2", image="k")) == [
        "~ run config job_template.containers[0].env: TOKEN=*** → TOKEN=*** (changed)",
        "~ run config job_template.containers[0].image: i → k",
    ]
    assert not any("secret" in line for line in lines(job("secret-1"), more))


def test_parameters_are_told_by_name() -> None:
    def with_parameters(*parameters: Parameter) -> dict[str, Any]:
        with Flow("f", tasks=parameters) as written:
            pass
        return {**written.serialize(), "tasks": [], "edges": []}

    before = with_parameters(Parameter("day", default="mon"), Parameter("gone"), Parameter("same", default=1))
    after = with_parameters(
        Parameter("day", default="tue"), Parameter("new", default=3), Parameter("same", default=1)
    )

    assert lines(before, after) == [
        "~ parameter day.default: mon → tue",
        "~ parameter gone: required → none",
        "~ parameter new: none → default 3",
    ]


def test_values_of_environment_variables_stay_secret() -> None:
    def run(env: dict[str, str], labels: list[str]) -> dict[str, Any]:
        with Flow("f", run_config=LocalRun(env=env, labels=labels)) as written:
            pass
        return written.serialize()

    diff = diff_of(run({"TOKEN": "s3cret", "A": "1"}, ["x"]), run({"TOKEN": "0ther", "B": "2"}, ["x", "y"]))

    assert list(diff.lines()) == [
        "~ run config env: A=***, TOKEN=*** → B=***, TOKEN=*** (changed)",
        "~ run config labels: ['x'] → ['x', 'y']",
    ]
    assert "s3cret" not in repr(diff)


def test_a_script_is_told_by_its_lines(tmp_path: Any) -> None:
    def stored(source: str) -> dict[str, Any]:
        storage = Script(tmp_path / "flow.py", source=source)
        storage.flows["f"] = source[:3]  # where it was put does not count
        with Flow("f", storage=storage) as written:
            pass
        return written.serialize()

    assert lines(stored("a\nb\nc\n"), stored("a\nB\nc\nd\n")) == [
        "~ storage source: 3 lines, 1 of them gone → 4 lines, 2 of them new"
    ]


def test_whatever_else_differs_is_told() -> None:
    before, after = flow(reference_tasks=[{"slug": "a-1"}]), flow(environment={"type": "E"}, type="X")
    assert lines(before, after) == [
        "~ reference_tasks: ['a-1'] → []",
        "~ environment: none → {'type': 'E'}",
        "~ type: none → X",
    ]


def test_a_long_value_is_shortened() -> None:
    [line] = lines(flow(description="a" * 100), flow(description="b"))
    assert line == f"~ description: {'a' * 59}… → b"


def test_what_was_registered_in_pieces_is_compared_with_the_servers_tables() -> None:
    """Given a version without its tasks, and these as the tables have them, then the tables' columns are compared."""
    after = flow(schedule=IntervalSchedule(timedelta(hours=1)).serialize())
    after["tasks"][0]["trigger"] = {"fn": "x"}
    after["edges"][0]["flattened"] = True
    graph = {
        "tasks": [
            {"slug": "a-1", "name": "a", "max_retries": 0, "tags": [], "cache_key": None},
            {"slug": "b-1", "name": "b", "max_retries": 5, "tags": ["db"], "cache_key": None},
        ],
        "edges": [edge("a-1", "b-1", key="x", mapped=False)],
    }

    diff = diff_of({"name": "f", "tasks": [], "edges": []}, after, graph)

    assert list(diff.lines()) == [
        "~ task b-1: max_retries: 5 → 1",
        "~ schedule: none → every 1 h",
        "? the server does not keep all of the registered version, so there may be more",
    ]


def test_a_version_that_was_not_kept_may_differ_in_anything() -> None:
    diff = diff_of({}, flow())
    assert diff
    assert diff.is_partial
    assert diff.run_config == ()


def test_a_flow_without_tasks_is_no_partial_one() -> None:
    empty = flow(tasks=[], edges=[])
    assert not diff_of(empty, empty, {"tasks": [], "edges": []})
