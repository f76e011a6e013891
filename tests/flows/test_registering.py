"""Flows that are written here are registered with the real server, and read back as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Client
from orchestra_client.errors import FlowError
from orchestra_client.flows import Flow, Script, task
from tests.flows import sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def one_task(name: str = "small", value: int = 1) -> Flow:
    @task
    def constant(x: int) -> int:
        return x

    with Flow(name) as flow:
        constant(value)
    return flow


def test_a_flow_is_registered_again_only_when_it_has_changed(client: Client) -> None:
    flow_id = client.register(one_task(), "tests", build=False)

    assert client.register(one_task(), "tests", build=False) == flow_id
    assert (
        client.register(one_task(), "tests", idempotency_key=one_task().content_hash(), build=False)
        == flow_id
    )
    changed = one_task()
    next(iter(changed.tasks)).max_retries = 2
    assert client.register(changed, "tests", build=False) != flow_id


def test_a_flow_is_serialized_once_to_be_registered(client: Client) -> None:
    written: list[bool] = []

    class Counted(Flow):
        def serialize(self, build: bool = False) -> dict[str, Any]:
            written.append(build)
            return super().serialize(build)

    for _ in range(2):
        client.register(Counted("counted", tasks=one_task().tasks), "tests", build=False)
    assert written == [False, False]


def test_a_flow_that_overrides_its_content_hash_is_compared_by_that(client: Client) -> None:
    class Own(Flow):
        def content_hash(self) -> str:  # type: ignore[override]  # as a flow of an older release may have it
            return "mine"

    client.register(Own("own"), "tests", build=False)
    client.register(Own("own", tasks=one_task().tasks), "tests", build=False)

    assert client.graphql("{ flow { idempotency_key } }").data.flow == [{"idempotency_key": "mine"}]


def test_building_into_another_directory_is_no_change(client: Client, tmp_path: Path) -> None:
    """Given a script whose source travels, where it lies does not count; what it says does."""
    for name, source in {"a.py": "x = 1", "b.py": "x = 1", "c.py": "x = 2"}.items():
        (tmp_path / name).write_text(source)
    flows = [one_task() for _ in range(3)]
    for flow, name in zip(flows, ("a.py", "b.py", "c.py"), strict=True):
        flow.storage = Script(tmp_path / name)

    first, second, third = (client.register(flow, "tests") for flow in flows)

    assert first == second != third


def test_a_flow_that_no_agent_could_load_is_not_registered(client: Client) -> None:
    with pytest.raises(FlowError, match="has no storage"):
        client.register(one_task(), "tests")

    assert client.graphql("{ flow { id } }").data.flow == []
