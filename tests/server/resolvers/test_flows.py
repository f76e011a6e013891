"""Registering flows: versions, groups, idempotency, tasks and edges in batches, schedules, archiving."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import uuid

import pytest
from sqlalchemy import update

from orchestra_client.server.store.tables import flow_run
from tests.server.resolvers.conftest import edge, flow, task


@pytest.fixture
def project(ask):
    return ask.do("create_project", "id", name="p")["id"]


def register(ask, project, serialized=None, **more):
    return ask.do("create_flow", "id", project_id=project, serialized_flow=serialized or flow(), **more)["id"]


def read(ask, flow_id, fields):
    return ask(f"query($id: UUID!) {{ flow_by_pk(id: $id) {{ {fields} }} }}", id=flow_id)["flow_by_pk"]


def schedule(**clock):
    return {"type": "Schedule", "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, **clock}]}


def test_a_flow_brings_its_tasks_and_edges(ask, project):
    flow_id = register(ask, project)
    tasks = read(
        ask, flow_id, "tasks(order_by: {slug: asc}) { slug tags max_retries is_root_task is_terminal_task }"
    )
    assert tasks["tasks"] == [
        {"slug": "a-1", "tags": [], "max_retries": 0, "is_root_task": True, "is_terminal_task": False},
        {"slug": "b-1", "tags": ["db"], "max_retries": 2, "is_root_task": False, "is_terminal_task": True},
    ]
    edges = read(ask, flow_id, "edges { key mapped upstream_task { slug } downstream_task { slug } }")[
        "edges"
    ]
    assert edges == [
        {"key": "x", "mapped": False, "upstream_task": {"slug": "a-1"}, "downstream_task": {"slug": "b-1"}}
    ]


def test_a_compressed_flow_is_the_same_flow(ask, project):
    text = base64.b64encode(gzip.compress(json.dumps(flow()).encode())).decode()
    answer = ask.do("create_flow_from_compressed_string", "id", project_id=project, serialized_flow=text)
    assert read(ask, answer["id"], "name version serialized_flow") == {
        "name": "f",
        "version": 1,
        "serialized_flow": flow(),
    }


def test_the_next_version_archives_the_one_before(ask, project):
    first, second = register(ask, project), register(ask, project)
    assert read(ask, first, "version archived") == {"version": 1, "archived": True}
    assert read(ask, second, "version archived") == {"version": 2, "archived": False}
    groups = {read(ask, f, "version_group_id")["version_group_id"] for f in (first, second)}
    assert len(groups) == 1


def test_the_same_name_in_another_project_is_another_group(ask, project):
    other = ask.do("create_project", "id", name="q")["id"]
    flows = [register(ask, project), register(ask, other)]
    assert [read(ask, f, "version")["version"] for f in flows] == [1, 1]


def test_a_version_group_is_kept_through_a_change_of_name(ask, project):
    first = register(ask, project, version_group_id="mine")
    second = register(ask, project, flow("renamed"), version_group_id="mine")
    assert read(ask, second, "version")["version"] == 2
    assert read(ask, first, "archived")["archived"] is True


def test_the_latest_key_registers_nothing_and_an_older_one_does(ask, project):
    first = register(ask, project, idempotency_key="one")
    assert register(ask, project, idempotency_key="one") == first
    second = register(ask, project, idempotency_key="two")
    third = register(ask, project, idempotency_key="one")
    assert len({first, second, third}) == 3
    assert read(ask, third, "version")["version"] == 3


def test_the_key_of_an_archived_flow_registers_anew(ask, project):
    first = register(ask, project, idempotency_key="one")
    ask.do("archive_flow", flow_id=first)
    assert register(ask, project, idempotency_key="one") != first


def test_a_refused_registration_leaves_the_older_version_in_use(ask, project):
    first = register(ask, project)
    bad = flow(edges=[edge("a-1", "ghost")])
    code, message = ask.refused("create_flow", project_id=project, serialized_flow=bad)
    assert (code, "ghost" in message) == ("BAD_USER_INPUT", True)
    assert read(ask, first, "archived")["archived"] is False
    assert ask("{ flow_aggregate { aggregate { count } } }")["flow_aggregate"]["aggregate"]["count"] == 1


@pytest.mark.parametrize("name", ["version_group_id", "idempotency_key"])
def test_a_key_that_no_index_holds_is_refused(ask, project, name):
    code, message = ask.refused(
        "create_flow", project_id=project, serialized_flow=flow(), **{name: "k" * 256}
    )

    assert (code, message) == ("BAD_USER_INPUT", f"{name} must have at most 255 characters; it has 256.")


def test_an_unknown_project_is_not_found(ask):
    code, _ = ask.refused("create_flow", project_id=str(uuid.uuid4()), serialized_flow=flow())
    assert code == "NOT_FOUND"


def test_tasks_and_edges_come_in_batches_and_may_come_again(ask, project):
    flow_id = register(ask, project, {"name": "big"})
    slugs = [f"t-{i}" for i in range(600)]
    batches = [[task(s) for s in slugs[:500]], [task(s) for s in slugs[500:]], []]
    for _ in range(2):
        for batch in batches:
            ask.do("register_tasks", flow_id=flow_id, serialized_tasks=batch)
        chain = [edge(a, b) for a, b in itertools.pairwise(slugs)]
        for batch in (chain[:500], chain[500:], []):
            ask.do("register_edges", flow_id=flow_id, serialized_edges=batch)
    counts = read(
        ask, flow_id, "tasks_aggregate { aggregate { count } } edges_aggregate { aggregate { count } }"
    )
    assert counts["tasks_aggregate"]["aggregate"]["count"] == 600
    assert counts["edges_aggregate"]["aggregate"]["count"] == 599
    roots = read(ask, flow_id, "tasks(where: {is_root_task: {_eq: true}}) { slug is_reference_task }")[
        "tasks"
    ]
    assert roots == [{"slug": "t-0", "is_reference_task": False}]


def test_a_task_that_comes_again_changes_and_keeps_its_id(ask, project):
    flow_id = register(ask, project)
    before = read(ask, flow_id, 'tasks(where: {slug: {_eq: "b-1"}}) { id tags mapped }')["tasks"]
    ask.do("register_tasks", flow_id=flow_id, serialized_tasks=[task("b-1", tags=["other"])])
    ask.do("register_edges", flow_id=flow_id, serialized_edges=[edge("a-1", "b-1", key="x", mapped=True)])
    after = read(ask, flow_id, 'tasks(where: {slug: {_eq: "b-1"}}) { id tags mapped }')["tasks"]
    assert after == [{"id": before[0]["id"], "tags": ["other"], "mapped": True}]
    assert read(ask, flow_id, "edges { mapped }")["edges"] == [{"mapped": True}]


def test_reference_tasks_are_the_ones_named(ask, project):
    flow_id = register(ask, project, flow(reference_tasks=[{"slug": "a-1"}]))
    tasks = read(ask, flow_id, "tasks(where: {is_reference_task: {_eq: true}}) { slug }")["tasks"]
    assert tasks == [{"slug": "a-1"}]


def test_a_schedule_is_active_unless_told_otherwise(ask, project):
    on = register(ask, project, flow(schedule=schedule()))
    off = register(ask, project, flow("g", schedule=schedule()), set_schedule_active=False)
    assert [read(ask, f, "is_schedule_active")["is_schedule_active"] for f in (on, off)] == [True, False]
    ask.do("set_schedule_inactive", flow_id=on)
    ask.do("set_schedule_active", flow_id=off)
    assert [read(ask, f, "is_schedule_active")["is_schedule_active"] for f in (on, off)] == [False, True]


@pytest.mark.parametrize(
    ("clocks", "said"),
    [
        ([1], "clocks[0]"),
        ([{"type": "CronClock", "cron": "every day"}], "every day"),
        ([{"type": "IntervalClock", "interval": 0}], "more than nothing"),
    ],
)
def test_a_schedule_that_nobody_can_follow_is_refused(ask, project, clocks, said):
    code, message = ask.refused(
        "create_flow",
        project_id=project,
        serialized_flow=flow(schedule={"type": "Schedule", "clocks": clocks}),
    )
    assert code == "BAD_USER_INPUT"
    assert said in message


def test_a_clock_of_another_kind_is_kept_for_those_who_know_it(ask, project):
    kept = {"type": "Schedule", "clocks": [{"type": "RRuleClock", "rrule": "FREQ=DAILY"}]}
    flow_id = register(ask, project, flow(schedule=kept))
    assert read(ask, flow_id, "schedule")["schedule"] == kept


def test_a_schedule_that_leaves_a_required_parameter_open_is_refused(ask, project):
    serialized = flow(schedule=schedule(), parameters=[{"name": "day", "required": True}])
    code, message = ask.refused("create_flow", project_id=project, serialized_flow=serialized)
    assert (code, "day" in message) == ("BAD_USER_INPUT", True)
    given = flow(schedule=schedule(parameter_defaults={"day": 0}), parameters=serialized["parameters"])
    assert read(ask, register(ask, project, given), "is_schedule_active")["is_schedule_active"] is True


def test_archiving_cancels_the_runs_that_wait_and_only_those(ask, project):
    flow_id = register(ask, project)
    waiting = ask.do("create_flow_run", "id", flow_id=flow_id)["id"]
    running = ask.do("create_flow_run", "id", flow_id=flow_id)["id"]
    for state in ("Submitted", "Running"):
        item = {"flow_run_id": running, "state": {"type": state}}
        ask.do("set_flow_run_states", "states { status }", states=[item])
    ask.do("archive_flow", flow_id=flow_id)
    runs = ask("{ flow_run { id state task_runs { state } } }")["flow_run"]
    assert {run["id"]: run["state"] for run in runs} == {waiting: "Cancelled", running: "Running"}
    [cancelled] = [run for run in runs if run["id"] == waiting]
    assert {t["state"] for t in cancelled["task_runs"]} == {"Cancelled"}


@pytest.mark.parametrize("mutation", ["archive_flow", "set_schedule_inactive"])
def test_of_the_runs_that_a_schedule_made_those_that_have_begun_stay(ask, project, mutation):
    """Given a run of a schedule that waits and one that runs, when the schedule ends, then only the first goes."""
    flow_id = register(ask, project)
    _waiting, running = (ask.do("create_flow_run", "id", flow_id=flow_id)["id"] for _ in range(2))
    with ask.service.database.connect(write=True) as connection:
        connection.execute(update(flow_run).values(auto_scheduled=True))
    begun = [{"flow_run_id": running, "state": {"type": "Running"}}]
    ask.do("set_flow_run_states", "states { status }", states=begun)

    ask.do(mutation, flow_id=flow_id)

    assert ask("{ flow_run { id state } }")["flow_run"] == [{"id": running, "state": "Running"}]


@pytest.mark.parametrize("by_schedule", [True, False])
@pytest.mark.parametrize("mutation", ["archive_flow", "create_flow"])
def test_a_run_that_is_to_go_on_keeps_its_history_when_its_flow_is_archived(
    ask, project, mutation, by_schedule
):
    """Given a run that failed and was scheduled again, when its flow is archived or has a new version, then it stays."""
    flow_id = register(ask, project)
    restarted = ask.do("create_flow_run", "id", flow_id=flow_id)["id"]
    with ask.service.database.connect(write=True) as connection:
        connection.execute(update(flow_run).values(auto_scheduled=by_schedule))
    for state in ("Running", "Failed", "Scheduled"):
        item = {"flow_run_id": restarted, "state": {"type": state}}
        ask.do("set_flow_run_states", "states { status }", states=[item])

    if mutation == "archive_flow":
        ask.do("archive_flow", flow_id=flow_id)
    else:
        register(ask, project)

    assert ask("{ flow_run { id state } }")["flow_run"] == [{"id": restarted, "state": "Scheduled"}]


def test_an_archived_schedule_cannot_be_activated(ask, project):
    flow_id = register(ask, project, flow(schedule=schedule()))
    ask.do("archive_flow", flow_id=flow_id)
    code, _ = ask.refused("set_schedule_active", flow_id=flow_id)
    assert code == "BAD_USER_INPUT"


def test_deleting_a_project_takes_everything_with_it(ask, project):
    flow_id = register(ask, project)
    ask.do("create_flow_run", "id", flow_id=flow_id)
    ask.do("delete_project", project_id=project)
    counts = ask(
        "{ "
        + " ".join(
            f"{t}_aggregate {{ aggregate {{ count }} }}" for t in ("flow", "task", "flow_run", "task_run")
        )
        + " }"
    )
    assert {c["aggregate"]["count"] for c in counts.values()} == {0}
