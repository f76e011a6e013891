"""Lists: what is found, in which order, page by page, and what is refused before anything is sent."""

from __future__ import annotations

import pickle
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import BadInput, MissingExtra
from orchestra_client.records import Records
from orchestra_client.results import FlowRun, TaskRun
from orchestra_client.states import (
    Cancelled,
    Failed,
    Mapped,
    Running,
    Scheduled,
    Submitted,
    Success,
    TimedOut,
)

if TYPE_CHECKING:
    from orchestra_client.testing import Faults, VirtualClock

NOBODY = "00000000-0000-4000-8000-000000000000"
DAY = {"day": "2026-01-01"}


def names(records: Any) -> list[str]:
    return [record.name for record in records]


def simple_flow(name: str, **parts: Any) -> dict[str, Any]:
    tasks = [{"name": "load", "slug": "load-1", "tags": ["db"]}, {"name": "save", "slug": "save-1"}]
    return {"name": name, "tasks": tasks, "edges": [], **parts}


def scheduled(*clocks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Schedule", "clocks": list(clocks)}


# ------------------------------------------------------------------------------------------- projects, flows


def test_projects_come_by_name_with_the_number_of_current_flows(client: Any) -> None:
    client.create_project("sales", "Orders")
    client.create_project("a lonely one")
    for version in (1, 2):
        client.register(simple_flow("f", description=f"v{version}"), "sales", no_url=True, force=True)
    client.register(simple_flow("g"), "sales", no_url=True)

    lonely, sales = client.projects()

    assert (lonely.name, lonely.description, lonely.flow_count) == ("a lonely one", None, 0)
    assert (sales.description, sales.flow_count) == ("Orders", 2)
    assert names(client.projects(name="sales")) == ["sales"]


def test_flows_are_the_current_versions_unless_asked_otherwise(client: Any) -> None:
    client.create_project("sales")
    first = client.register(simple_flow("f"), "sales", no_url=True)
    second = client.register(simple_flow("f"), "sales", no_url=True, force=True)

    [current] = client.flows()
    [old] = client.flows(is_archived=True)

    assert (current.id, current.version, current.is_archived) == (second, 2, False)
    assert (old.id, old.version, old.is_archived) == (first, 1, True)
    assert [flow.version for flow in client.flows(is_archived=None)] == [2, 1]
    assert current.version_group_id == old.version_group_id
    assert current.flow_group_id == old.flow_group_id


def test_a_flow_tells_project_labels_and_schedule(client: Any, clock: VirtualClock) -> None:
    client.create_project("sales")
    cron = {
        "type": "CronClock",
        "cron": "0 6 * * *",
        "start_date": {"dt": "2026-01-01T00:00:00", "tz": "Europe/Berlin"},
    }
    client.register(
        simple_flow(
            "f",
            schedule=scheduled({"type": "IntervalClock", "interval": 900_000_000}, cron),
            run_config={"type": "LocalRun", "labels": ["gpu", "eu"]},
        ),
        "sales",
        no_url=True,
    )

    [flow] = client.flows()

    assert (flow.project, flow.labels, flow.created) == ("sales", ("eu", "gpu"), clock.now())
    assert flow.schedule == "every 15 min; 0 6 * * * (Europe/Berlin)"
    assert flow.is_schedule_active is True


def test_what_was_set_for_the_group_wins_over_the_flow(client: Any) -> None:
    client.create_project("sales")
    client.register(simple_flow("f", run_config={"labels": ["a"]}), "sales", no_url=True)
    group = {"flow_group_id": client.flows()[0].flow_group_id}
    client.graphql(
        "mutation($l: set_flow_group_labels_input!, $s: set_flow_group_schedule_input!)"
        "{ set_flow_group_labels(input: $l) { success } set_flow_group_schedule(input: $s) { success } }",
        variables={"l": {**group, "labels": []}, "s": {**group, "interval_clocks": [{"interval": 3600}]}},
    )

    [flow] = client.flows()

    assert (flow.labels, flow.schedule) == ((), "every 1 h")


def test_flows_are_filtered(client: Any) -> None:
    for project in ("sales", "stock"):
        client.create_project(project)
        for name in ("f", "g"):
            client.register(simple_flow(name), project, no_url=True)
    one = client.flows(project="stock", name="g")[0]

    assert [(flow.project, flow.name) for flow in client.flows(project="stock")] == [
        ("stock", "f"),
        ("stock", "g"),
    ]
    assert sorted(flow.project for flow in client.flows(name="f")) == ["sales", "stock"]
    assert client.flows(flow_id=one.id) == client.flows(version_group_id=one.version_group_id) == [one]
    assert client.flows(flow_id=NOBODY) == []


# ------------------------------------------------------------------------------------------- flow runs


@pytest.fixture
def plain_flow(client: Any) -> str:
    client.create_project("sales")
    found: str = client.register(simple_flow("f"), "sales", no_url=True)
    return found


def test_flow_runs_come_latest_scheduled_first(client: Any, plain_flow: str, clock: VirtualClock) -> None:
    for hours in (2, 0, 1):
        when = clock.now() + timedelta(hours=hours)
        client.create_flow_run(plain_flow, run_name=f"in {hours} h", scheduled_start_time=when)

    assert names(client.flow_runs()) == ["in 2 h", "in 1 h", "in 0 h"]


def test_a_flow_run_tells_all_about_itself(client: Any, flow_id: str, clock: VirtualClock) -> None:
    agent_id = client.register_agent("LocalAgent", "box", ["eu"])
    created = clock.now()
    run_id = client.create_flow_run(flow_id, parameters=DAY, run_name="monday", labels=["eu", "big"])
    client.attach_headers({"X-Orchestra-Agent-Id": agent_id})
    client.set_flow_run_state(run_id, 1, Submitted())
    clock.advance(5)
    client.set_flow_run_state(run_id, 2, Running())
    clock.advance(90)
    client.set_flow_run_state(run_id, 3, Failed("no orders"))

    [run] = client.flow_runs()

    assert (run.id, run.name, run.flow_id, run.flow_version) == (run_id, "monday", flow_id, 1)
    assert (run.flow_name, run.project) == ("daily-sales", "sales")
    assert (run.state, run.state_message, run.version) == ("Failed", "no orders", 4)
    assert (run.scheduled_start_time, run.start_time) == (created, created + timedelta(seconds=5))
    assert (run.end_time, run.duration) == (clock.now(), 90.0)
    assert (run.labels, run.agent_id) == (("big", "eu"), agent_id)
    assert run.parameters["day"] == "2026-01-01"
    assert run.heartbeat == created + timedelta(seconds=5)


def test_one_flow_run_is_found_by_its_id(client: Any, plain_flow: str) -> None:
    run_id, _ = client.create_flow_run(plain_flow), client.create_flow_run(plain_flow)

    assert [run.id for run in client.flow_runs(flow_run_id=run_id)] == [run_id]
    assert client.flow_runs(flow_run_id=NOBODY) == []


def test_one_request_reads_a_list(client: Any, plain_flow: str, faults: Faults) -> None:
    for _ in range(5):
        client.create_flow_run(plain_flow)
    before = len(faults.requests)

    client.flow_runs(project="sales", state="Scheduled")

    assert len(faults.requests) == before + 1


@pytest.fixture
def runs_by_state(client: Any, plain_flow: str) -> dict[str, str]:
    made = {}
    for state in (Scheduled(), Running(), Success(), Failed(), TimedOut(), Cancelled()):
        run_id = made[state.type_name] = client.create_flow_run(plain_flow, run_name=state.type_name)
        client.set_flow_run_state(run_id, None, Running())
        client.set_flow_run_state(run_id, None, state)
    return made


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Failed", ["Failed", "TimedOut"]),
        (Failed, ["Failed", "TimedOut"]),
        ("timedout", ["TimedOut"]),
        ("Pending", ["Scheduled"]),
        (["Success", Running], ["Running", "Success"]),
        ("Finished", ["Cancelled", "Failed", "Success", "TimedOut"]),
        ("State", ["Cancelled", "Failed", "Running", "Scheduled", "Success", "TimedOut"]),
        ("Aborted", ["Cancelled"]),
    ],
)
def test_a_state_stands_for_all_below_it(
    client: Any, runs_by_state: dict[str, str], state: Any, expected: list[str]
) -> None:
    assert sorted(names(client.flow_runs(state=state))) == expected


def test_flow_runs_are_filtered_by_flow_project_and_name(client: Any) -> None:
    for project in ("sales", "stock"):
        client.create_project(project)
        flow_id = client.register(simple_flow(f"{project}-flow"), project, no_url=True)
        client.create_flow_run(flow_id, run_name=f"run of {project}", labels=[project, "eu"])
    [stock] = client.flows(project="stock")

    expected = ["run of stock"]
    assert names(client.flow_runs(flow="stock-flow")) == expected
    assert names(client.flow_runs(flow_id=stock.id)) == expected
    assert names(client.flow_runs(version_group_id=stock.version_group_id)) == expected
    assert names(client.flow_runs(project="stock")) == expected
    assert names(client.flow_runs(name="run of stock")) == expected
    assert names(client.flow_runs(labels=["stock"])) == expected
    assert len(client.flow_runs(labels=["eu"])) == len(client.flow_runs(labels=[])) == 2
    assert client.flow_runs(project="stock", flow="sales-flow") == []
    assert client.flow_runs(agent_id=NOBODY) == []


def test_flow_runs_are_filtered_by_when_they_were_to_start(
    client: Any, plain_flow: str, clock: VirtualClock
) -> None:
    start = clock.now()
    for hour in range(4):
        when = start + timedelta(hours=hour)
        client.create_flow_run(plain_flow, run_name=str(hour), scheduled_start_time=when)
    clock.advance(3 * 3600)

    assert names(client.flow_runs(since=timedelta(hours=2))) == ["3", "2", "1"]
    assert names(client.flow_runs(until=start + timedelta(hours=2))) == ["1", "0"]
    naive = (start + timedelta(hours=1)).replace(tzinfo=None)
    assert names(client.flow_runs(since=naive, until=timedelta(0))) == ["2", "1"]
    assert names(client.flow_runs(since=-timedelta(hours=1))) == []


def test_pages_neither_repeat_nor_miss_a_run_however_alike(client: Any, plain_flow: str) -> None:
    """Given runs that were scheduled for the very same moment, then their ids decide the order."""
    made = {client.create_flow_run(plain_flow) for _ in range(7)}

    pages = [client.flow_runs(limit=3, offset=offset) for offset in (0, 3, 6)]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert {run.id for page in pages for run in page} == made


def test_a_list_that_its_limit_cut_says_so(client: Any, plain_flow: str) -> None:
    for _ in range(3):
        client.create_flow_run(plain_flow)

    cut, exact = client.flow_runs(limit=2), client.flow_runs(limit=3)

    assert (len(cut), cut.is_whole) == (2, False)
    assert (len(exact), exact.is_whole) == (3, True)
    assert client.flow_runs(limit=2, offset=1).is_whole
    assert client.flow_runs(limit=10_000).is_whole


def test_all_lists_say_whether_their_limit_cut_them(
    client: Any, plain_flow: str, clock: VirtualClock
) -> None:
    client.create_project("stock")
    client.register(simple_flow("g"), "sales", no_url=True)
    for name in ("a", "b"):
        client.register_agent("LocalAgent", name)
        run_id = client.create_flow_run(plain_flow)
    record = {"flow_run_id": run_id, "level": "INFO", "name": "test"}
    client.write_run_logs([{**record, "message": each} for each in ("one", "two")])
    clock.advance(600)
    lists = [
        client.projects,
        client.flows,
        client.agents,
        client.flow_runs,
        client.late_flow_runs,
        lambda limit: client.task_runs(run_id, limit=limit),
        lambda limit: client.get_flow_run_logs(run_id, limit=limit),
    ]

    for listed in lists:
        assert [(len(found), found.is_whole) for found in (listed(limit=1), listed(limit=2))] == [
            (1, False),
            (2, True),
        ]
    assert client.get_flow_run_logs(run_id).is_whole


def test_late_runs_can_be_asked_for_up_to_what_the_server_takes(
    client: Any, plain_flow: str, clock: VirtualClock
) -> None:
    client.create_flow_run(plain_flow)
    clock.advance(600)

    late = client.late_flow_runs(limit=1000)

    assert (len(late), late.is_whole) == (1, True)


def test_slices_are_as_whole_as_their_list_and_sums_as_their_last_page(client: Any, plain_flow: str) -> None:
    for _ in range(4):
        client.create_flow_run(plain_flow)
    first, last = client.flow_runs(limit=2), client.flow_runs(limit=2, offset=2)

    assert not first[:1].is_whole
    assert last[:1].is_whole
    assert (first + last).is_whole
    assert not pickle.loads(pickle.dumps(first)).is_whole
    first += last
    assert (len(first), first.is_whole) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"state": "Runing"}, "did you mean Running"),
        ({"state": "quite else"}, "there are Pending, Scheduled"),
        ({"state": []}, "leave it out"),
        ({"limit": 0}, "limit must be from 1 to 10000, not 0"),
        ({"limit": 10_001}, "limit must be from 1"),
        ({"offset": -1}, "offset must be from 0"),
        ({"offset": 2**31}, "offset must be from 0"),
        ({"flow": " "}, "flow must not be empty"),
        ({"name": "a\0b"}, "NUL"),
        ({"flow_id": "x"}, "flow_id must be a UUID"),
        ({"agent_id": "x"}, "agent_id must be a UUID"),
        ({"labels": [""]}, "must not be empty"),
        ({"since": timedelta.max}, "since is beyond the dates"),
        ({"since": timedelta(hours=1), "until": timedelta(hours=2)}, "since must be before until"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_before_anything_is_sent(
    client: Any, faults: Faults, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        client.flow_runs(**arguments)
    assert faults.requests == []


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("flow_runs", {"state": Failed()}),
        ("flow_runs", {"state": 3}),
        ("flow_runs", {"labels": "eu"}),
        ("flow_runs", {"since": 60}),
        ("flow_runs", {"limit": 1.5}),
        ("flow_runs", {"limit": True}),
        ("flows", {"is_archived": "no"}),
        ("agents", {"is_active": 1}),
        ("late_flow_runs", {"overdue": "5"}),
    ],
)
def test_a_filter_of_the_wrong_type_is_a_type_error(
    client: Any, faults: Faults, method: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        getattr(client, method)(**arguments)
    assert faults.requests == []


# ------------------------------------------------------------------------------------------- task runs


def test_task_runs_come_in_the_order_they_began(client: Any, plain_flow: str, clock: VirtualClock) -> None:
    run_id = client.create_flow_run(plain_flow)
    client.set_flow_run_state(run_id, 1, Running())
    by_slug = {each.task_slug: each for each in client.get_flow_run_info(run_id).task_runs}
    for slug in ("save-1", "load-1"):
        clock.advance(10)
        client.set_task_run_state(by_slug[slug].id, 0, Running())
    clock.advance(3)
    client.set_task_run_state(by_slug["load-1"].id, 1, Failed("disk full"))

    save, load = client.task_runs(run_id)

    assert (save.task_name, save.task_slug, save.state, save.duration) == ("save", "save-1", "Running", None)
    assert (load.state, load.state_message, load.duration) == ("Failed", "disk full", 3.0)
    assert (load.tags, load.run_count, load.version, load.map_index) == (("db",), 1, 2, -1)
    assert (load.flow_run_id, load.task_id) == (run_id, by_slug["load-1"].task_id)
    assert load.end_time == clock.now()


def test_task_runs_are_filtered(client: Any, plain_flow: str) -> None:
    run_id, other = (client.create_flow_run(plain_flow) for _ in range(2))
    load = next(each for each in client.get_flow_run_info(run_id).task_runs if each.task_slug == "load-1")
    child = client.get_task_run_info(run_id, load.task_id, map_index=0)
    client.set_task_run_name(child.id, "load of monday")

    assert len(client.task_runs()) == 5
    assert len(client.task_runs(run_id)) == 3
    assert [run.map_index for run in client.task_runs(run_id, name="load of monday")] == [0]
    assert {run.map_index for run in client.task_runs(run_id, name="load")} == {-1, 0}
    assert client.task_runs(other, state="Running") == []
    assert len(client.task_runs(other, state="Pending", limit=1)) == 1


def test_the_own_run_of_a_mapped_task_is_told_from_its_children(client: Any, plain_flow: str) -> None:
    run_id = client.create_flow_run(plain_flow)
    client.set_flow_run_state(run_id, 1, Running())
    load = next(each for each in client.get_flow_run_info(run_id).task_runs if each.task_slug == "load-1")
    for index in range(2):
        client.get_task_run_info(run_id, load.task_id, map_index=index)
    client.set_task_run_state(load.id, None, Running())
    client.set_task_run_state(load.id, None, Mapped(n_map_states=2))

    runs = client.task_runs(run_id)
    frame = runs.to_pandas()

    assert sorted((run.task_slug, run.map_index) for run in runs if not run.is_mapped_parent) == [
        ("load-1", 0),
        ("load-1", 1),
        ("save-1", -1),
    ]
    assert frame[~frame["is_mapped_parent"]].groupby("task_slug").size().to_dict() == {
        "load-1": 2,
        "save-1": 1,
    }


# ------------------------------------------------------------------------------------------- agents, late runs


def test_an_agent_is_active_while_it_asks_for_runs(client: Any, clock: VirtualClock) -> None:
    quiet = client.register_agent("LocalAgent", "quiet")
    old = client.register_agent("LocalAgent", "old", ["eu", "gpu"])
    client.get_runs_in_queue(["eu", "gpu"], agent_id=old)
    clock.advance(61)
    new = client.register_agent("DaskAgent", "new", ["eu"])
    client.get_runs_in_queue(["eu"], agent_id=new)
    clock.advance(60)

    agents = client.agents()

    assert [(agent.name, agent.is_active) for agent in agents] == [
        ("new", True),
        ("old", False),
        ("quiet", False),
    ]
    assert (agents[0].type, agents[0].labels) == ("DaskAgent", ("eu",))
    assert agents[0].last_queried == clock.now() - timedelta(seconds=60)
    assert agents[2].id == quiet
    assert agents[2].last_queried is None
    assert names(client.agents(is_active=True)) == ["new"]
    assert names(client.agents(is_active=False)) == ["old", "quiet"]
    assert names(client.agents(labels=["gpu"])) == ["old"]
    assert names(client.agents(name="quiet")) == ["quiet"]


def test_late_runs_come_with_the_reason(client: Any, plain_flow: str, clock: VirtualClock) -> None:
    first = client.create_flow_run(plain_flow, run_name="first", labels=["gpu"])
    due = clock.now()
    clock.advance(200)
    client.create_flow_run(plain_flow, run_name="second")
    clock.advance(150)

    [late] = client.late_flow_runs()

    assert (late.flow_run_id, late.name, late.labels, late.due) == (first, "first", ("gpu",), due)
    assert "--label gpu" in late.reason
    assert names(client.late_flow_runs(overdue=100)) == ["first", "second"]
    assert names(client.late_flow_runs(overdue=0.5, limit=1)) == ["first"]


@pytest.mark.parametrize("arguments", [{"overdue": -1}, {"overdue": 1e9}, {"limit": 1001}, {"limit": 0}])
def test_late_runs_have_bounds(client: Any, faults: Faults, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(arguments))):
        client.late_flow_runs(**arguments)
    assert faults.requests == []


# ------------------------------------------------------------------------------------------- tables


def test_a_list_becomes_a_table(client: Any, plain_flow: str, clock: VirtualClock) -> None:
    run_id = client.create_flow_run(plain_flow, run_name="a")
    client.create_flow_run(plain_flow, run_name="b")
    client.set_flow_run_state(run_id, 1, Running())
    clock.advance(7)
    client.set_flow_run_state(run_id, 2, Success())

    table = client.flow_runs().to_pandas().set_index("name")

    assert table.loc["a", "duration"] == 7.0
    assert table.loc["a", "end_time"].to_pydatetime() == clock.now()
    assert table["end_time"].isna().to_dict() == {"a": False, "b": True}
    assert table["start_time"].dtype == table["scheduled_start_time"].dtype
    assert table.groupby("state").size().to_dict() == {"Scheduled": 1, "Success": 1}


def test_a_table_of_a_list_that_was_cut_warns(client: Any, plain_flow: str) -> None:
    for _ in range(2):
        client.create_flow_run(plain_flow)

    with pytest.warns(UserWarning, match=r"limit= cut this table at row 1, and there are more"):
        client.flow_runs(limit=1).to_pandas()
    # Warnings are errors here: a whole list has none.
    assert len(client.flow_runs(limit=2).to_pandas()) == 2


def test_an_empty_table_has_the_same_columns(client: Any, plain_flow: str) -> None:
    empty = client.flow_runs().to_pandas()
    client.create_flow_run(plain_flow)
    full = client.flow_runs().to_pandas()

    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns) == list(FlowRun.__dataclass_fields__)
    kinds = [
        (empty[name].dtype.kind, full[name].dtype.kind) for name in ("start_time", "duration", "version")
    ]
    assert kinds == [("M", "M"), ("f", "f"), ("i", "i")]


def test_every_list_becomes_a_table(client: Any, flow_run_id: str, clock: VirtualClock) -> None:
    client.register_agent("LocalAgent")
    clock.advance(1)

    lists = [
        client.projects(),
        client.flows(),
        client.flow_runs(),
        client.task_runs(flow_run_id),
        client.agents(),
        client.late_flow_runs(overdue=1),
    ]

    assert all(len(each.to_pandas()) == len(each) > 0 for each in lists)


def test_without_pandas_the_error_names_what_to_install(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingExtra, match=r"orchestra-client\[notebook\]"):
        client.flow_runs().to_pandas()


def test_a_part_of_a_list_is_such_a_list(client: Any, plain_flow: str) -> None:
    for _ in range(3):
        client.create_flow_run(plain_flow)
    runs = client.flow_runs()

    assert isinstance(runs[:2], Records)
    assert runs[:2].kind is FlowRun
    assert runs[:2] == [runs[0], runs[1]]


def test_pages_add_up_to_such_a_list(client: Any, plain_flow: str) -> None:
    for _ in range(3):
        client.create_flow_run(plain_flow)

    together = client.flow_runs(limit=2) + client.flow_runs(limit=2, offset=2)

    assert together == client.flow_runs()
    assert len(together.to_pandas()) == 3
    assert type(together + client.projects()) is list


def test_a_list_pickles() -> None:
    empty = Records[TaskRun](kind=TaskRun)

    again = pickle.loads(pickle.dumps(empty))

    assert (type(again), again, again.kind) == (Records, [], TaskRun)


def test_moments_are_in_utc(client: Any, plain_flow: str) -> None:
    client.create_flow_run(
        plain_flow, scheduled_start_time=datetime.fromisoformat("2026-02-01T10:00:00+02:00")
    )

    assert client.flow_runs()[0].scheduled_start_time == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert client.flow_runs()[0].scheduled_start_time.tzinfo is UTC


def test_logs_limits_and_tokens_are_tables_too(client: Any, flow_run_id: str) -> None:
    client.write_run_logs([{"flow_run_id": flow_run_id, "message": "hello"}])
    client.update_task_tag_limit("db", 2)

    tables = [client.get_flow_run_logs(flow_run_id), client.task_tag_limits(), client.api_tokens()]

    assert [table.kind.__name__ for table in tables] == ["LogRecord", "TagLimit", "ApiToken"]
    assert tables[0].to_pandas()["message"].tolist() == ["hello"]
