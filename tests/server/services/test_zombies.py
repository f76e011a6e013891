"""The zombie reaper: who does not beat is dead; who beats is not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.services.rounds import CHUNK, Round
from orchestra_client.server.services.zombies import ZombieReaper

from .conftest import LIMIT, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client.server.store.session import Session
    from tests.server.runs.conftest import Clock, Server

    from .conftest import Process

REAPER = ZombieReaper(LIMIT)
RETRIED = {"slug": "a", "max_retries": 2, "retry_delay": 90}


def running(server: Server, task: dict[str, Any] | str = "a") -> tuple[str, str]:
    """A Running flow run and its Running task run."""
    run_id, [task_run] = server.running(task)
    server.set_task_run(task_run, "Running")
    return run_id, task_run


def beat(server: Server, run_id: str) -> None:
    server.do("update_flow_run_heartbeat", flow_run_id=run_id)


def state_of(server: Server, task_run: str) -> str:
    return server.task_run(task_run, "state")["state"]


def test_a_dead_task_run_with_retries_left_is_tried_again(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, task_run = running(server, RETRIED)
    clock.advance(seconds=LIMIT + 5)

    assert process.run(REAPER) == {"Retrying": 1}

    found = server.task_run(
        task_run, "state version state_start_time run_count serialized_state states { state version }"
    )
    assert (found["state"], found["version"], found["run_count"]) == ("Retrying", 2, 1)
    assert found["state_start_time"] == clock.at(seconds=90)
    assert found["serialized_state"]["type"] == "Retrying"
    assert found["serialized_state"]["start_time"] == clock.at(seconds=90)
    assert found["serialized_state"]["run_count"] == 1
    assert [state["state"] for state in found["states"]] == ["Pending", "Running", "Retrying"]
    assert server.flow_run(run_id, "state version") == {"state": "Running", "version": 2}


def test_the_message_names_run_task_and_the_age_of_the_last_beat(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, task_run = running(server, RETRIED)
    clock.advance(minutes=2)
    beat(server, run_id)
    clock.advance(minutes=12, seconds=5)

    process.run(REAPER)

    name = server.flow_run(run_id, "name")["name"]
    assert server.task_run(task_run, "state_message")["state_message"] == (
        f"Task run 'a' ({task_run}) of flow run '{name}' ({run_id}) was Running, but its last heartbeat is "
        "12 min 5 s old. It is tried again: retry 1 of 2."
    )


def test_a_mapped_child_is_named_with_its_index(server: Server, process: Process, clock: Clock) -> None:
    run_id, _ = server.running("a")
    task_id = server("{ task { id } }")["task"][0]["id"]
    child = server.do("get_or_create_task_run", "id", flow_run_id=run_id, task_id=task_id, map_index=7)["id"]
    server.set_task_run(child, "Running")
    clock.advance(seconds=LIMIT)

    process.run(REAPER)

    assert "Task run 'a[7]'" in server.task_run(child, "state_message")["state_message"]


def test_without_retries_left_it_has_failed(server: Server, process: Process, clock: Clock) -> None:
    _, task_run = running(server, {"slug": "a", "max_retries": 1})
    for expected in ("Retrying", "Failed"):
        server.set_task_run(task_run, "Running")
        clock.advance(seconds=LIMIT)
        assert process.run(REAPER) == {expected: 1}
    message = server.task_run(task_run, "state_message")["state_message"]
    assert message.endswith("It has no retries left.")


@pytest.mark.parametrize("ended", ["Failed", "Cancelled", "Scheduled"])
def test_without_a_running_flow_run_it_has_failed(
    server: Server, process: Process, clock: Clock, ended: str
) -> None:
    run_id, task_run = running(server, RETRIED)
    server.set_flow_run(run_id, ended)
    if ended == "Cancelled":
        assert state_of(server, task_run) == "Cancelled"
        return
    clock.advance(seconds=LIMIT)

    assert process.run(REAPER) == {"Failed": 1}

    message = server.task_run(task_run, "state_message")["state_message"]
    assert message.endswith(f"It is not tried again: its flow run is {ended}.")


def test_who_beats_lives(server: Server, process: Process, clock: Clock) -> None:
    run_id, task_run = running(server)
    for _ in range(30):
        clock.advance(seconds=LIMIT - 1)
        assert process.run(REAPER) == {}
        beat(server, run_id)
    assert state_of(server, task_run) == "Running"


def test_the_limit_is_not_a_second_shorter(server: Server, process: Process, clock: Clock) -> None:
    running(server)
    clock.advance(seconds=LIMIT - 0.001)
    assert process.run(REAPER) == {}
    clock.advance(seconds=0.001)
    assert process.run(REAPER) == {"Failed": 1}


def test_a_task_run_that_beats_for_itself_lives(server: Server, process: Process, clock: Clock) -> None:
    _, task_run = running(server)
    clock.advance(seconds=LIMIT)
    server.do("update_task_run_heartbeat", task_run_id=task_run)
    assert process.run(REAPER) == {}


def test_a_task_run_that_has_just_begun_lives(server: Server, process: Process, clock: Clock) -> None:
    _, [task_run] = server.running("a")
    clock.advance(seconds=2 * LIMIT)
    server.set_task_run(task_run, "Running")
    assert process.run(REAPER) == {}


def test_what_does_not_run_is_left_alone(server: Server, process: Process, clock: Clock) -> None:
    _, runs = server.running("a", "b", "c", "d", "e")
    types = ("Success", "Paused", "Queued", "Submitted", "Retrying")
    for run, type_name in zip(runs, types, strict=True):
        server.set_task_run(run, type_name)
    clock.advance(days=1)
    assert process.run(REAPER) == {}


def test_a_flow_group_can_be_exempt(server: Server, process: Process, clock: Clock) -> None:
    run_id, task_run = running(server)
    flow_id = server.flow_run(run_id, "flow_id")["flow_id"]
    server.do("disable_flow_heartbeat", flow_id=flow_id)
    clock.advance(days=1)
    assert process.run(REAPER) == {}

    server.do("enable_flow_heartbeat", flow_id=flow_id)
    assert process.run(REAPER) == {"Failed": 1}
    assert state_of(server, task_run) == "Failed"


def test_the_slots_of_the_dead_return(server: Server, process: Process, clock: Clock) -> None:
    server.do("update_task_tag_limit", "id", tag="db", limit=1)
    _, dead = running(server, {"slug": "a", "tags": ["db"]})
    run_id, [waiting] = server.running({"slug": "b", "tags": ["db"]})
    assert server.set_task_run(waiting, "Running")["status"] == "QUEUED"
    clock.advance(seconds=LIMIT)
    beat(server, run_id)

    process.run(REAPER)

    assert state_of(server, dead) == "Failed"
    assert server.set_task_run(waiting, "Running")["status"] == "SUCCESS"


def test_a_process_that_lives_on_learns_that_it_lost_its_task_run(
    server: Server, process: Process, clock: Clock
) -> None:
    _, task_run = running(server, RETRIED)
    clock.advance(seconds=LIMIT)
    process.run(REAPER)

    answer = server.set_task_runs(
        {"task_run_id": task_run, "version": 1, "state": {"type": "Success"}},
        {"task_run_id": task_run, "version": 1, "state": {"type": "Failed"}},
    )

    assert [one["code"] for one in answer] == ["VERSION_LOCKING_ERROR"] * 2
    assert state_of(server, task_run) == "Retrying"


def test_a_run_that_was_told_to_stop_and_is_dead_is_cancelled(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, task_run = running(server, RETRIED)
    server.do("cancel_flow_run", "state", flow_run_id=run_id)
    clock.advance(seconds=LIMIT - 1)
    assert process.run(REAPER) == {}
    clock.advance(seconds=1)

    assert process.run(REAPER) == {"Cancelled": 1}

    found = server.flow_run(run_id, "state state_message end_time")
    assert (found["state"], found["end_time"]) == ("Cancelled", clock.at())
    assert "was told to stop, and its last heartbeat is 10 min 0 s old" in found["state_message"]
    assert state_of(server, task_run) == "Cancelled"


def test_a_run_that_is_stopping_and_beats_is_given_time(
    server: Server, process: Process, clock: Clock
) -> None:
    run_id, task_run = running(server)
    server.do("cancel_flow_run", "state", flow_run_id=run_id)
    clock.advance(seconds=LIMIT)
    server.do("update_task_run_heartbeat", task_run_id=task_run)
    assert process.run(REAPER) == {}


def test_every_tenant_is_looked_after(server: Server, process: Process, clock: Clock) -> None:
    other = server.in_tenant(server.do("create_tenant", "id", name="Other", slug="other")["id"])
    running(server)
    _, task_run = running(other)
    clock.advance(seconds=LIMIT)

    assert process.run(REAPER) == {"Failed": 2}
    assert state_of(other, task_run) == "Failed"


class TestServersThatDidNotListen:
    """Nobody is dead because no beat could be heard."""

    def test_a_restart_gives_everybody_the_whole_limit(
        self, server: Server, process: Process, clock: Clock
    ) -> None:
        listener = process.background()
        listener.attend()
        _, task_run = running(server)
        clock.advance(hours=1)

        listener.attend()
        assert process.run(REAPER) == {}
        self.listen(listener, clock, LIMIT - 30)
        assert process.run(REAPER) == {}
        self.listen(listener, clock, 30)

        assert process.run(REAPER) == {"Failed": 1}
        assert state_of(server, task_run) == "Failed"
        assert "1 h 10 min old" in server.task_run(task_run, "state_message")["state_message"]

    def test_a_process_that_was_paused_judges_nobody_before_it_listens_again(
        self, server: Server, process: Process, clock: Clock
    ) -> None:
        process.background().attend()
        running(server)
        clock.advance(hours=8)
        assert process.run(REAPER) == {}

    def test_a_short_break_does_not_count(self, server: Server, process: Process, clock: Clock) -> None:
        process.background().attend()
        running(server)
        self.listen(process.background(), clock, LIMIT, step=45)
        assert process.run(REAPER) == {"Failed": 1}

    def test_one_of_several_servers_suffices(
        self, server: Server, process: Process, twin: Process, clock: Clock
    ) -> None:
        process.background().attend()
        running(server)
        self.listen(twin.background(), clock, LIMIT)
        assert process.run(REAPER) == {"Failed": 1}

    @staticmethod
    def listen(listener: Any, clock: Clock, seconds: float, step: float = 15) -> None:
        while seconds > 0:
            clock.advance(seconds=min(step, seconds))
            listener.attend()
            seconds -= step


def test_a_beat_between_the_look_and_the_lock_wins(server: Server, process: Process, clock: Clock) -> None:
    run_id, task_run = running(server)
    clock.advance(seconds=LIMIT)

    class Interrupted(Round):
        """A round that is overtaken by a beat before it writes."""

        @contextmanager
        def write(self, tenant_id: str) -> Iterator[Session]:
            beat(server, run_id)
            with super().write(tenant_id) as session:
                yield session

    assert process.run(REAPER, Interrupted) == {}
    assert state_of(server, task_run) == "Running"


def test_many_dead_cost_few_statements_and_no_long_transaction(
    server: Server, process: Process, clock: Clock
) -> None:
    per_round = []
    for tasks in (5, CHUNK, 3 * CHUNK):
        _, runs = server.running(*(f"t{n:04}" for n in range(tasks)))
        server.set_task_runs(*({"task_run_id": run, "state": {"type": "Running"}} for run in runs))
        clock.advance(seconds=LIMIT)
        with counted(server) as seen:
            assert process.run(REAPER) == {"Failed": tasks}
        per_round.append(len(seen))
        updates = [one for one in seen if one.startswith("UPDATE task_run")]
        assert len(updates) == -(-tasks // CHUNK)
    few, one_chunk, three_chunks = per_round
    assert few == one_chunk
    assert three_chunks - one_chunk <= 2 * 6


@pytest.mark.slow
def test_ten_thousand_dead_are_ended_in_one_round(server: Server, process: Process, clock: Clock) -> None:
    tasks = 10_000
    _, runs = server.running(*(f"t{n:05}" for n in range(tasks)))
    server.set_task_runs(*({"task_run_id": run, "state": {"type": "Running"}} for run in runs))
    clock.advance(seconds=LIMIT)

    with counted(server) as seen:
        assert process.run(REAPER) == {"Failed": tasks}

    assert len(seen) <= 6 * tasks / CHUNK + 20
