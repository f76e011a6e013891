"""Flows that are written here are registered with the real server, and read back as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client import Client
from orchestra_client.flows import Flow, task
from tests.flows import sample

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERY = """
query Flow($id: uuid!) {
  flow_by_pk(id: $id) {
    name version parameters schedule storage run_config
    tasks { slug tags max_retries mapped is_reference_task }
    edges { key mapped upstream_task { slug } downstream_task { slug } }
  }
}
"""


@pytest.fixture
def client() -> Iterator[Client]:
    with Client("memory:") as client:
        client.create_project("tests")
        yield client


def test_a_flow_is_read_back_as_it_was_written(client: Client) -> None:
    flow = sample.build()
    document = flow.serialize(build=True)
    flow_id = client.register(flow, "tests")

    row = client.graphql(QUERY, variables={"id": flow_id})["data"]["flow_by_pk"]

    assert row["name"] == flow.name
    for part in ("parameters", "schedule", "storage", "run_config"):
        assert row[part] == document[part]
    tasks = {each["slug"]: each for each in row["tasks"]}
    assert set(tasks) == set(flow.slugs.values())
    assert tasks["extract-a-b-c-1"]["max_retries"] == 2
    assert {slug for slug in tasks if tasks[slug]["mapped"]} == {"transform-1"}
    assert {slug for slug in tasks if tasks[slug]["is_reference_task"]} == {"Save-late-1", "transform-1"}
    assert len(row["edges"]) == len(flow.edges)


@pytest.mark.slow
def test_a_flow_of_two_thousand_tasks_is_registered(client: Client) -> None:
    @task
    def inc(x: int) -> int:
        return x + 1

    with Flow("large") as flow:
        last = inc(0)
        for _ in range(1999):
            last = inc(last)
    flow_id = client.register(flow, "tests", build=False)
    query = 'query { task_aggregate(where: {flow_id: {_eq: "%s"}}) { aggregate { count } } }' % flow_id  # noqa: UP031
    assert client.graphql(query)["data"]["task_aggregate"]["aggregate"]["count"] == 2000
