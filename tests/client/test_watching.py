"""Watching a flow run: what is told of it, in which order, and how often the server is asked."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Flow, Parameter, task
from orchestra_client.engine.remote import ServerRun
from orchestra_client.errors import BadInput, NotFound, WaitTimeout
from orchestra_client.operations.logs import LOG_PAGE
from orchestra_client.states import Cancelled, Failed, Running, Scheduled, State, Submitted, Success
from orchestra_client.testing import MemoryServer, VirtualClock
from orchestra_client.watching import (
    LogsWritten,
    Looked,
    StateChanged,
    TaskRunsProgressed,
    WaitExplained,
    WatchEvent,
    WatchingStopped,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client import Client
    from orchestra_client.results import LogRecord
    from orchestra_client.testing import Faults

NOBODY = "00000000-0000-4000-8000-000000000000"


class Script(VirtualClock):
    """A clock on which something happens whenever the watcher waits."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.steps:
            self.steps.pop(0)()

    def set_back(self, **by: float) -> None:
        """Somebody corrects what o'clock it is."""
        self._start -= timedelta(**by)


class Recorder:
    """A display that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self.closed = 0

    def update(self, event: WatchEvent) -> None:
        assert not self.closed
        self.events.append(event)

    def close(self) -> None:
        self.closed += 1

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def states(self) -> list[str]:
        return [event.state.type_name for event in self.of(StateChanged)]

    @property
    def records(self) -> list[LogRecord]:
        return [record for event in self.of(LogsWritten) for record in event.records]

    @property
    def messages(self) -> list[str | None]:
        return [record.message for record in self.records]

    @property
    def told(self) -> list[str | None]:
        """States and messages in their order."""
        told: list[str | None] = []
        for event in self.events:
            if isinstance(event, StateChanged):
                told.append(event.state.type_name)
            elif isinstance(event, LogsWritten):
                told += [record.message for record in event.records]
        return told


@pytest.fixture
def clock() -> Script:
    return Script()


@pytest.fixture
def display() -> Recorder:
    return Recorder()


class Runner:
    """Somebody else who moves the run while it is watched."""

    def __init__(self, client: Client, flow_run_id: str, clock: Script) -> None:
        self.client = client
        self.id = flow_run_id
        self.clock = clock

    def enters(self, state: State) -> Callable[[], object]:
        return lambda: self.client.set_flow_run_state(self.id, None, state)

    def logs(self, *messages: str, at: datetime | None = None, **parts: Any) -> Callable[[], object]:
        record = {"flow_run_id": self.id, "name": "test", "level": "INFO", **parts}
        return lambda: self.client.write_run_logs(
            {**record, "message": message, "timestamp": at or self.clock.now()} for message in messages
        )

    def deletes(self) -> None:
        self.client.graphql(
            "mutation($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }",
            variables={"id": self.id},
        )

    def nothing(self) -> None:
        pass


@pytest.fixture
def runner(server: MemoryServer, flow_run_id: str, clock: Script) -> Any:
    with server.client() as client:
        yield Runner(client, flow_run_id, clock)


def test_all_that_happens_is_told_in_order(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    clock.steps = [
        runner.enters(Submitted()),
        runner.enters(Running()),
        runner.logs("one", "two"),
        runner.logs("three"),
        runner.enters(Success("done")),
    ]

    final = client.watch_flow_run(flow_run_id, display=display)

    assert final == Success("done")
    assert display.told == ["Scheduled", "Submitted", "Running", "one", "two", "three", "Success"]
    assert display.closed == 1


def test_states_between_two_looks_are_told_too(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    def everything() -> None:
        for state in (Submitted(), Running(), Success()):
            runner.enters(state)()

    clock.steps = [everything]
    client.watch_flow_run(flow_run_id, display=display)

    assert display.states == ["Scheduled", "Submitted", "Running", "Success"]
    changes = display.of(StateChanged)
    assert [each.previous for each in changes] == [None, *(each.state for each in changes[:-1])]
    assert {(each.flow_run_id, each.flow_name) for each in changes} == {(flow_run_id, "daily-sales")}


def test_what_was_before_is_told_to_whoever_comes_late(
    client: Any, flow_run_id: str, runner: Runner, display: Recorder
) -> None:
    runner.enters(Running())()
    runner.logs("early")()
    runner.enters(Failed("broken"))()

    assert client.watch_flow_run(flow_run_id, display=display).is_failed()

    assert display.told == ["Scheduled", "Running", "early", "Failed"]


def test_what_is_logged_until_the_end_and_after_it_is_told_once_and_then_the_end(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    clock.steps = [
        runner.enters(Running()),
        runner.logs("first"),
        runner.enters(Success()),
        runner.logs("after the end"),
        runner.logs("and later still"),
    ]

    client.watch_flow_run(flow_run_id, display=display)

    assert display.messages == ["first", "after the end", "and later still"]
    assert display.told[-3:] == ["after the end", "and later still", "Success"]
    assert display.states == ["Scheduled", "Running", "Success"]


def test_the_end_comes_after_records_from_before_it_that_are_delivered_later(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    before = clock.now()
    clock.steps = [
        runner.enters(Running()),
        runner.enters(Failed("broken")),
        runner.logs("why", at=before + timedelta(seconds=0.3)),
    ]

    client.watch_flow_run(flow_run_id, display=display)

    assert display.told == ["Scheduled", "Running", "why", "Failed"]


def test_the_end_of_a_run_whose_log_never_goes_quiet_is_told_all_the_same(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    """Given a process that outlived its run, when it writes for ever, then the watching has an end."""
    runner.enters(Cancelled())()
    clock.steps = [runner.logs("still here")] * 100

    assert client.watch_flow_run(flow_run_id, display=display).is_cancelled()

    assert 10 < clock.monotonic() < 60
    assert display.told[-2:] == ["still here", "Cancelled"]


def test_states_are_told_in_order_though_the_clock_of_the_server_was_set_back(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    def everything() -> None:
        for state in (Running(), Failed(), Scheduled(), Running(), Success()):
            runner.enters(state)()
            clock.set_back(minutes=10)

    clock.steps = [everything]

    assert client.watch_flow_run(flow_run_id, display=display).is_successful()

    assert display.states == ["Scheduled", "Running", "Failed", "Scheduled", "Running", "Success"]


def test_records_that_arrive_late_are_told(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    """Given two machines that log, when one delivers older records after the other, then none is lost or doubled."""
    start = clock.now()
    clock.steps = [
        runner.logs(*"abc", at=start + timedelta(seconds=10)),
        runner.logs("older", at=start + timedelta(seconds=5)),
        runner.logs("of the same moment", at=start + timedelta(seconds=10)),
        runner.enters(Cancelled()),
    ]

    client.watch_flow_run(flow_run_id, display=display)

    assert sorted(display.messages) == ["a", "b", "c", "of the same moment", "older"]


def test_records_that_arrive_very_late_are_told(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    """As above, with more records in between than are read again."""
    start = clock.now()
    clock.steps = [
        runner.logs(*(f"line {number}" for number in range(250)), at=start + timedelta(seconds=10)),
        runner.logs("very old", at=start + timedelta(seconds=5)),
        runner.logs("last"),
        runner.enters(Success()),
    ]

    client.watch_flow_run(flow_run_id, display=display)

    assert sorted(display.messages) == sorted(
        [*(f"line {number}" for number in range(250)), "very old", "last"]
    )


def test_a_long_log_of_one_moment_is_read_without_pauses(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    lines = [str(number) for number in range(2 * LOG_PAGE + 10)]
    runner.logs(*lines)()
    runner.enters(Success())()

    client.watch_flow_run(flow_run_id, display=display)

    assert sorted(display.messages) == sorted(lines)
    assert clock.pauses == [1.0]


def test_task_runs_are_counted_by_state_children_of_mapped_ones_included(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    [task_id, *_] = [task.id for task in client.graphql("{ task(order_by: {slug: asc}) { id } }").data.task]
    total = client.graphql("{ task_run_aggregate { aggregate { count } } }").data.task_run_aggregate

    def map_and_finish_one() -> None:
        children = [runner.client.get_task_run_info(flow_run_id, task_id, index) for index in range(3)]
        runner.client.set_task_run_state(children[0].id, None, Running())
        runner.client.set_task_run_state(children[0].id, None, Success())
        runner.client.set_task_run_state(children[1].id, None, Running())

    clock.steps = [runner.enters(Running()), map_and_finish_one, runner.nothing, runner.enters(Success())]
    client.watch_flow_run(flow_run_id, display=display)

    first, second = display.of(TaskRunsProgressed)
    known = total.aggregate.count
    assert (first.counts, first.total, first.finished) == ({"Pending": known}, known, 0)
    assert second.counts == {"Pending": known + 1, "Running": 1, "Success": 1}
    assert (second.total, second.finished, second.failed) == (known + 3, 1, 0)


def test_one_request_a_look_at_growing_intervals_while_nothing_happens(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder, faults: Faults
) -> None:
    runner.enters(Scheduled(start_time=clock.now() + timedelta(hours=1)))()
    before = len(faults.requests)
    clock.steps = [*[runner.nothing] * 12, runner.enters(Running()), runner.nothing, runner.enters(Success())]

    client.watch_flow_run(flow_run_id, display=display)

    by_others = ("SetFlowRunStates", "capabilities")
    looks = [each for each in faults.requests[before:] if not any(name in each.text for name in by_others)]
    waited = clock.pauses
    assert len(looks) == len(faults.sent("WatchFlowRun")) == len(waited) + 1
    assert waited[:4] == [0.25, 0.375, 0.5625, 0.84375]
    assert waited[11:13] == [5.0, 5.0]
    assert waited[13:15] == [0.25, 0.375]
    assert waited[15:] == [1.0]


def test_without_its_log_a_finished_run_is_looked_at_once(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    runner.logs("unheard")()
    runner.enters(Success())()

    client.watch_flow_run(flow_run_id, logs=False, display=display)

    assert (display.messages, clock.pauses) == ([], [])


def test_records_below_a_level_are_left_out(
    client: Any, flow_run_id: str, runner: Runner, display: Recorder
) -> None:
    runner.logs("fine")()
    runner.logs("broken", level="ERROR")()
    runner.enters(Failed())()

    client.watch_flow_run(flow_run_id, min_level="WARNING", display=display)

    assert display.messages == ["broken"]


def test_a_run_that_takes_too_long_is_a_timeout(client: Any, flow_run_id: str, display: Recorder) -> None:
    with pytest.raises(WaitTimeout, match="still Scheduled after 7") as caught:
        client.watch_flow_run(flow_run_id, timeout=7, display=display)

    assert (caught.value.flow_run_id, caught.value.state_type) == (flow_run_id, "Scheduled")
    assert display.closed == 1
    assert not display.of(WatchingStopped)


def test_a_timeout_before_a_run_has_begun_points_to_the_explanation_and_else_to_its_log(
    client: Any, flow_run_id: str, runner: Runner
) -> None:
    with pytest.raises(WaitTimeout, match=r"ask explain_flow_run\(\)") as caught:
        client.watch_flow_run(flow_run_id, timeout=1, display=Recorder())
    assert "log" not in str(caught.value)
    runner.enters(Running())()
    with pytest.raises(WaitTimeout, match=r"get_flow_run_logs\(\)"):
        client.wait_for_flow_run(flow_run_id, timeout=1)


def test_a_display_hears_of_each_look_though_nothing_happens(
    client: Any, flow_run_id: str, display: Recorder, faults: Faults
) -> None:
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=7, display=display)

    assert display.of(Looked) == [Looked(flow_run_id)] * len(faults.sent("WatchFlowRun"))


def test_why_a_run_that_is_due_is_not_taken_is_told_once(
    client: Any, flow_run_id: str, clock: Script, display: Recorder
) -> None:
    created = clock.now()
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=60, display=display)

    [told] = display.of(WaitExplained)
    assert told.explanation.reasons[0].code == "no_agents"
    assert timedelta(seconds=10) <= told.timestamp - created < timedelta(seconds=16)


def test_why_a_run_is_late_is_told_at_once_to_whoever_comes_late(
    client: Any, flow_run_id: str, clock: Script, display: Recorder
) -> None:
    clock.advance(600)
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=0, display=display)

    assert len(display.of(WaitExplained)) == 1


@pytest.mark.parametrize("state", [Submitted(), Running()])
def test_a_run_that_somebody_has_taken_is_not_explained(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder, state: State
) -> None:
    clock.advance(600)
    runner.enters(state)()
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=60, display=display)

    assert display.of(WaitExplained) == []


def test_a_run_for_later_is_not_explained_before_its_time(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    runner.enters(Scheduled(start_time=clock.now() + timedelta(hours=1)))()
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=60, display=display)

    assert display.of(WaitExplained) == []


def test_an_explanation_that_fails_does_not_end_the_watching(
    client: Any, flow_run_id: str, display: Recorder, faults: Faults
) -> None:
    faults.answer(400, matching="GetStanding")
    with pytest.raises(WaitTimeout):
        client.watch_flow_run(flow_run_id, timeout=60, display=display)

    assert display.of(WaitExplained) == []


def test_a_run_that_is_deleted_while_it_is_watched_is_said_to_be(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    clock.steps = [runner.deletes]
    with pytest.raises(NotFound, match=f"flow run {flow_run_id} was deleted while it was watched"):
        client.watch_flow_run(flow_run_id, display=display)


def test_a_run_that_is_deleted_while_it_is_waited_for_is_said_to_be(
    client: Any, flow_run_id: str, clock: Script, runner: Runner
) -> None:
    clock.steps = [runner.deletes]
    with pytest.raises(NotFound, match=f"flow run {flow_run_id} was deleted while it was waited for"):
        client.wait_for_flow_run(flow_run_id)


def test_a_run_that_is_woken_after_its_end_is_watched_on(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    runner.enters(Running())()
    runner.enters(Failed())()
    clock.steps = [
        runner.enters(Scheduled()),
        runner.nothing,
        runner.enters(Running()),
        runner.enters(Success()),
    ]

    assert client.watch_flow_run(flow_run_id, display=display).is_successful()

    assert display.states == ["Scheduled", "Running", "Failed", "Scheduled", "Running", "Success"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_leaves_the_run_alone_and_is_told(
    client: Any,
    flow_run_id: str,
    clock: Script,
    display: Recorder,
    interruption: type[BaseException],
    colour: str,
) -> None:
    def interrupt() -> None:
        raise interruption

    clock.steps = [interrupt]
    with pytest.raises(interruption):
        client.watch_flow_run(flow_run_id, display=display)

    assert display.events[-1] == WatchingStopped(flow_run_id)
    assert display.closed == 1
    if colour == "sync":
        assert client.get_flow_run_state(flow_run_id).is_scheduled()


def test_the_end_is_told_to_whoever_stops_while_the_last_of_the_log_is_waited_for(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    runner.enters(Success())()
    clock.steps = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        client.watch_flow_run(flow_run_id, display=display)

    assert display.states == ["Scheduled", "Success"]
    assert not display.of(WatchingStopped)


def test_the_end_is_told_although_the_last_of_the_log_cannot_be_read(
    client: Any, flow_run_id: str, clock: Script, runner: Runner, display: Recorder
) -> None:
    runner.enters(Success())()
    clock.steps = [runner.deletes]
    with pytest.raises(NotFound):
        client.watch_flow_run(flow_run_id, display=display)

    assert display.states == ["Scheduled", "Success"]


@pytest.mark.parametrize("method", ["watch_flow_run", "wait_for_flow_run"])
@pytest.mark.parametrize(
    ("timeout", "error"), [("3", TypeError), (True, TypeError), (-3, BadInput), (float("nan"), BadInput)]
)
def test_a_timeout_that_makes_no_sense_is_refused_before_anything_is_sent(
    client: Any, flow_run_id: str, faults: Faults, method: str, timeout: Any, error: type[Exception]
) -> None:
    before = len(faults.requests)
    with pytest.raises(error, match="timeout must be"):
        getattr(client, method)(flow_run_id, timeout=timeout)
    assert len(faults.requests) == before


def test_what_makes_no_sense_is_refused(client: Any, flow_run_id: str, display: Recorder) -> None:
    with pytest.raises(NotFound, match=f"flow run {NOBODY} does not exist"):
        client.watch_flow_run(NOBODY, display=display)
    with pytest.raises(BadInput, match="min_level must be one of"):
        client.watch_flow_run(flow_run_id, min_level="LOUD", display=Recorder())


def test_a_real_run_in_another_thread_is_watched_to_its_end(tmp_path: Path) -> None:
    """Given a run that maps, logs and fails in one of its tasks, when it is watched, then all of it is seen."""

    @task
    def numbers(count: int) -> list[int]:
        return list(range(count))

    @task
    def halve(number: int) -> int:
        if number == 3:
            raise ValueError("three is odd")
        return number // 2

    with Flow("halves") as flow:
        halve.map(numbers(Parameter("count", default=5)))

    with MemoryServer() as server, server.client() as client:
        client.create_project("tests")
        flow_id = client.register(flow, "tests", build=False, no_url=True)
        flow_run_id = client.create_flow_run(flow_id)
        client.write_run_logs(
            [{"flow_run_id": flow_run_id, "message": "created", "timestamp": datetime.now(UTC)}]
        )
        run = ServerRun(flow, flow_run_id, server.client, outbox=tmp_path / "outbox")
        running = threading.Thread(target=run.run)
        display = Recorder()

        running.start()
        final = client.watch_flow_run(flow_run_id, timeout=30, display=display)
        running.join(30)

    assert final.is_failed()
    assert display.states == ["Scheduled", "Running", "Failed"]
    last = display.of(TaskRunsProgressed)[-1]
    assert (last.total, last.finished, last.failed) == (8, 8, 1)
    assert display.messages == ["created"]


def test_the_hint_on_how_to_go_on_is_in_the_words_of_the_client(
    client: Any, flow_run_id: str, clock: Script, colour: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.steps = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        client.watch_flow_run(flow_run_id)

    call = "await client" if colour == "async" else "client"
    shown = capsys.readouterr().out
    assert f'Watch it again with {call}.watch_flow_run("{flow_run_id}")' in shown
    assert f'or end it with {call}.cancel_flow_run("{flow_run_id}").' in shown


@pytest.mark.anyio
async def test_a_cancelled_task_leaves_the_run_alone(display: Recorder, serialized_flow: Any) -> None:
    with MemoryServer() as server:
        async with server.async_client() as client:
            await client.create_project("sales")
            flow_id = await client.register(serialized_flow, "sales", no_url=True)
            flow_run_id = await client.create_flow_run(flow_id, parameters={"day": "1"})
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.watch_flow_run(flow_run_id, display=display), 0.1)
            assert (await client.get_flow_run_state(flow_run_id)).is_scheduled()
    assert display.events[-1] == WatchingStopped(flow_run_id)
    assert display.closed == 1


AT_A_TERMINAL = """
from orchestra_client.testing import memory_client
with memory_client() as client:
    client.create_project("p")
    flow_id = client.register({"name": "f", "tasks": [{"name": "t", "slug": "t"}], "edges": []}, "p", no_url=True)
    flow_run_id = client.create_flow_run(flow_id, run_name="brave-otter")
    try:
        client.watch_flow_run(flow_run_id)
    finally:
        print("and the run is", client.get_flow_run_state(flow_run_id).type_name, flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_at_a_real_terminal_says_how_to_go_on(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    script = tmp_path / "script.py"
    script.write_text(AT_A_TERMINAL)
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
    )
    os.close(theirs)

    def read_until(text: str) -> str:
        seen = ""
        while text not in seen:
            seen += os.read(ours, 4096).decode()
        return seen

    try:
        bar = read_until("0/1")
        process.send_signal(signal.SIGINT)
        rest = read_until("and the run is Scheduled")
        assert process.wait(10) == -signal.SIGINT
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "f brave-otter" in bar
    assert "Stopped watching; the flow run goes on." in rest
    assert 'client.watch_flow_run("' in rest
    # The cursor, which a bar hides, is there again.
    assert rest.rindex("\x1b[?25h") > rest.find("\x1b[?25l")
