"""A token that is bound to one run changes that run and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import Service

from .conftest import Refused, Server, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Clock


@pytest.fixture
def server(url: str, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    service = Service.open(url, home=tmp_path, settings=Settings(), clock=clock)
    assert service.bootstrapped is not None
    yield Server(service, clock, Credentials(token=service.bootstrapped.token))
    service.close()


@pytest.fixture
def own(server: Server) -> tuple[str, list[str]]:
    return server.running("a", "b")


@pytest.fixture
def other(server: Server, own: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """Another run of the tenant, with a Cached task run, which runs may read of each other."""
    run_id, [a, b] = server.running("a", "b")
    server.set_task_run(a, "Cached")
    return run_id, [a, b]


@pytest.fixture
def runner(server: Server, own: tuple[str, list[str]]) -> Server:
    bound = server.do("create_api_token", "token", name="run", scope="RUNNER", flow_run_id=own[0])
    return Server(server.service, server.clock, Credentials(token=bound["token"]))


def test_it_sets_the_states_of_its_run(runner: Server, own: tuple[str, list[str]]) -> None:
    run_id, [a, b] = own
    answers = runner.set_task_runs(
        *({"task_run_id": run, "state": state("Running"), "transition_id": run} for run in (a, b))
    )
    assert [answer["status"] for answer in answers] == ["SUCCESS", "SUCCESS"]
    assert runner.set_flow_run(run_id, "Failed")["status"] == "SUCCESS"


def test_it_sets_no_others(server: Server, runner: Server, other: tuple[str, list[str]]) -> None:
    run_id, [cached, pending] = other
    before = server("{ flow_run_state { id } task_run_state { id } }")

    answers = runner.set_task_runs(
        *({"task_run_id": run, "state": state("Scheduled")} for run in (cached, pending))
    )
    assert [answer["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]
    for attempt in (
        lambda: runner.set_task_run(cached, "Scheduled"),
        lambda: runner.set_flow_run(run_id, "Failed"),
        lambda: runner.do("cancel_flow_run", "state", flow_run_id=run_id),
        lambda: runner.do("set_task_run_name", task_run_id=cached, name="mine"),
        lambda: runner.do("update_task_run_heartbeat", task_run_id=cached),
        lambda: runner.do("update_flow_run_heartbeat", flow_run_id=run_id),
    ):
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.code == "NOT_FOUND"
    assert server("{ flow_run_state { id } task_run_state { id } }") == before


def test_it_makes_task_runs_in_no_other(server: Server, runner: Server, other: tuple[str, list[str]]) -> None:
    task_id = server.task_run(other[1][0], "task_id")["task_id"]
    with pytest.raises(Refused, match="No flow run has the ID") as caught:
        runner.do("get_or_create_task_run", "id", flow_run_id=other[0], task_id=task_id, map_index=0)
    assert caught.value.code == "NOT_FOUND"


def test_it_writes_the_logs_of_no_other(runner: Server, other: tuple[str, list[str]]) -> None:
    for record in ({"flow_run_id": other[0]}, {"task_run_id": other[1][0]}):
        with pytest.raises(Refused, match="nothing was written"):
            runner.do("write_run_logs", logs=[record])


def test_what_it_logs_without_a_run_is_its_runs(
    server: Server, runner: Server, own: tuple[str, list[str]]
) -> None:
    runner.do("write_run_logs", logs=[{"message": "from within"}])
    assert server("{ log { flow_run_id message } }")["log"] == [
        {"flow_run_id": own[0], "message": "from within"}
    ]


def test_it_neither_creates_runs_nor_reads_the_queue(runner: Server) -> None:
    for mutation, fields in (("create_flow_run", "id"), ("get_runs_in_queue", "flow_run_ids")):
        with pytest.raises(Refused) as caught:
            runner.do(mutation, fields)
        assert caught.value.code == "FORBIDDEN"


def test_a_slot_held_by_another_run_counts(server: Server, own: tuple[str, list[str]]) -> None:
    server.do("update_task_tag_limit", "id", tag="db", limit=1)
    _, [holder] = server.running({"slug": "x", "tags": ["db"]})
    server.set_task_run(holder, "Running")
    run_id, [waiting] = server.running({"slug": "y", "tags": ["db"]})
    bound = server.do("create_api_token", "token", name="run", scope="RUNNER", flow_run_id=run_id)
    runner = Server(server.service, server.clock, Credentials(token=bound["token"]))

    assert runner.set_task_run(waiting, "Running")["status"] == "QUEUED"
