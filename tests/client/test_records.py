"""Records answer as the dicts, results and named tuples of older clients did, as far as those can be read by names."""

from __future__ import annotations

import pickle
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from orchestra_client import results
from orchestra_client.results import Project, Record, TaskRunInfo, Tenant
from orchestra_client.states import Pending, Scheduled

TENANT = Tenant("6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e", "Sales", "sales")


def test_tenants_are_read_as_dicts_were(client: Any) -> None:
    [tenant] = client.get_available_tenants()

    assert "slug" in tenant
    assert "sulg" not in tenant
    assert set(tenant) == {"id", "name", "slug"}
    assert tenant["slug"] == tenant.get("slug") == tenant.slug
    assert tenant.get("sulg") is None
    assert tenant.get("sulg", "none") == "none"
    assert dict(tenant) == {**tenant} == {"id": tenant.id, "name": tenant.name, "slug": tenant.slug}
    assert [each["slug"] for each in client.get_available_tenants()] == [tenant.slug]


def test_a_flow_run_is_read_as_a_result_was(client: Any, flow_run_id: str) -> None:
    run = client.get_flow_run_info(flow_run_id)

    assert (run["version"], run.version) == (1, 1)
    assert isinstance(run["state"], Scheduled)
    plain = run.to_dict()
    assert plain["project"] == {**run.project}
    assert [each["task_slug"] for each in plain["task_runs"]] == [each.task_slug for each in run.task_runs]
    assert isinstance(plain["state"], Scheduled)
    assert dict(run)["project"] is run.project


def test_a_task_run_is_read_by_the_names_of_its_named_tuple(client: Any, flow_run_id: str) -> None:
    known = client.get_flow_run_info(flow_run_id).task_runs[0]

    info = client.get_task_run_info(flow_run_id, known.task_id)

    assert (info.id, info.task_id, info.version) == (known.id, known.task_id, 0)
    assert isinstance(info.state, Pending)
    assert {"id", "task_id", "version", "state"} <= info.keys()


def test_iterating_gives_the_names_and_views_go_along() -> None:
    assert list(TENANT) == list(TENANT.keys()) == ["id", "name", "slug"]
    assert list(TENANT.values()) == [TENANT.id, "Sales", "sales"]
    assert list(TENANT.items()) == list(TENANT.to_dict().items())
    assert len(TENANT) == 3


def test_a_field_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="Tenant has no 'sulg'; it is read by these names: id, name, slug"):
        TENANT["sulg"]


def test_a_place_is_no_name() -> None:
    info: Any = TaskRunInfo("1", "2", "load-1", 0, Pending())
    with pytest.raises(KeyError, match="TaskRunInfo has no 0; it is read by these names: id, task_id"):
        info[0]


def test_a_record_is_no_dict_but_equal_to_its_like_alone() -> None:
    assert dict(TENANT) != TENANT
    assert pickle.loads(pickle.dumps(TENANT)) == TENANT
    assert {TENANT: 1}[Tenant(**TENANT)] == 1


def test_a_record_is_true_unless_it_says_otherwise() -> None:
    assert TENANT
    assert not results.CreatedFlowRun(None)


@pytest.mark.parametrize("kind", [kind for kind in vars(results).values() if is_dataclass(kind)])
def test_no_field_hides_a_method_of_records(kind: Any) -> None:
    methods = {name for name in vars(Record) if not name.startswith("_")}
    assert not methods & {each.name for each in fields(kind)}


def test_a_notebook_completes_the_names() -> None:
    assert Project("1", "sales")._ipython_key_completions_()[:2] == ["id", "name"]
