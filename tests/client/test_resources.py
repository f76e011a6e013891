"""Every method on a real server: what it does, what it returns, what it refuses."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from orchestra_client.errors import (
    BadInput,
    ClientClosed,
    ClientError,
    ConfigurationError,
    NotFound,
    StateConflict,
    StateSerializationError,
    UniquenessViolation,
    VersionConflict,
    WaitTimeout,
)
from orchestra_client.results import ApiToken, Project
from orchestra_client.server.registration import serialized
from orchestra_client.states import Cached, Failed, Queued, Running, Scheduled, State, Submitted, Success

if TYPE_CHECKING:
    from orchestra_client.testing import Faults, MemoryServer, VirtualClock

NOBODY = "00000000-0000-4000-8000-000000000000"
HOURLY = {
    "type": "Schedule",
    "clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, "parameter_defaults": {}}],
}


# ------------------------------------------------------------------------------------------- projects, flows


def test_a_project_is_created_once_and_deleted(client: Any) -> None:
    project_id = client.create_project("sales", "Everything that counts orders")

    assert client.create_project("sales") == project_id
    assert client.delete_project("sales") is True
    with pytest.raises(NotFound, match="sales"):
        client.delete_project("sales")


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "\ud800"])
def test_a_project_needs_a_name_that_can_be_sent(name: str, client: Any, faults: Faults) -> None:
    with pytest.raises(BadInput):
        client.create_project(name)

    assert faults.requests == []


def versions(client: Any) -> list[tuple[str, int, bool]]:
    flows = client.graphql("{ flow(order_by: {version: asc}) { id version archived } }").data.flow
    return [(flow.id, flow.version, flow.archived) for flow in flows]


def test_registering_a_changed_flow_makes_the_next_version(
    client: Any, flow_id: str, serialized_flow: Any
) -> None:
    changed = {**serialized_flow, "tasks": [*serialized_flow["tasks"], _task("new")]}

    second = client.register(changed, "sales", no_url=True)

    assert versions(client) == [(flow_id, 1, True), (second, 2, False)]


def test_registering_an_unchanged_flow_makes_no_version(
    client: Any, flow_id: str, serialized_flow: Any
) -> None:
    """The order in which another process lists the tasks, and the release that wrote it, are no change."""
    again = json.loads(json.dumps(serialized_flow).replace("1.4.1", "1.4.0"))
    again["tasks"].reverse()

    assert client.register(again, "sales", no_url=True) == flow_id
    assert versions(client) == [(flow_id, 1, False)]


def test_going_back_to_an_earlier_flow_makes_a_version(
    client: Any, flow_id: str, serialized_flow: Any
) -> None:
    client.register({**serialized_flow, "edges": []}, "sales", no_url=True)

    third = client.register(serialized_flow, "sales", no_url=True)

    assert versions(client)[-1] == (third, 3, False)


def test_another_place_of_a_foreign_build_is_a_change(
    client: Any, flow_id: str, serialized_flow: Any
) -> None:
    """Given a storage that puts each build elsewhere, the code there may be another one."""
    built = [
        {**serialized_flow, "storage": {"type": "S3", "flows": {"daily-sales": place}}}
        for place in ("build-1", "build-2")
    ]

    assert len({client.register(each, "sales", no_url=True) for each in built}) == 2


def test_an_unchanged_flow_leaves_its_schedule_as_it_is(client: Any, serialized_flow: Any) -> None:
    client.create_project("sales")
    flow = {**serialized_flow, "parameters": [], "schedule": HOURLY}
    flow_id = client.register(flow, "sales", no_url=True)
    client.set_schedule_inactive(flow_id)

    assert client.register(flow, "sales", no_url=True) == flow_id
    assert client.graphql("{ flow { is_schedule_active } }").data.flow[0].is_schedule_active is False


def test_a_version_can_be_forced(client: Any, flow_id: str, serialized_flow: Any) -> None:
    second = client.register(serialized_flow, "sales", no_url=True, force=True)

    assert versions(client) == [(flow_id, 1, True), (second, 2, False)]
    with pytest.raises(BadInput, match="not both"):
        client.register(serialized_flow, "sales", idempotency_key="k", force=True)


def test_the_same_key_registers_nothing(client: Any, serialized_flow: Any) -> None:
    client.create_project("sales")
    first = client.register(serialized_flow, "sales", no_url=True, idempotency_key="v1")

    assert client.register(serialized_flow, "sales", no_url=True, idempotency_key="v1") == first


def test_registering_where_there_are_no_pages_prints_the_id(
    client: Any, serialized_flow: Any, capsys: Any
) -> None:
    client.create_project("sales")
    flow_id = client.register(serialized_flow, "sales")

    assert capsys.readouterr().out == f"Flow ID: {flow_id}\n"


def test_registering_prints_nothing_when_told_so(client: Any, serialized_flow: Any, capsys: Any) -> None:
    client.create_project("sales")
    client.register(serialized_flow, "sales", no_url=True)

    assert capsys.readouterr().out == ""


def test_an_object_that_serializes_itself_is_told_whether_to_build(client: Any, serialized_flow: Any) -> None:
    class Flow:
        def serialize(self, build: bool = False) -> dict[str, Any]:
            self.was_built = build
            return serialized_flow

    client.create_project("sales")
    flow = Flow()
    client.register(flow, "sales", build=False, no_url=True)

    assert flow.was_built is False


def large_flow(size: int) -> dict[str, Any]:
    return {
        "name": "large",
        "type": "prefect.core.flow.Flow",
        "tasks": [_task(f"t{number}") for number in range(size)],
        "edges": [_edge("t0", f"t{number}") for number in range(1, size)],
        "schedule": HOURLY,
    }


def sizes(client: Any) -> tuple[bool, int, int]:
    found = client.graphql(
        "{ flow { is_schedule_active tasks_aggregate { aggregate { count } } "
        "edges_aggregate { aggregate { count } } } }"
    ).data.flow[0]
    return (
        found.is_schedule_active,
        found.tasks_aggregate.aggregate["count"],
        found.edges_aggregate.aggregate["count"],
    )


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [True, False])
def test_a_large_flow_is_registered_at_once(compressed: bool, client: Any, faults: Faults) -> None:
    client.create_project("sales")

    client.register(large_flow(2000), "sales", no_url=True, compressed=compressed)

    assert sizes(client) == (True, 2000, 1999)
    assert len(faults.sent("mutation")) == 2  # the project's, and this one


@pytest.mark.slow
def test_a_flow_that_is_too_large_for_one_request_is_sent_in_pieces(
    client: Any, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.create_project("sales")
    monkeypatch.setattr(serialized, "MAX_FLOW_BYTES", 10_000)

    client.register(large_flow(1200), "sales", no_url=True)

    assert sizes(client) == (True, 1200, 1199)
    refused, creation = faults.sent("CreateFlowFromCompressedString")
    assert refused.variables["input"]["set_schedule_active"] is True
    assert creation.variables["input"]["set_schedule_active"] is False
    assert "SetScheduleActive" in faults.sent("mutation")[-1].text


def _task(slug: str) -> dict[str, Any]:
    return {"name": slug, "slug": slug, "type": "prefect.core.task.Task", "mapped": False, "tags": []}


def _edge(upstream: str, downstream: str) -> dict[str, Any]:
    return {
        "upstream_task": {"slug": upstream},
        "downstream_task": {"slug": downstream},
        "key": None,
        "mapped": False,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "no name"),
        ({"tasks": [_task("a"), _task("a")], "edges": []}, "the slug 'a'"),
        ({"tasks": [_task("a")], "edges": [_edge("a", "b")]}, r"edges\[0\].downstream_task is the task 'b'"),
        ({"tasks": [{}], "edges": []}, r"tasks\[0\]"),
        ({"tasks": "abc"}, "list of objects"),
        ({"storage": {"flows": {"a": float("nan")}}}, "not JSON"),
        ({"run_config": {"labels": {"a set"}}}, "not JSON"),
        (
            {
                "parameters": [{"name": "day", "required": True}],
                "schedule": {"clocks": [{"parameter_defaults": {}}]},
            },
            "without day",
        ),
    ],
)
def test_a_flow_that_makes_no_sense_is_refused_before_it_is_sent(
    change: dict[str, Any], message: str, client: Any, serialized_flow: Any, faults: Faults
) -> None:
    client.create_project("sales")

    with pytest.raises(BadInput, match=message):
        client.register({**serialized_flow, **change}, "sales", no_url=True)

    assert faults.sent("CreateFlow") == []


def test_a_flow_needs_a_project_that_exists(client: Any, serialized_flow: Any) -> None:
    with pytest.raises(BadInput, match=r"create_project\('nowhere'\)"):
        client.register(serialized_flow, "nowhere")
    with pytest.raises(BadInput, match="project_name"):
        client.register(serialized_flow)
    client.create_project("sales")
    with pytest.raises(TypeError, match="serialize"):
        client.register(object(), "sales")
    with pytest.raises(BadInput, match="idempotency_key"):
        client.register(serialized_flow, "sales", idempotency_key="")


def test_schedules_and_archiving(client: Any, flow_id: str) -> None:
    assert client.set_schedule_inactive(flow_id) is True
    assert client.archive_flow(flow_id) is True
    with pytest.raises(NotFound):
        client.set_schedule_active(NOBODY)


# ------------------------------------------------------------------------------------------------- flow runs


def test_a_flow_run_reads_back_as_it_was_created(client: Any, flow_id: str) -> None:
    start = datetime(2026, 5, 1, 12)
    run_id = client.create_flow_run(
        flow_id=UUID(flow_id),
        parameters={"day": "2026-05-01"},
        context={"why": "test"},
        scheduled_start_time=start,
        run_name="may",
        labels=["b", "a"],
    )

    run = client.get_flow_run_info(run_id)

    assert (run.id, run.name, run.flow_id, run.version) == (run_id, "may", flow_id, 1)
    assert run.parameters["day"] == "2026-05-01"
    assert run.context == {"why": "test"}
    assert run.scheduled_start_time.replace(tzinfo=None) == start
    assert isinstance(run.state, Scheduled)
    assert run.flow_name == "daily-sales"
    assert isinstance(run.project, Project)
    assert run.project.name == run["project"]["name"] == "sales"
    assert {each.state.type_name for each in run.task_runs} == {"Pending"}
    assert all(each.task_slug for each in run.task_runs)


def test_the_same_key_is_the_same_run(client: Any, flow_id: str) -> None:
    first = client.create_flow_run(flow_id, parameters={"day": "1"}, idempotency_key="k")

    assert client.create_flow_run(flow_id, parameters={"day": "1"}, idempotency_key="k") == first
    with pytest.raises(BadInput):
        client.create_flow_run(flow_id, parameters={"day": "2"}, idempotency_key="k")


def test_a_version_group_runs_its_current_version(client: Any, flow_id: str, serialized_flow: Any) -> None:
    newer = client.register(serialized_flow, "sales", no_url=True, force=True)
    group = client.graphql("{ flow_group { name } }").data.flow_group[0].name

    run_id = client.create_flow_run(version_group_id=group, parameters={"day": "1"})

    assert client.get_flow_run_info(run_id).flow_id == newer


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, BadInput),
        ({"flow_id": "no-uuid"}, BadInput),
        ({"flow_id": 3}, TypeError),
        ({"flow_id": NOBODY, "parameters": {"x": {1, 2}}}, BadInput),
        ({"flow_id": NOBODY, "parameters": {"x": float("nan")}}, BadInput),
        ({"flow_id": NOBODY, "parameters": [1]}, TypeError),
        ({"flow_id": NOBODY, "scheduled_start_time": "tomorrow"}, TypeError),
        ({"flow_id": NOBODY, "labels": "abc"}, TypeError),
        ({"flow_id": NOBODY, "idempotency_key": ""}, BadInput),
    ],
)
def test_arguments_of_a_flow_run_are_checked_before_it_is_sent(
    arguments: dict[str, Any], error: type[Exception], client: Any, faults: Faults
) -> None:
    with pytest.raises(error):
        client.create_flow_run(**arguments)

    assert faults.requests == []


def test_many_flow_runs_share_a_request_and_fail_one_by_one(
    client: Any, flow_id: str, faults: Faults
) -> None:
    good, bad = {"flow_id": flow_id, "parameters": {"day": "1"}}, {"flow_id": flow_id, "parameters": {}}

    created = client.create_flow_runs([good, bad, good, {"flow_id": NOBODY}])

    assert [bool(each) for each in created] == [True, False, True, False]
    assert isinstance(created[1].error, BadInput)
    assert isinstance(created[3].error, NotFound)
    assert len(faults.sent("CreateFlowRuns")) == 1


def test_a_batch_larger_than_a_request_is_sent_in_several(client: Any, flow_id: str, faults: Faults) -> None:
    created = client.create_flow_runs([{"flow_id": flow_id, "parameters": {"day": "1"}}] * 300)

    assert len({each.id for each in created}) == 300
    assert len(faults.sent("CreateFlowRuns")) == 2


def test_one_bad_argument_in_a_batch_creates_nothing(client: Any, flow_id: str) -> None:
    with pytest.raises(TypeError, match="'flow'"):
        client.create_flow_runs([{"flow_id": flow_id, "parameters": {"day": "1"}}, {"flow": flow_id}])

    assert client.graphql("{ flow_run { id } }").data.flow_run == []


def test_names_of_runs_change(client: Any, flow_run_id: str) -> None:
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]

    assert client.set_flow_run_name(flow_run_id, "monday") is True
    assert client.set_task_run_name(task_run.id, "first") is True
    assert client.get_flow_run_info(flow_run_id).name == "monday"


def test_a_run_that_does_not_exist_is_not_found(client: Any) -> None:
    for read in (client.get_flow_run_info, client.get_flow_run_state, client.get_task_run_state):
        with pytest.raises(NotFound):
            read(NOBODY)


def test_cancelling_a_run_that_has_not_begun_ends_it(client: Any, flow_run_id: str) -> None:
    assert client.cancel_flow_run(flow_run_id) is True
    assert client.get_flow_run_state(flow_run_id).is_cancelled()


def test_the_queue_holds_what_is_due_for_the_labels(client: Any, flow_id: str) -> None:
    run_id = client.create_flow_run(flow_id, parameters={"day": "1"}, labels=["x"])

    assert client.get_runs_in_queue(labels=["x", "y"]) == [run_id]
    assert client.get_runs_in_queue() == []


def test_waiting_ends_with_the_run(
    client: Any, flow_run_id: str, server: MemoryServer, clock: VirtualClock
) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())
    seen = []

    def finish_at_third(state: Any) -> None:
        seen.append(state.type_name)
        if len(seen) == 3:
            with server.client() as other:
                other.set_flow_run_state(flow_run_id, 2, Success())

    run = client.wait_for_flow_run(flow_run_id, timeout=100, on_poll=finish_at_third)

    assert run.state.is_successful()
    assert seen == ["Running", "Running", "Running", "Success"]
    assert clock.pauses == sorted(clock.pauses)


def test_waiting_too_long_says_where_the_run_stands(
    client: Any, flow_run_id: str, clock: VirtualClock
) -> None:
    with pytest.raises(WaitTimeout, match="still Scheduled") as caught:
        client.wait_for_flow_run(flow_run_id, timeout=45)

    assert (caught.value.flow_run_id, caught.value.state_type) == (flow_run_id, "Scheduled")
    assert clock.monotonic() == pytest.approx(45)


# ---------------------------------------------------------------------------------------------------- states


def test_a_state_is_returned_and_read_back(client: Any, flow_run_id: str) -> None:
    state = client.set_flow_run_state(flow_run_id, 1, Submitted("taken"))

    assert state.is_submitted()
    assert client.get_flow_run_state(flow_run_id).message == "taken"


def test_a_stale_version_tells_both_versions(client: Any, flow_run_id: str) -> None:
    client.set_flow_run_state(flow_run_id, 1, Submitted())

    with pytest.raises(VersionConflict) as caught:
        client.set_flow_run_state(flow_run_id, 1, Running())

    error = caught.value
    assert (error.expected, error.current) == (1, 2)
    assert (error.operation, error.attempts, error.code) == ("SetFlowRunStates", 1, "VERSION_LOCKING_ERROR")
    assert error.request_id


def test_a_finished_run_is_not_reopened(client: Any, flow_run_id: str) -> None:
    client.set_flow_run_state(flow_run_id, 1, Failed("no"))

    with pytest.raises(StateConflict):
        client.set_flow_run_state(flow_run_id, 2, Running())


def test_arguments_in_the_wrong_order_are_named(client: Any, flow_run_id: str) -> None:
    with pytest.raises(TypeError, match="flow_run_id, version, state"):
        client.set_flow_run_state(flow_run_id, Running(), 1)


def test_a_state_that_is_not_json_is_refused_before_it_is_sent(client: Any, flow_run_id: str) -> None:
    with pytest.raises(StateSerializationError, match="context"):
        client.set_flow_run_state(flow_run_id, 1, Running(context={"x": object()}))

    assert client.get_flow_run_info(flow_run_id).version == 1


def test_states_of_a_batch_are_answered_one_by_one(client: Any, flow_id: str) -> None:
    runs = [
        each.id for each in client.create_flow_runs([{"flow_id": flow_id, "parameters": {"day": "1"}}] * 3)
    ]

    results = client.set_flow_run_states(
        [(runs[0], 1, Running()), (runs[1], 9, Running()), (runs[2], None, Running())]
    )

    assert [result.status for result in results] == ["SUCCESS", "ERROR", "SUCCESS"]
    assert [bool(result) for result in results] == [True, False, True]
    assert isinstance(results[1].error, VersionConflict)
    assert (results[1].error.expected, results[1].error.current) == (9, 1)
    assert [client.get_flow_run_state(run).type_name for run in runs] == ["Running", "Scheduled", "Running"]


def test_a_batch_of_one_that_is_refused_is_a_result_too(client: Any, flow_run_id: str) -> None:
    [result] = client.set_flow_run_states([(flow_run_id, 5, Running())])

    assert isinstance(result.error, VersionConflict)


def test_a_tag_limit_keeps_a_task_run_waiting_for_half_a_minute(
    client: Any, flow_id: str, clock: VirtualClock
) -> None:
    client.update_task_tag_limit("warehouse", 1)
    run_id = client.create_flow_run(flow_id, parameters={"day": "1"})
    client.set_flow_run_state(run_id, 1, Running())
    tagged = [
        each for each in client.get_flow_run_info(run_id).task_runs if "warehouse" in (each.task_slug or "")
    ]

    first = client.set_task_run_state(tagged[0].id, 0, Running())
    second = client.set_task_run_state(tagged[1].id, 0, Running())

    assert first.is_running()
    assert isinstance(second, Queued)
    assert second.start_time == clock.now() + timedelta(seconds=30)
    assert isinstance(second.state, Running)
    [limit] = client.task_tag_limits()
    assert [slot.task_run_id for slot in limit.holders] == [tagged[0].id]


def test_a_cached_result_is_found_again(client: Any, flow_run_id: str, clock: VirtualClock) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]
    client.set_task_run_state(task_run.id, 0, Running())
    began = clock.now() - timedelta(hours=1)

    state = client.set_task_run_state(task_run.id, 1, Success("done"), cache_for=timedelta(hours=2))

    assert isinstance(state, Cached)
    assert state.cached_result_expiration == clock.now() + timedelta(hours=2)
    assert client.get_latest_cached_states(task_run.task_id, None, began) == [state]
    assert client.get_latest_cached_states(task_run.task_id, None, clock.now() + timedelta(seconds=1)) == []


def test_a_failure_is_never_cached(client: Any, flow_run_id: str) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]

    assert client.set_task_run_state(task_run.id, 0, Failed(), cache_for=timedelta(hours=2)) == Failed()


@pytest.mark.parametrize("record", [{"message": "x"}, {}, {"flow_run_id": None, "task_run_id": None}])
def test_a_log_record_of_no_run_is_refused_before_anything_is_sent(
    client: Any, flow_run_id: str, faults: Faults, record: dict[str, Any]
) -> None:
    before = len(faults.requests)
    with pytest.raises(BadInput, match=r"logs\[1\] names no run.* give it a flow_run_id or a task_run_id"):
        client.write_run_logs([{"flow_run_id": flow_run_id, "message": "good"}, record])
    assert len(faults.requests) == before


def test_a_log_record_of_a_task_run_alone_is_read_with_its_flow_run(client: Any, flow_run_id: str) -> None:
    task_run_id = client.get_flow_run_info(flow_run_id).task_runs[0].id

    client.write_run_logs([{"task_run_id": task_run_id, "message": "x"}])

    [record] = client.get_flow_run_logs(flow_run_id)
    assert (record.flow_run_id, record.task_run_id) == (flow_run_id, task_run_id)


@pytest.mark.parametrize(
    ("cache_for", "error", "said"),
    [
        (3, TypeError, "cache_for must be a timedelta, as .*, not int"),
        (timedelta(seconds=-1), BadInput, "cache_for must not be negative"),
        (timedelta.max, BadInput, "cache_for is beyond the dates"),
    ],
)
@pytest.mark.parametrize("state", [Success(), Failed()])
def test_a_time_to_cache_for_that_makes_no_sense_is_refused_before_anything_is_sent(
    client: Any, faults: Faults, state: State, cache_for: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        client.set_task_run_state(NOBODY, 1, state, cache_for=cache_for)
    assert faults.requests == []


def test_mapped_children_are_found_in_order(client: Any, flow_run_id: str) -> None:
    parent = client.get_flow_run_info(flow_run_id).task_runs[0]
    for index in (2, 0, 1):
        client.get_task_run_info(flow_run_id, parent.task_id, map_index=index)

    children = client.get_mapped_children(parent.id)

    assert [child.map_index for child in children] == [0, 1, 2]
    assert client.get_task_run_info(flow_run_id, parent.task_id).id == parent.id


def test_many_runs_of_a_mapped_task_are_found_or_made_together(client: Any, flow_run_id: str) -> None:
    task_id = client.get_flow_run_info(flow_run_id).task_runs[0].task_id
    known = client.get_task_run_info(flow_run_id, task_id, map_index=1)

    made = client.get_task_run_infos(flow_run_id, task_id, range(300))

    assert len({info.id for info in made}) == 300
    assert made[1].id == known.id
    assert {(info.version, info.state.type_name) for info in made} == {(0, "Pending")}
    assert client.get_task_run_infos(flow_run_id, task_id, [299, 0]) == [made[299], made[0]]


def test_a_bad_index_makes_no_run_of_a_mapped_task(client: Any, flow_run_id: str) -> None:
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]

    with pytest.raises(BadInput, match="map_index"):
        client.get_task_run_infos(flow_run_id, task_run.task_id, [*range(300), -2])

    assert client.get_mapped_children(task_run.id) == []


# ------------------------------------------------------------------------------------------ heartbeats, logs


def test_a_heartbeat_tells_the_state(client: Any, flow_run_id: str) -> None:
    client.set_flow_run_state(flow_run_id, 1, Running())

    beat = client.update_flow_run_heartbeat(flow_run_id)

    assert beat
    assert (beat.state, beat.version) == ("Running", 2)


@pytest.mark.parametrize("run_id", [NOBODY, "no-uuid", 7, None])
def test_a_heartbeat_never_raises(run_id: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="orchestra_client"):
        beats = [client.update_flow_run_heartbeat(run_id), client.update_task_run_heartbeat(run_id)]

    assert not any(beats)
    assert all(beat.message for beat in beats)
    assert len(caplog.records) == 2


def test_a_heartbeat_survives_a_dead_server(client: Any, faults: Faults) -> None:
    faults.refuse_connections(1000)

    beat = client.update_flow_run_heartbeat(NOBODY)

    assert not beat
    assert "refused" in beat.message


def test_heartbeats_of_many_runs_share_a_request(client: Any, flow_run_id: str, faults: Faults) -> None:
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]

    beats = client.update_heartbeats([flow_run_id, NOBODY, flow_run_id], [task_run.id])

    assert [(beat.id, bool(beat)) for beat in beats] == [
        (flow_run_id, True),
        (NOBODY, False),
        (task_run.id, True),
    ]
    assert len(faults.sent("UpdateHeartbeats")) == 1
    assert client.update_heartbeats() == []


def test_logs_come_back_complete_and_in_order(client: Any, flow_run_id: str) -> None:
    start = datetime(2026, 1, 1)
    written = [
        {
            "flow_run_id": flow_run_id,
            "timestamp": start + timedelta(seconds=number // 3),
            "message": str(number),
        }
        for number in range(2500)
    ]
    client.write_run_logs(written[1250:])
    client.write_run_logs(written[:1250])

    records = client.get_flow_run_logs(flow_run_id)

    assert {record.message for record in records} == {str(number) for number in range(2500)}
    assert len(records) == 2500
    assert [record.timestamp for record in records] == sorted(record.timestamp for record in records)


@pytest.fixture
def ten_of_one_moment(client: Any, flow_run_id: str, clock: VirtualClock) -> list[str]:
    """Records that only their ids tell apart, then one of a second later."""
    moments = [clock.now()] * 10 + [clock.now() + timedelta(seconds=1)]
    client.write_run_logs(
        [
            {"flow_run_id": flow_run_id, "message": str(number), "timestamp": moment}
            for number, moment in enumerate(moments)
        ]
    )
    return [record.message for record in client.get_flow_run_logs(flow_run_id)]


def test_a_log_is_followed_record_by_record(
    client: Any, flow_run_id: str, ten_of_one_moment: list[str]
) -> None:
    """Given several records of the same moment, when each call goes on behind the last, then all come, each once."""
    read: list[Any] = []
    while page := client.get_flow_run_logs(flow_run_id, after=read[-1] if read else None, limit=3):
        read += page

    assert [record.message for record in read] == ten_of_one_moment
    assert client.get_flow_run_logs(flow_run_id, after=read[-1]) == []


def test_a_log_goes_on_with_what_is_written_later(client: Any, flow_run_id: str, clock: VirtualClock) -> None:
    client.write_run_logs([{"flow_run_id": flow_run_id, "message": "first"}])
    [first] = client.get_flow_run_logs(flow_run_id)
    clock.advance(1)
    client.write_run_logs([{"flow_run_id": flow_run_id, "message": "second", "level": "ERROR"}])

    [second] = client.get_flow_run_logs(flow_run_id, "ERROR", after=first)

    assert second.message == "second"


@pytest.mark.parametrize("limit", [1, 10, 11, 12, None])
def test_no_more_records_come_than_asked_for(
    client: Any,
    flow_run_id: str,
    ten_of_one_moment: list[str],
    limit: int | None,
) -> None:
    records = client.get_flow_run_logs(flow_run_id, limit=limit)

    assert [record.message for record in records] == ten_of_one_moment[:limit]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"limit": 0}, BadInput), ({"limit": 2.0}, TypeError), ({"after": "2026"}, TypeError)],
)
def test_a_log_cannot_be_read_from_anywhere(
    client: Any, faults: Faults, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(arguments))):
        client.get_flow_run_logs(NOBODY, **arguments)
    assert faults.requests == []


def test_logs_below_a_level_can_be_left_out(client: Any, flow_run_id: str) -> None:
    levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    client.write_run_logs(
        [{"flow_run_id": flow_run_id, "level": level, "message": level} for level in levels]
    )

    found = client.get_flow_run_logs(flow_run_id, min_level="WARNING")

    assert {record.level for record in found} == {"WARNING", "ERROR", "CRITICAL"}


def test_a_log_message_that_is_no_text_is_written_all_the_same(client: Any, flow_run_id: str) -> None:
    client.write_run_logs([{"flow_run_id": flow_run_id, "message": "half \ud800, none \0"}])

    [record] = client.get_flow_run_logs(flow_run_id)

    assert record.message == "half \\ud800, none \ufffd"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"level": "NOTICE"}, r"logs\[1\].level"),
        ({"flow_run_id": "x"}, r"logs\[1\].flow_run_id"),
        ({"info": object()}, r"logs\[1\]\.info"),
        ({"msg": "x"}, "msg"),
    ],
)
def test_a_bad_record_is_named_and_nothing_is_written(
    entry: Any, message: str, client: Any, flow_run_id: str
) -> None:
    with pytest.raises(ValueError, match=message):
        client.write_run_logs([{"flow_run_id": flow_run_id, "message": "good"}, entry])

    assert client.get_flow_run_logs(flow_run_id) == []


# ------------------------------------------------------------------------------------------------- the others


def test_secrets(client: Any) -> None:
    client.set_secret("b", {"user": "x", "key": [1, None]})
    client.set_secret("a", 1)

    assert client.get_secret("b") == {"user": "x", "key": [1, None]}
    assert client.secret_names() == ["a", "b"]
    assert client.delete_secret("a") is True
    with pytest.raises(NotFound):
        client.get_secret("a")
    with pytest.raises(BadInput):
        client.set_secret("", 1)


def test_key_values(client: Any) -> None:
    first = client.set_key_value("k", [1])

    assert client.set_key_value("k", {"a": None}) == first
    assert client.get_key_value("k") == {"a": None}
    assert client.key_names() == ["k"]
    assert client.delete_key_value("k") is True
    for use in (client.get_key_value, client.delete_key_value):
        with pytest.raises(NotFound, match="'k'"):
            use("k")


def test_tag_limits(client: Any) -> None:
    limit_id = client.update_task_tag_limit("db", 2)

    assert client.update_task_tag_limit("db", 0) == limit_id
    assert client.get_task_tag_limit("db") == 0
    assert client.get_task_tag_limit("other") is None
    client.delete_task_tag_limit(limit_id)
    assert client.task_tag_limits() == []
    with pytest.raises(ValueError, match="at least 0"):
        client.update_task_tag_limit("db", -1)
    with pytest.raises(ValueError, match="UUID"):
        client.delete_task_tag_limit("db")
    with pytest.raises(NotFound):
        client.delete_task_tag_limit(limit_id)


def test_artifacts(client: Any, flow_run_id: str) -> None:
    task_run = client.get_flow_run_info(flow_run_id).task_runs[0]
    artifact = client.create_task_run_artifact(task_run.id, "link", {"link": "https://example.com"})
    client.update_task_run_artifact(artifact, {"link": "https://example.org"})

    found = client.graphql("{ task_run_artifact { id kind data } }").data.task_run_artifact
    assert found == [{"id": artifact, "kind": "link", "data": {"link": "https://example.org"}}]
    client.delete_task_run_artifact(artifact)
    with pytest.raises(NotFound):
        client.delete_task_run_artifact(artifact)


def test_agents_and_their_configurations(client: Any) -> None:
    config_id = client.graphql(
        "mutation($input: create_agent_config_input!) { create_agent_config(input: $input) { id } }",
        variables={"input": {"name": "small", "settings": {"poll": 5}}},
    ).data.create_agent_config.id

    agent_id = client.register_agent("LocalAgent", "desk", ["b", "a"], agent_config_id=config_id)

    [agent] = client.graphql("{ agent { id name labels agent_config_id } }").data.agent
    assert agent == {"id": agent_id, "name": "desk", "labels": ["a", "b"], "agent_config_id": config_id}
    assert client.get_agent_config(config_id).settings == {"poll": 5}
    with pytest.raises(NotFound):
        client.get_agent_config(NOBODY)


def test_tenants(client: Any) -> None:
    tenant_id = client.create_tenant("Zürich & Söhne")

    assert [tenant.slug for tenant in client.get_available_tenants()] == ["default", "zurich-sohne"]
    assert client.get_default_tenant_slug() == "default"
    assert client.login_to_tenant(tenant_slug="zurich-sohne") is True
    assert client.tenant_id == tenant_id
    assert client.get_default_tenant_slug() == "zurich-sohne"
    with pytest.raises(UniquenessViolation):
        client.create_tenant("again", "default")


def test_what_belongs_to_a_tenant_stays_there(client: Any) -> None:
    client.create_tenant("other")
    client.create_project("ours")
    client.login_to_tenant("other")

    assert client.graphql("{ project { name } }").data.project == []
    client.logout_from_tenant()
    assert client.graphql("{ project { name } }").data.project == [{"name": "ours"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tenant_id": "x"}, "UUID"),
        ({"tenant_slug": "nowhere"}, "it sees: default"),
    ],
)
def test_a_login_that_cannot_be_is_a_value_error(arguments: Any, message: str, client: Any) -> None:
    with pytest.raises(ValueError, match=message):
        client.login_to_tenant(**arguments)

    assert client.tenant_id is None


def test_an_embedded_server_has_no_urls_of_pages(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="an embedded server has no pages"):
        client.get_cloud_url("flow-run", "42")


def test_api_tokens_show_their_secret_only_on_request(client: Any, clock: VirtualClock) -> None:
    token = client.create_api_token("ci", "RUNNER", timedelta(hours=1))

    assert isinstance(token, ApiToken)
    assert token.token.startswith("orc_")
    assert token.token not in f"{token!r} {token}"
    assert token.expires_at == clock.now() + timedelta(hours=1)
    [listed] = [each for each in client.api_tokens() if each.id == token.id]
    assert (listed.name, listed.scope, listed.token) == ("ci", "RUNNER", None)
    assert client.delete_api_token(token.id) is True
    with pytest.raises(BadInput, match="USER, TENANT, RUNNER"):
        client.create_api_token("x", "ADMIN")


def test_a_token_cannot_outlive_the_calendar(client: Any) -> None:
    with pytest.raises(BadInput, match="beyond the dates there are"):
        client.create_api_token("x", expires_in=timedelta.max)


# --------------------------------------------------------------------------------------- requests of one's own


@pytest.mark.parametrize(
    "query",
    [
        "{ hello }",
        {"query": "hello"},
        {"query": {"hello"}},
        {"query": {"hello": True}},
    ],
)
def test_a_query_may_come_in_many_forms(query: Any, client: Any) -> None:
    assert client.graphql(query).data.hello


def test_a_query_of_gql_works_too(client: Any) -> None:
    from gql import gql

    query = gql("query Ask($name: String!) { project(where: {name: {_eq: $name}}) { id } }")
    project_id = client.create_project("p")

    assert client.graphql(query, variables={"name": "p"}).data.project[0].id == project_id


def test_errors_are_raised_or_returned(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        client.graphql("{ nonsense }")
    answer = client.graphql("{ nonsense }", raise_on_error=False)

    assert caught.value.errors
    assert answer.errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_variables_that_are_not_given_by_name_are_told_how(client: Any, faults: Faults) -> None:
    with pytest.raises(TypeError, match=r"graphql\(query, variables=…\)"):
        client.graphql("query($n: String!) { project(where: {name: {_eq: $n}}) { id } }", {"n": "p"})
    assert faults.requests == []


def test_headers_travel_with_every_request(client: Any, faults: Faults) -> None:
    client.attach_headers({"X-Team": "sales"})
    client.graphql("{ hello }", headers={"X-Once": "1"})
    client.graphql("{ hello }")

    first, second = (request.headers for request in faults.requests)
    assert (first["x-team"], second["x-team"]) == ("sales", "sales")
    assert "X-Once" in first
    assert "X-Once" not in second


def test_an_embedded_server_has_no_paths(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="HTTP"):
        client.get("health")


# -------------------------------------------------------------------------------------------------- lifecycle


def test_a_closed_client_says_so(client: Any) -> None:
    client.close()
    client.close()

    with pytest.raises(ClientClosed):
        client.create_project("p")


def test_capabilities_are_asked_once(client: Any, flow_run_id: str, faults: Faults) -> None:
    for version in range(1, 4):
        client.set_flow_run_state(flow_run_id, version, Scheduled())

    assert len(faults.sent("GetCapabilities")) == 1
