"""Creating flow runs: what they begin with, and that a repeat creates nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.states import State

from .conftest import Refused, Server

if TYPE_CHECKING:
    from .conftest import Clock


def parameter(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "slug": name, "required": False, "default": None, **more}


def test_a_new_run_is_scheduled_for_now_at_version_1(server: Server, clock: Clock) -> None:
    run = server.flow_run(
        server.run(), "version state state_start_time scheduled_start_time parameters context auto_scheduled"
    )

    assert run == {
        "version": 1,
        "state": "Scheduled",
        "state_start_time": clock.at(),
        "scheduled_start_time": clock.at(),
        "parameters": {},
        "context": {},
        "auto_scheduled": False,
    }


def test_its_history_begins_with_that_state(server: Server, clock: Clock) -> None:
    run = server.flow_run(server.run(), "states { version state timestamp start_time }")

    assert run["states"] == [
        {"version": 1, "state": "Scheduled", "timestamp": clock.at(), "start_time": clock.at()}
    ]


def test_it_can_be_scheduled_for_later(server: Server, clock: Clock) -> None:
    run_id = server.run(scheduled_start_time="2026-03-02T13:00:00+01:00")

    run = server.flow_run(run_id, "state_start_time serialized_state")
    assert run["state_start_time"] == "2026-03-02T12:00:00.000000+00:00"
    assert run["serialized_state"]["start_time"] == "2026-03-02T12:00:00.000000+00:00"


def test_the_states_that_the_server_writes_load_and_dump_unchanged(server: Server) -> None:
    run_id = server.run(server.flow("a"))
    server.do("cancel_flow_run", "state", flow_run_id=run_id)

    states = server("{ flow_run_state { serialized_state } task_run_state { serialized_state } }")

    written = [row["serialized_state"] for rows in states.values() for row in rows]
    assert [document["type"] for document in written] == ["Scheduled", "Cancelled", "Pending", "Cancelled"]
    assert [State.deserialize(document).serialize() for document in written] == written


def test_every_task_gets_a_pending_task_run_at_version_0(server: Server) -> None:
    run_id = server.run(server.flow({"slug": "a", "cache_key": "k"}, "b"))

    fields = "task_runs(order_by: {task: {slug: asc}}) { version state map_index cache_key run_count task { slug } }"
    runs = server.flow_run(run_id, fields)["task_runs"]
    expected = {"version": 0, "state": "Pending", "map_index": -1, "run_count": 0}
    assert runs == [
        {**expected, "cache_key": "k", "task": {"slug": "a"}},
        {**expected, "cache_key": None, "task": {"slug": "b"}},
    ]


def test_a_name_is_made_up_unless_given(server: Server) -> None:
    assert server.flow_run(server.run(), "name")["name"].count("-") == 1
    assert server.flow_run(server.run(flow_run_name=" Sunday "), "name")["name"] == "Sunday"


def test_a_version_group_stands_for_its_unarchived_flow(server: Server) -> None:
    server.flow("old")
    [group] = server("{ flow { version_group_id } }")["flow"]
    newest = server.flow("new", schedule=None)

    run_id = server.do("create_flow_run", "id", version_group_id=group["version_group_id"])["id"]

    assert server.flow_run(run_id, "flow_id")["flow_id"] == newest


def test_neither_flow_nor_group_is_bad_input(server: Server) -> None:
    with pytest.raises(Refused, match="flow_id, or a version_group_id") as caught:
        server.do("create_flow_run", "id")
    assert caught.value.code == "BAD_USER_INPUT"


def test_an_archived_flow_cannot_be_run(server: Server) -> None:
    flow_id = server.flow()
    server.do("archive_flow", flow_id=flow_id)

    with pytest.raises(Refused, match="is archived") as caught:
        server.run(flow_id)
    assert caught.value.code == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------ parameters


def test_parameters_given_win_over_the_groups_and_those_over_the_flows(server: Server) -> None:
    flow_id = server.flow(parameters=[parameter(name, default=1) for name in "abc"])
    group_id = server("{ flow_group { id } }")["flow_group"][0]["id"]
    server.do(
        "set_flow_group_default_parameters", flow_group_id=group_id, default_parameters={"b": False, "c": 2}
    )

    run = server.flow_run(server.run(flow_id, parameters={"c": 0}), "parameters")

    assert run["parameters"] == {"a": 1, "b": False, "c": 0}


def test_a_missing_parameter_is_named(server: Server) -> None:
    flow_id = server.flow(parameters=[parameter("day", required=True)])

    with pytest.raises(Refused, match="requires the parameter 'day'") as caught:
        server.run(flow_id)
    assert caught.value.code == "BAD_USER_INPUT"


def test_an_unknown_parameter_is_named(server: Server) -> None:
    flow_id = server.flow(parameters=[parameter("day")])

    with pytest.raises(Refused, match="no parameter 'dya'; it has 'day'") as caught:
        server.run(flow_id, parameters={"dya": 1})
    assert caught.value.code == "BAD_USER_INPUT"
    assert server("{ flow_run { id } }")["flow_run"] == []


@pytest.mark.parametrize("name", ["parameters", "context", "run_config"])
def test_what_must_be_an_object_may_be_nothing_else(server: Server, name: str) -> None:
    with pytest.raises(Refused, match=f"{name} must be an object") as caught:
        server.run(**{name: [1]})
    assert caught.value.code == "BAD_USER_INPUT"


# ---------------------------------------------------------------------------------- labels, run config

RUN_CONFIG = {"type": "UniversalRun", "labels": ["from-flow"]}


def test_a_run_has_its_flows_run_config_and_labels(server: Server) -> None:
    run = server.flow_run(server.run(server.flow(run_config=RUN_CONFIG)), "labels run_config")
    assert run == {"labels": ["from-flow"], "run_config": RUN_CONFIG}


def test_an_environments_labels_count_as_the_flows(server: Server) -> None:
    flow_id = server.flow(environment={"type": "LocalEnvironment", "labels": ["b", "a", "b"]})
    assert server.flow_run(server.run(flow_id), "labels")["labels"] == ["a", "b"]


def test_labels_come_from_the_nearest_that_says_something(server: Server) -> None:
    flow_id = server.flow(run_config=RUN_CONFIG)
    group_id = server("{ flow_group { id } }")["flow_group"][0]["id"]
    server.do("set_flow_group_labels", flow_group_id=group_id, labels=["group"])

    def labels(**more: Any) -> Any:
        return server.flow_run(server.run(flow_id, **more), "labels")["labels"]

    assert labels() == ["group"]
    assert labels(run_config={"type": "UniversalRun", "labels": []}) == ["group"]
    assert labels(run_config={"type": "UniversalRun", "labels": ["config"]}) == ["config"]
    assert labels(run_config={"type": "UniversalRun", "labels": ["config"]}, labels=["given"]) == ["given"]
    assert labels(labels=[]) == []


# ---------------------------------------------------------------------------------------- idempotency


def test_the_same_key_returns_the_first_run(server: Server) -> None:
    flow_id = server.flow("a", parameters=[parameter("x", default=1)])
    first = server.run(flow_id, idempotency_key="k", parameters={"x": 2}, context={"c": 1})

    assert server.run(flow_id, idempotency_key="k", parameters={"x": 2}, context={"c": 1}) == first
    assert server.run(flow_id, idempotency_key="k") == first
    assert len(server("{ task_run { id } }")["task_run"]) == 1


@pytest.mark.parametrize("other", [{"parameters": {"x": 3}}, {"parameters": {}}, {"context": {"c": 2}}])
def test_the_same_key_with_other_contents_is_bad_input(server: Server, other: dict[str, Any]) -> None:
    flow_id = server.flow(parameters=[parameter("x", default=1)])
    server.run(flow_id, idempotency_key="k", parameters={"x": 2}, context={"c": 1})

    with pytest.raises(Refused, match="was created with other") as caught:
        server.run(flow_id, idempotency_key="k", **other)
    assert caught.value.code == "BAD_USER_INPUT"


def test_the_same_key_is_the_same_request_whatever_the_group_defaults_are_by_now(server: Server) -> None:
    flow_id = server.flow(parameters=[parameter("x", default=1), parameter("y", default=0)])
    [group] = server("{ flow_group { id } }")["flow_group"]
    first = server.run(flow_id, idempotency_key="k", parameters={"x": 2})

    for defaults in ({"y": 1}, {"x": 9, "y": 2}, {}):
        server.do("set_flow_group_default_parameters", flow_group_id=group["id"], default_parameters=defaults)
        assert server.run(flow_id, idempotency_key="k", parameters={"x": 2}) == first
        with pytest.raises(Refused, match="was created with other"):
            server.run(flow_id, idempotency_key="k", parameters={})


def test_a_key_that_no_index_holds_is_refused(server: Server) -> None:
    flow_id = server.flow()

    with pytest.raises(Refused, match=r"idempotency_key must have at most 255 characters; it has 256\."):
        server.run(flow_id, idempotency_key="k" * 256)
    assert server.run(flow_id, idempotency_key="鍵" * 255)


def test_a_key_holds_for_one_flow(server: Server) -> None:
    first = server.run(server.flow(name="f"), idempotency_key="k")
    assert server.run(server.flow(name="g"), idempotency_key="k") != first


def test_a_key_of_a_version_group_outlives_a_new_version(server: Server) -> None:
    server.flow("a")
    group = server("{ flow { version_group_id } }")["flow"][0]["version_group_id"]
    wanted = {"version_group_id": group, "idempotency_key": "k"}
    first = server.do("create_flow_run", "id", **wanted)["id"]
    server.set_flow_run(first, "Running")
    server.flow("b")

    assert server.do("create_flow_run", "id", **wanted)["id"] == first


# --------------------------------------------------------------------------- naming, labels, deleting


def test_a_run_can_be_renamed_relabelled_and_deleted(server: Server) -> None:
    run_id = server.run(server.flow("a"))

    server.do("set_flow_run_name", flow_run_id=run_id, name="Monday")
    server.do("set_flow_run_labels", "id", flow_run_id=run_id, labels=["b", "a", "a"])
    assert server.flow_run(run_id, "name labels") == {"name": "Monday", "labels": ["a", "b"]}

    server.do("delete_flow_run", flow_run_id=run_id)
    rows = server("{ flow_run { id } flow_run_state { id } task_run { id } task_run_state { id } }")
    assert not any(rows.values())


@pytest.mark.parametrize(
    ("mutation", "more"),
    [
        ("delete_flow_run", {}),
        ("set_flow_run_name", {"name": "x"}),
        ("set_flow_run_labels", {"labels": []}),
        ("cancel_flow_run", {}),
        ("update_flow_run_heartbeat", {}),
    ],
)
def test_an_unknown_run_is_not_found(server: Server, mutation: str, more: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="No flow run has the ID") as caught:
        server.do(mutation, "__typename", flow_run_id="a" * 8 + "-0000-4000-8000-" + "0" * 12, **more)
    assert caught.value.code == "NOT_FOUND"
