"""Heartbeats: one beat for all runs, what each run learns from it, and that nothing ends the beating."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from orchestra_client.delivery import Heartbeats
from orchestra_client.delivery.heartbeats import CHUNK
from orchestra_client.errors import BadInput, ConfigurationError
from orchestra_client.states import Cancelled, Running, Scheduled, Success
from orchestra_client.testing import MemoryServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client.client import Client
    from orchestra_client.delivery import RunNotice
    from orchestra_client.testing import Faults


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    with MemoryServer(clock=clock) as server:
        yield server


@pytest.fixture
def heartbeats(open_client: Callable[[], Client], clock: VirtualClock) -> Iterator[Heartbeats]:
    """Heartbeats whose turns are done by `pass_time`."""
    with Heartbeats(open_client, threaded=False, clock=clock, random=lambda: 0.5) as heartbeats:
        yield heartbeats


@pytest.fixture
def pass_time(heartbeats: Heartbeats, clock: VirtualClock) -> Callable[[float], None]:
    def do(seconds: float) -> None:
        end = clock.monotonic() + seconds
        while (left := end - clock.monotonic()) > 0:
            pause = heartbeats.turn()
            clock.advance(left if pause is None else min(max(pause, 0.001), left))

    return do


@pytest.fixture
def running(client: Client, new_run: Callable[[], str]) -> Callable[[], str]:
    """Makes a flow run that is Running at version 2."""

    def make() -> str:
        flow_run_id = new_run()
        client.set_flow_run_state(flow_run_id, 1, Running())
        return flow_run_id

    return make


def beats(faults: Faults) -> int:
    return len(faults.sent("UpdateHeartbeats"))


def test_all_runs_share_one_request_an_interval(
    heartbeats: Heartbeats,
    pass_time: Callable[[float], None],
    running: Callable[[], str],
    client: Client,
    faults: Faults,
    clock: VirtualClock,
) -> None:
    ids = [running() for _ in range(5)]
    for flow_run_id in ids:
        heartbeats.add(flow_run_id)
    pass_time(300)
    assert 9 <= beats(faults) <= 10
    answer = client.graphql("{ flow_run { heartbeat } }")
    newest = {row["heartbeat"] for row in answer["data"]["flow_run"]}
    assert len(newest) == 1


def test_the_first_beat_comes_at_random_within_the_interval(
    open_client: Callable[[], Client], clock: VirtualClock
) -> None:
    for chance in (0.0, 0.25, 0.99):
        with Heartbeats(open_client, threaded=False, clock=clock, random=lambda c=chance: c) as heartbeats:
            heartbeats.add(str(uuid4()))
            assert (heartbeats.turn() or 0.0) >= 30 * chance - 0.1 or chance == 0.0


def test_ten_thousand_runs_cost_twenty_requests(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], faults: Faults
) -> None:
    for _ in range(20 * CHUNK):
        heartbeats.add(str(uuid4()))
    pass_time(16)
    assert beats(faults) == 20


def test_without_runs_nothing_is_sent(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], running: Callable[[], str], faults: Faults
) -> None:
    with heartbeats.add(running()):
        pass_time(40)
    sent = beats(faults)
    pass_time(300)
    assert sent > 0
    assert beats(faults) == sent
    assert heartbeats.turn() is None


def test_a_cancelled_run_is_told_once(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], running: Callable[[], str], client: Client
) -> None:
    told: list[RunNotice] = []
    lost: list[RunNotice] = []
    run_id = running()
    beating = heartbeats.add(run_id, version=2, on_cancelled=told.append, on_lost=lost.append)
    client.cancel_flow_run(run_id)
    pass_time(100)
    # It goes on beating until it has cleaned up, and its own last state surprises nobody.
    assert len(heartbeats) == 1
    beating.expect(4)
    client.set_flow_run_state(run_id, 3, Cancelled())
    pass_time(100)
    assert [(notice.state, notice.version) for notice in told] == [("Cancelling", 3)]
    assert lost == []


def test_a_run_without_a_known_version_is_told_of_its_cancellation_too(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], new_run: Callable[[], str], client: Client
) -> None:
    told: list[RunNotice] = []
    run_id = new_run()
    heartbeats.add(run_id, on_cancelled=told.append)
    client.cancel_flow_run(run_id)
    pass_time(100)
    assert [notice.state for notice in told] == ["Cancelled"]
    assert len(heartbeats) == 0


def test_a_run_that_someone_else_moved_on_is_lost_once_and_beats_no_more(
    heartbeats: Heartbeats,
    pass_time: Callable[[float], None],
    running: Callable[[], str],
    client: Client,
    faults: Faults,
) -> None:
    lost: list[RunNotice] = []
    run_id = running()
    heartbeats.add(run_id, version=2, on_lost=lost.append)
    client.set_flow_run_state(run_id, 2, Scheduled())
    client.set_flow_run_state(run_id, 3, Running())
    pass_time(100)
    assert [(notice.state, notice.version) for notice in lost] == [("Running", 4)]
    assert beats(faults) == 1


def test_a_run_that_someone_else_finished_or_deleted_is_lost(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], running: Callable[[], str], client: Client
) -> None:
    lost: list[RunNotice] = []
    finished, deleted = running(), running()
    for run_id in (finished, deleted):
        heartbeats.add(run_id, on_lost=lost.append)
    client.set_flow_run_state(finished, 2, Success())
    client.graphql({"mutation": {f'delete_flow_run(input: {{flow_run_id: "{deleted}"}})': {"success"}}})
    pass_time(100)
    assert {(notice.flow_run_id, notice.state) for notice in lost} == {
        (finished, "Success"),
        (deleted, None),
    }


def test_states_of_its_own_doing_surprise_no_run(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], running: Callable[[], str], client: Client
) -> None:
    lost: list[RunNotice] = []
    run_id = running()
    beating = heartbeats.add(run_id, version=2, on_lost=lost.append)
    beating.expect(3)
    pass_time(40)
    client.set_flow_run_state(run_id, 2, Success())
    pass_time(40)
    assert lost == []


def test_what_is_called_back_may_fail(
    heartbeats: Heartbeats,
    pass_time: Callable[[float], None],
    running: Callable[[], str],
    client: Client,
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(notice: RunNotice) -> None:
        raise ValueError("the callback's own")

    cancelled, living = running(), running()
    heartbeats.add(cancelled, version=2, on_cancelled=fail)
    heartbeats.add(living, version=2)
    client.cancel_flow_run(cancelled)
    pass_time(100)
    assert beats(faults) >= 3
    assert "the callback's own" in caplog.text


def test_an_outage_is_tried_through_and_told_once(
    heartbeats: Heartbeats,
    pass_time: Callable[[float], None],
    running: Callable[[], str],
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
) -> None:
    heartbeats.add(running())
    faults.refuse_connections(1000, matching="UpdateHeartbeats")
    pass_time(600)
    assert 20 <= beats(faults) <= 50
    faults._queue.clear()
    pass_time(31)
    told = [record.message for record in caplog.records if "Heartbeats" in record.message]
    assert len(told) == 2
    assert told[1] == "Heartbeats are taken again."


def test_a_failed_chunk_does_not_make_the_others_beat_again(
    heartbeats: Heartbeats, pass_time: Callable[[float], None], running: Callable[[], str], faults: Faults
) -> None:
    for _ in range(3 * CHUNK):
        heartbeats.add(str(uuid4()))
    faults.delay(0)
    faults.refuse_connections(1, matching="UpdateHeartbeats")
    pass_time(20)
    assert beats(faults) == 4


def test_a_server_without_the_batch_is_beaten_for_in_its_own_way(
    open_client: Callable[[], Client],
    heartbeats: Heartbeats,
    pass_time: Callable[[float], None],
    running: Callable[[], str],
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestra_client._sync.session import Session

    monkeypatch.setattr(Session, "capabilities", lambda self: frozenset())
    lost: list[RunNotice] = []
    heartbeats.add(running(), version=2, on_lost=lost.append)
    heartbeats.add(running(), version=2, on_lost=lost.append)
    pass_time(40)
    assert len(faults.sent("update_flow_run_heartbeat(")) >= 1
    assert lost == []


def test_bad_input_is_refused(heartbeats: Heartbeats, open_client: Callable[[], Client]) -> None:
    with pytest.raises(BadInput, match="flow_run_id must be a UUID"):
        heartbeats.add("yesterday's")
    with pytest.raises(ConfigurationError, match="more than 0"):
        Heartbeats(open_client, interval=0)


def test_the_thread_beats_and_ends_with_close(
    open_client: Callable[[], Client], running: Callable[[], str], faults: Faults
) -> None:
    with Heartbeats(open_client, interval=0.05) as heartbeats:
        heartbeats.add(running())
        deadline = time.monotonic() + 5
        while beats(faults) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    sent = beats(faults)
    assert sent >= 3
    time.sleep(0.15)
    assert beats(faults) == sent


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_was_killed_is_replaced_when_a_run_joins(
    open_client: Callable[[], Client],
    running: Callable[[], str],
    faults: Faults,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # So that it is killed while it waits: killed in the middle of a beat it would take the database in memory with it.
    with Heartbeats(open_client, interval=0.5) as heartbeats:
        heartbeats.add(running())
        thread = heartbeats._worker._thread
        assert thread is not None
        time.sleep(0.2)
        # What a careless library does to end "all threads but mine".
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
        )
        thread.join(5)
        assert not thread.is_alive()
        heartbeats.add(running())
        sent = beats(faults)
        deadline = time.monotonic() + 5
        while beats(faults) == sent and time.monotonic() < deadline:
            time.sleep(0.01)
        assert beats(faults) > sent
    assert "orchestra-heartbeats had ended; it is started again" in caplog.text


def test_many_threads_may_join_and_leave(open_client: Callable[[], Client], faults: Faults) -> None:
    with Heartbeats(open_client, interval=0.01) as heartbeats:

        def work() -> None:
            for _ in range(50):
                with heartbeats.add(str(uuid4())):
                    pass

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(heartbeats) == 0
        assert heartbeats._worker.is_alive
