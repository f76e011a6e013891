"""Projects, agents, tag limits, key values, artifacts and flow groups."""

from __future__ import annotations

import uuid

import pytest

from tests.server.resolvers.conftest import flow


@pytest.fixture
def flow_id(ask):
    return ask.do("create_flow", "id", serialized_flow=flow())["id"]


def test_a_second_project_of_a_name_is_refused_in_the_words_older_clients_match(ask):
    ask.do("create_project", "id", name="p", description="d")
    assert ask.refused("create_project", name=" p ") == ("UNIQUENESS_VIOLATION", "Uniqueness violation.")
    assert ask("{ project { name description } }")["project"] == [{"name": "p", "description": "d"}]


@pytest.mark.parametrize("name", ["", "  ", "x" * 256])
def test_a_name_has_a_reasonable_length(ask, name):
    code, _ = ask.refused("create_project", name=name)
    assert code == "BAD_USER_INPUT"


def test_an_older_client_repeats_its_tenant_and_no_other(ask):
    own = ask("{ tenant { id } }")["tenant"][0]["id"]
    assert ask.do("create_project", "id", name="p", tenant_id=own)["id"]
    code, _ = ask.refused("create_project", name="q", tenant_id=str(uuid.uuid4()))
    assert code == "NOT_FOUND"


def test_a_tag_limit_is_set_changed_and_deleted(ask):
    first = ask.do("update_task_tag_limit", "id", tag="db", limit=3)
    assert ask.do("update_task_tag_limit", "id", tag="db", limit=0) == first
    assert ask("{ task_tag_limit { tag limit } }")["task_tag_limit"] == [{"tag": "db", "limit": 0}]
    ask.do("delete_task_tag_limit", limit_id=first["id"])
    assert ask("{ task_tag_limit { tag } }")["task_tag_limit"] == []
    assert ask.refused("delete_task_tag_limit", limit_id=first["id"])[0] == "NOT_FOUND"


def test_a_negative_limit_is_refused(ask):
    assert ask.refused("update_task_tag_limit", tag="db", limit=-1)[0] == "BAD_USER_INPUT"


def test_a_key_keeps_its_id_when_its_value_changes(ask):
    first = ask.do("set_key_value", "id", key="k", value={"a": 1})
    assert ask.do("set_key_value", "id", key="k", value=None) == first
    assert ask("{ key_value { key value } }")["key_value"] == [{"key": "k", "value": None}]
    ask.do("delete_key_value", key_value_id=first["id"])
    assert ask("{ key_value { key } }")["key_value"] == []


def test_an_agent_is_registered_with_its_labels_once_each(ask):
    agent = ask.do("register_agent", "id", type="LocalAgent", name="n", labels=["b", "a", "b"])["id"]
    assert ask("{ agent { id type name labels } }")["agent"] == [
        {"id": agent, "type": "LocalAgent", "name": "n", "labels": ["a", "b"]}
    ]
    assert ask.refused("register_agent", type="x", agent_config_id=str(uuid.uuid4()))[0] == "NOT_FOUND"
    config = ask.do("create_agent_config", "id", name="c", settings={"env": {}})["id"]
    assert ask.do("register_agent", "id", type="x", agent_config_id=config)["id"]
    ask.do("delete_agent", agent_id=agent)
    assert len(ask("{ agent { id } }")["agent"]) == 1


def test_an_artifact_lives_with_its_task_run(ask, flow_id):
    run = ask.do("create_flow_run", "id", flow_id=flow_id)["id"]
    task_run = ask("{ task_run { id } }")["task_run"][0]["id"]
    artifact = ask.do(
        "create_task_run_artifact", "id", task_run_id=task_run, kind="link", data={"link": "x"}
    )["id"]
    ask.do("update_task_run_artifact", task_run_artifact_id=artifact, data={"link": "y"})
    read = "{ task_run_artifact { kind data task_run { id } } }"
    assert ask(read)["task_run_artifact"] == [
        {"kind": "link", "data": {"link": "y"}, "task_run": {"id": task_run}}
    ]
    ask.do("delete_flow_run", flow_run_id=run)
    assert ask(read)["task_run_artifact"] == []


def test_group_settings_reach_every_version(ask, flow_id):
    for switch, setting in (
        ("heartbeat", "heartbeat_enabled"),
        ("lazarus_process", "lazarus_enabled"),
        ("version_lock", "version_locking_enabled"),
    ):
        for verb, value in (("disable", False), ("enable", True)):
            ask.do(f"{verb}_flow_{switch}", flow_id=flow_id)
            [found] = ask("{ flow { settings flow_group { settings } } }")["flow"]
            assert found["settings"][setting] is value
            assert found["flow_group"]["settings"] == found["settings"]


def test_a_group_overrides_what_its_flow_was_registered_with(ask, flow_id):
    group = ask("{ flow_group { id } }")["flow_group"][0]["id"]
    ask.do("set_flow_group_labels", flow_group_id=group, labels=["b", "a"])
    ask.do("set_flow_group_default_parameters", flow_group_id=group, default_parameters={"n": 0})
    ask.do("set_flow_group_run_config", flow_group_id=group, run_config={"type": "LocalRun"})
    ask.do("set_flow_group_description", flow_group_id=group, description="d")
    clocks = {"cron_clocks": [{"cron": "0 9 * * 1-5"}], "interval_clocks": [{"interval": 60}]}
    ask.do("set_flow_group_schedule", flow_group_id=group, timezone="Europe/Berlin", **clocks)
    [found] = ask("{ flow_group { labels default_parameters run_config description schedule } }")[
        "flow_group"
    ]
    assert found["labels"] == ["a", "b"]
    assert found["default_parameters"] == {"n": 0}
    assert found["run_config"] == {"type": "LocalRun"}
    assert found["description"] == "d"
    assert [clock["type"] for clock in found["schedule"]["clocks"]] == ["CronClock", "IntervalClock"]
    assert found["schedule"]["clocks"][1]["interval"] == 60_000_000
    ask.do("delete_flow_group_schedule", flow_group_id=group)
    assert ask("{ flow_group { schedule } }")["flow_group"] == [{"schedule": None}]


@pytest.mark.parametrize(
    "schedule",
    [
        {},
        {"cron_clocks": [{"cron": "every day"}]},
        {"cron_clocks": [{"cron": "61 * * * *"}]},
        {"interval_clocks": [{"interval": 1}]},
        {"cron_clocks": [{"cron": "0 9 * * *"}], "timezone": "Mars/Olympus"},
        {"cron_clocks": [{"cron": "0 9 * * *", "parameter_defaults": [1]}]},
    ],
)
def test_a_schedule_that_cannot_be_is_refused(ask, flow_id, schedule):
    group = ask("{ flow_group { id } }")["flow_group"][0]["id"]
    assert ask.refused("set_flow_group_schedule", flow_group_id=group, **schedule)[0] == "BAD_USER_INPUT"
