"""States that are reported through outages: in order, once, and by the next process if need be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.delivery import Outbox
from orchestra_client.errors import NotFound, StateSerializationError, VersionConflict
from orchestra_client.states import Failed, Pending, Queued, Retrying, Running, Success
from orchestra_client.testing import MemoryServer, VirtualClock
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestra_client.client import Client
    from orchestra_client.delivery import Report
    from orchestra_client.errors import OrchestraError
    from orchestra_client.testing import Faults


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    with MemoryServer(clock=clock) as server:
        yield server


@pytest.fixture
def refused() -> list[tuple[Report, OrchestraError]]:
    return []


@pytest.fixture
def new_outbox(
    tmp_path: Path,
    open_client: Callable[[], Client],
    clock: VirtualClock,
    refused: list[tuple[Report, OrchestraError]],
) -> Iterator[Callable[[], Outbox]]:
    """Makes outboxes, each that of a process of its own, whose turns are done by the test."""
    made: list[Outbox] = []

    def make() -> Outbox:
        made.append(
            Outbox(
                open_client,
                folder=tmp_path / "states",
                on_refused=lambda report, error: refused.append((report, error)),
                threaded=False,
                clock=clock,
            )
        )
        return made[-1]

    yield make
    for outbox in made:
        outbox.renew()
        outbox.close(0)


@pytest.fixture
def outbox(new_outbox: Callable[[], Outbox]) -> Outbox:
    return new_outbox()


def vanish(outbox: Outbox) -> None:
    """As `kill -9` does: the system frees the locks, and nobody is asked."""
    outbox.renew()


def history(client: Client, task_run_id: str) -> list[str]:
    """The states of a task run, without the one that it was made in."""
    answer: Any = client.graphql(
        {"query": {f'task_run_by_pk(id: "{task_run_id}")': {"states(order_by: {version: asc})": {"state"}}}}
    )
    first, *others = [row["state"] for row in answer["data"]["task_run_by_pk"]["states"]]
    assert first == "Pending"
    return others


def test_a_state_is_set_at_once_when_the_api_is_there(
    outbox: Outbox, client: Client, task_run_id: str, tmp_path: Path
) -> None:
    assert outbox.set_task_run_state(task_run_id, 0, Running()).is_running()
    assert history(client, task_run_id) == ["Running"]
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_lost_answer_sets_a_state_once(
    outbox: Outbox, client: Client, task_run_id: str, faults: Faults, clock: VirtualClock
) -> None:
    faults.lose_answers(1, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    assert len(outbox) == 1
    outbox.turn()
    assert len(outbox) == 0
    assert history(client, task_run_id) == ["Running"]


def test_states_of_an_outage_are_set_in_order_when_the_api_is_back(
    outbox: Outbox, client: Client, task_run_id: str, faults: Faults, clock: VirtualClock
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    states = [Running(), Retrying(), Running(), Success()]
    for version, state in enumerate(states):
        assert outbox.set_task_run_state(task_run_id, version, state) is state
        clock.advance(outbox.turn() or 0)
        clock.advance(150)
    assert len(outbox) == 4
    faults._queue.clear()
    clock.advance(31)
    assert outbox.turn() is None
    assert history(client, task_run_id) == ["Running", "Retrying", "Running", "Success"]
    assert client.get_task_run_state(task_run_id).is_successful()


def test_while_the_api_is_away_reporting_asks_nobody(
    outbox: Outbox, new_run: Callable[[], str], client: Client, task_run_id: str, faults: Faults
) -> None:
    others = [run.id for run in client.get_flow_run_info(client_flow_run(client, task_run_id)).task_runs]
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    outbox.turn()
    sent = len(faults.sent("SetTaskRunStates"))
    results = outbox.set_task_run_states([(other, 0, Failed()) for other in others if other != task_run_id])
    assert len(faults.sent("SetTaskRunStates")) == sent
    assert all(result.status == "SUCCESS" and result.version is None for result in results)


def client_flow_run(client: Client, task_run_id: str) -> str:
    answer: Any = client.graphql({"query": {f'task_run_by_pk(id: "{task_run_id}")': {"flow_run_id"}}})
    found: str = answer["data"]["task_run_by_pk"]["flow_run_id"]
    return found


def test_the_next_process_reports_what_a_killed_one_left(
    outbox: Outbox,
    new_outbox: Callable[[], Outbox],
    client: Client,
    task_run_id: str,
    faults: Faults,
    tmp_path: Path,
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running("still"))
    outbox.set_task_run_state(task_run_id, 1, Success("all of it", result=None))
    vanish(outbox)
    faults._queue.clear()
    heir = new_outbox()
    assert heir.adopt() == 2
    heir.turn()
    assert history(client, task_run_id) == ["Running", "Success"]
    assert client.get_task_run_state(task_run_id).message == "all of it"
    assert not list((tmp_path / "states").iterdir())


def test_what_was_set_before_the_kill_is_not_set_again(
    outbox: Outbox, new_outbox: Callable[[], Outbox], client: Client, task_run_id: str, faults: Faults
) -> None:
    faults.lose_answers(1, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, None, Running())
    vanish(outbox)
    heir = new_outbox()
    heir.adopt()
    heir.turn()
    assert history(client, task_run_id) == ["Running"]


def test_what_another_tenants_process_left_is_left_to_that_tenant(
    outbox: Outbox,
    new_outbox: Callable[[], Outbox],
    server: MemoryServer,
    client: Client,
    task_run_id: str,
    faults: Faults,
    tmp_path: Path,
    clock: VirtualClock,
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    outbox.set_task_run_state(task_run_id, 1, Success())
    vanish(outbox)
    faults._queue.clear()
    for path in tmp_path.rglob("*.jsonl"):
        os.utime(path, (clock.now().timestamp(),) * 2)
    # Given an agent of another tenant on the same machine, which looks again and again
    tenant_id = client.create_tenant("Other", "other")
    with Outbox(
        lambda: server.client(retry=RetryPolicy(budget=0), tenant_id=tenant_id),
        folder=tmp_path / "states",
        threaded=False,
        clock=clock,
    ) as others:
        before = len(faults.requests)
        others.adopt()
        others.turn()
        # Then it tries again after a minute, however many states there are
        once = len(faults.requests)
        clock.advance(60)
        others.adopt()
        others.turn()
        assert len(faults.requests) > once
        for _ in range(60):
            others.adopt()
            others.turn()
            clock.advance(60)
        # and a few times in an hour, and destroys nothing
        assert 0 < len(faults.requests[before:]) < 20
    heir = new_outbox()
    assert heir.adopt() == 2
    heir.turn()
    assert history(client, task_run_id) == ["Running", "Success"]
    assert not list(tmp_path.rglob("*.jsonl"))


def test_what_is_left_of_a_run_that_nobody_finds_is_given_up_after_a_week(
    outbox: Outbox,
    new_outbox: Callable[[], Outbox],
    client: Client,
    task_run_id: str,
    faults: Faults,
    tmp_path: Path,
    clock: VirtualClock,
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    vanish(outbox)
    faults._queue.clear()
    client.graphql(
        "mutation($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }",
        variables={"id": client_flow_run(client, task_run_id)},
    )
    for days, are_left in ((6, 1), (8, 0)):
        for path in tmp_path.rglob("*.jsonl"):
            os.utime(path, (clock.now().timestamp() - days * 86400,) * 2)
        heir = new_outbox()
        assert heir.adopt() == 1
        heir.turn()
        assert len(list(tmp_path.rglob("*.jsonl"))) == are_left
        heir.close(0)


def test_what_waits_for_a_slot_holds_up_no_other_run(
    outbox: Outbox,
    new_outbox: Callable[[], Outbox],
    client: Client,
    task_run_id: str,
    faults: Faults,
    tmp_path: Path,
) -> None:
    tagged = limited_task_run(client)
    other = new_outbox()
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(tagged, 0, Running())
    other.set_task_run_state(task_run_id, 0, Running())
    vanish(outbox)
    vanish(other)
    faults._queue.clear()
    heir = new_outbox()
    assert heir.adopt() == 2
    assert heir.waiting() == {tagged, task_run_id}
    heir.turn()
    assert history(client, task_run_id) == ["Running"]
    assert heir.deliver(0, of={task_run_id})
    assert not heir.deliver(0, of={tagged})
    assert not heir.deliver(0)
    # The other stream, all of which is answered, is closed and gone.
    assert len(list((tmp_path / "states").iterdir())) == 1


def test_what_a_living_process_reports_is_its_own(
    outbox: Outbox, new_outbox: Callable[[], Outbox], task_run_id: str, faults: Faults
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    assert new_outbox().adopt() == 0


def test_a_refusal_is_raised_at_once(
    outbox: Outbox, client: Client, task_run_id: str, tmp_path: Path
) -> None:
    with pytest.raises(VersionConflict):
        outbox.set_task_run_state(task_run_id, 7, Running())
    with pytest.raises(NotFound):
        outbox.set_task_run_state("00000000-0000-4000-8000-000000000000", 0, Running())
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_late_refusal_is_told_and_ends_the_reports_of_that_run_alone(
    outbox: Outbox,
    client: Client,
    task_run_id: str,
    faults: Faults,
    clock: VirtualClock,
    refused: list[tuple[Report, OrchestraError]],
    tmp_path: Path,
) -> None:
    flow_run_id = client_flow_run(client, task_run_id)
    other = next(run.id for run in client.get_flow_run_info(flow_run_id).task_runs if run.id != task_run_id)
    faults.refuse_connections(3, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    outbox.set_task_run_state(task_run_id, 1, Success())
    outbox.set_task_run_state(other, 0, Running())
    # Meanwhile someone else takes the first one.
    outbox.turn()
    client.set_task_run_state(task_run_id, 0, Pending("taken over"))
    clock.advance(60)
    outbox.turn()
    assert [report.change.version for report, _ in refused] == [0, 1]
    assert all(isinstance(error, VersionConflict) for _, error in refused)
    assert history(client, task_run_id) == ["Pending"]
    assert history(client, other) == ["Running"]
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_state_that_must_wait_for_a_slot_holds_back_what_comes_after_it(
    outbox: Outbox,
    client: Client,
    task_run_id: str,
    faults: Faults,
    clock: VirtualClock,
    new_run: Callable[[], str],
) -> None:
    tagged = limited_task_run(client)
    faults.refuse_connections(1, matching="SetTaskRunStates")
    outbox.set_task_run_state(tagged, 0, Running())
    outbox.set_task_run_state(tagged, 1, Success())
    pause = outbox.turn()
    assert history(client, tagged) == []
    assert pause == pytest.approx(30, abs=1)
    client.update_task_tag_limit("warehouse", 1)
    clock.advance(31)
    assert outbox.turn() is None
    assert history(client, tagged) == ["Running", "Success"]


def limited_task_run(client: Client) -> str:
    flow = {
        "name": "limited",
        "type": "prefect.core.flow.Flow",
        "parameters": [],
        "edges": [],
        "tasks": [{"type": "t", "name": "load", "slug": "load-1", "tags": ["warehouse"]}],
    }
    flow_run_id = client.create_flow_run(client.register(flow, "sales", no_url=True))
    client.set_flow_run_state(flow_run_id, 1, Running())
    client.update_task_tag_limit("warehouse", 0)
    return client.get_flow_run_info(flow_run_id).task_runs[0].id


def test_a_limit_is_answered_at_once_when_the_api_is_there(
    outbox: Outbox, client: Client, task_run_id: str
) -> None:
    assert isinstance(outbox.set_task_run_state(limited_task_run(client), 0, Running()), Queued)


def test_one_state_that_is_too_large_does_not_hold_up_the_others(
    outbox: Outbox,
    client: Client,
    task_run_id: str,
    faults: Faults,
    clock: VirtualClock,
    refused: list[tuple[Report, OrchestraError]],
) -> None:
    flow_run_id = client_flow_run(client, task_run_id)
    other = next(run.id for run in client.get_flow_run_info(flow_run_id).task_runs if run.id != task_run_id)
    faults.refuse_connections(1, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running("x" * 2_000_000))
    outbox.set_task_run_state(other, 0, Running())
    clock.advance(60)
    outbox.turn()
    assert [report.change.run_id for report, _ in refused] == [task_run_id]
    assert history(client, other) == ["Running"]


def test_a_state_that_is_not_json_is_refused_before_anything_is_kept(
    outbox: Outbox, task_run_id: str, tmp_path: Path
) -> None:
    with pytest.raises(StateSerializationError):
        outbox.set_task_run_state(task_run_id, 0, Running(context={"handle": object()}))
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_damaged_file_is_told_and_left_out(
    outbox: Outbox,
    new_outbox: Callable[[], Outbox],
    task_run_id: str,
    faults: Faults,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults.refuse_connections(1000, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    [path] = tmp_path.rglob("*.jsonl")
    path.write_text('{"run": "task_run"')
    vanish(outbox)
    assert new_outbox().adopt() == 0
    assert "A state is lost" in caplog.text


def test_without_a_disk_states_are_reported_all_the_same(
    new_outbox: Callable[[], Outbox], client: Client, task_run_id: str, faults: Faults, tmp_path: Path
) -> None:
    (tmp_path / "states").write_text("in the way")
    outbox = new_outbox()
    faults.refuse_connections(1, matching="SetTaskRunStates")
    outbox.set_task_run_state(task_run_id, 0, Running())
    outbox.turn()
    assert history(client, task_run_id) == ["Running"]


def test_the_thread_delivers_by_itself(
    open_client: Callable[[], Client], client: Client, task_run_id: str, faults: Faults
) -> None:
    faults.refuse_connections(2, matching="SetTaskRunStates")
    with Outbox(open_client) as outbox:
        outbox.set_task_run_state(task_run_id, 0, Running())
        assert outbox.deliver(10)
    assert history(client, task_run_id) == ["Running"]
