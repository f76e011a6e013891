"""What waits on disk: it outlives an outage and its process, bounded, and whoever comes next delivers it once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from orchestra_client.clock import SystemClock
from orchestra_client.delivery import Limits
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.channel import ChannelSource
from orchestra_client.delivery.journal import Journal, read_lines
from orchestra_client.delivery.log_queue import LogQueue
from orchestra_client.delivery.log_sender import LogSender
from orchestra_client.delivery.records import Draft
from orchestra_client.delivery.spool import Spool, spool_folder
from orchestra_client.testing import MemoryServer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestra_client.client import Client
    from orchestra_client.testing import Faults

    Messages = Callable[[], list[str | None]]


class Reporter:
    """A queue and its sender, driven turn by turn, as a process of its own has them."""

    def __init__(
        self, folder: Path, open_client: Callable[[], Client], clock: VirtualClock, limits: Limits
    ) -> None:
        spool = Spool(folder, clock)
        self.queue = LogQueue(spool, limits, clock=clock, new_id=lambda: str(uuid4()), on_batch=lambda: None)
        self.source = ChannelSource(open_client)
        self.sender = LogSender(
            self.queue,
            spool,
            channel=self.source.channel,
            clock=clock,
            backoff=Backoff(1.0, 30.0, random.random),
        )
        self._clock = clock

    def log(self, flow_run_id: str, message: object) -> None:
        created = self._clock.now().timestamp()
        self.queue.put(Draft(flow_run_id, None, created, "tests", "INFO", str(message)))

    def pass_time(self, seconds: float) -> None:
        """Do the turns of so many seconds, each when the one before said."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            pause = self.sender.turn()
            self._clock.advance(left if pause is None else min(max(pause, 0.01), left))

    def vanish(self) -> None:
        """As `kill -9` does: the system frees the lock, and nobody is asked."""
        if self.queue._stream is not None:
            self.queue._stream.abandon()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(SystemClock().now())


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[MemoryServer]:
    with MemoryServer(clock=clock) as server:
        yield server


@pytest.fixture
def new_reporter(
    tmp_path: Path, open_client: Callable[[], Client], clock: VirtualClock
) -> Iterator[Callable[..., Reporter]]:
    made: list[Reporter] = []

    def make(limits: Limits | None = None) -> Reporter:
        made.append(Reporter(tmp_path / "spool", open_client, clock, limits or Limits()))
        return made[-1]

    yield make
    for reporter in made:
        reporter.vanish()
        reporter.source.close()


def test_records_of_a_ten_minute_outage_arrive_in_order(
    new_reporter: Callable[..., Reporter], messages: Messages, flow_run_id: str, faults: Faults
) -> None:
    reporter = new_reporter()
    faults.refuse_connections(10_000, matching="WriteRunLogs")
    for number in range(600):
        reporter.log(flow_run_id, number)
        reporter.pass_time(1)
    tried = len(faults.sent("WriteRunLogs"))
    faults._queue.clear()
    reporter.pass_time(31)
    assert messages() == [str(number) for number in range(600)]
    assert tried < 60, "an API that is away is asked ever more seldom"


def test_a_long_outage_fills_the_disk_and_not_the_memory(
    new_reporter: Callable[..., Reporter], messages: Messages, flow_run_id: str, faults: Faults
) -> None:
    limits = Limits(max_records=10, max_message=1000, max_bytes=20_000, max_memory=50_000)
    reporter = new_reporter(limits)
    faults.refuse_connections(10_000, matching="WriteRunLogs")
    for number in range(1000):
        reporter.log(flow_run_id, f"{number} {'x' * 500}")
    assert reporter.queue._memory <= 50_000
    faults._queue.clear()
    reporter.pass_time(31)
    assert [str(message).split()[0] for message in messages()] == [str(number) for number in range(1000)]


def test_the_spool_is_bounded(
    new_reporter: Callable[..., Reporter],
    messages: Messages,
    flow_run_id: str,
    faults: Faults,
    tmp_path: Path,
) -> None:
    limits = Limits(max_records=10, max_message=1000, max_bytes=20_000, max_memory=50_000, max_spool=100_000)
    reporter = new_reporter(limits)
    faults.refuse_connections(10_000, matching="WriteRunLogs")
    for number in range(1000):
        reporter.log(flow_run_id, f"{number} {'x' * 500}")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.jsonl")) <= 100_000
    faults._queue.clear()
    reporter.pass_time(31)
    *kept, report = messages()
    assert [str(message).split()[0] for message in kept] == [str(number) for number in range(len(kept))]
    assert str(report).startswith(f"{1000 - len(kept)} records were dropped: more was logged")


def test_the_next_process_delivers_what_a_killed_one_left(
    new_reporter: Callable[..., Reporter], messages: Messages, flow_run_id: str, tmp_path: Path
) -> None:
    killed = new_reporter()
    for number in range(5):
        killed.log(flow_run_id, number)
    killed.vanish()
    new_reporter().pass_time(2)
    assert messages() == ["0", "1", "2", "3", "4"]
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_a_living_process_has_on_disk_is_its_own(
    new_reporter: Callable[..., Reporter], messages: Messages, flow_run_id: str
) -> None:
    living = new_reporter()
    living.log(flow_run_id, "mine")
    new_reporter().pass_time(2)
    assert messages() == []
    living.pass_time(2)
    assert messages() == ["mine"]


@pytest.mark.parametrize("auth", ["same", "another"])
def test_what_a_killed_process_had_sent_is_not_stored_twice(
    new_reporter: Callable[..., Reporter],
    open_client: Callable[[], Client],
    messages: Messages,
    flow_run_id: str,
    faults: Faults,
    auth: str,
) -> None:
    # Another credential's repeat is not recognised by its key, so the record itself is looked for.
    killed = new_reporter()
    killed.log(flow_run_id, "once")
    faults.lose_answers(1, matching="WriteRunLogs")
    killed.pass_time(1.5)
    assert messages() == ["once"]
    killed.vanish()
    if auth == "another":
        [entry] = [each for stream in killed.queue._spool.adopt() for each in stream.entries()]  # type: ignore[union-attr]
        entry.path.rename(entry.path.with_name(f"00000001-{uuid4()}.jsonl"))
    new_reporter().pass_time(2)
    assert messages() == ["once"]


def test_a_stream_for_another_tenant_is_left_alone(
    new_reporter: Callable[..., Reporter], tmp_path: Path, messages: Messages, flow_run_id: str
) -> None:
    theirs = new_reporter()
    theirs.log("00000000-0000-4000-8000-000000000000", "not for this server")
    theirs.vanish()
    reporter = new_reporter()
    reporter.log(flow_run_id, "mine")
    reporter.pass_time(130)
    assert messages() == ["mine"]
    assert [line for path in tmp_path.rglob("*.jsonl") for line in read_lines(path)]


def test_a_stream_that_is_refused_is_tried_less_and_less(
    new_reporter: Callable[..., Reporter], client: Client, flow_run_id: str, faults: Faults
) -> None:
    first = new_reporter()
    faults.refuse_connections(1000, matching="WriteRunLogs")
    for number in range(300):
        first.log(flow_run_id, number)
    first.pass_time(10)
    first.vanish()
    faults._queue.clear()
    client.graphql(
        "mutation($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }",
        variables={"id": flow_run_id},
    )
    second = new_reporter()

    def asked(seconds: float) -> int:
        before = len(faults.requests)
        second.pass_time(seconds)
        return len(faults.requests) - before

    at_first = asked(50)
    assert 0 < at_first < 100
    assert asked(3600) <= 6 * at_first
    assert asked(86400) <= 10 * at_first


def test_what_nobody_can_deliver_is_given_up_after_a_week(
    new_reporter: Callable[..., Reporter], clock: VirtualClock, tmp_path: Path
) -> None:
    theirs = new_reporter()
    theirs.log("00000000-0000-4000-8000-000000000000", "for nobody")
    theirs.vanish()
    clock.advance(8 * 24 * 3600)
    new_reporter().pass_time(2)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_damaged_line_is_left_out_and_its_neighbours_arrive(
    new_reporter: Callable[..., Reporter], messages: Messages, flow_run_id: str, tmp_path: Path
) -> None:
    killed = new_reporter()
    for number in range(3):
        killed.log(flow_run_id, number)
    killed.vanish()
    [path] = tmp_path.rglob("*.jsonl")
    lines = read_lines(path)
    path.write_bytes(lines[0] + b"\n" + b"{nonsense\n" + lines[2] + b"\n" + lines[1][:20])
    new_reporter().pass_time(2)
    assert messages() == ["0", "2"]


def test_a_server_that_fails_over_one_batch_does_not_fail_over_all(
    new_reporter: Callable[..., Reporter],
    open_client: Callable[[], Client],
    messages: Messages,
    flow_run_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestra_client.server.resolvers import logs

    def fail_over_poison(log: dict[str, object]) -> None:
        if log["message"] == "poison":
            raise RuntimeError("a bug of the server")

    row = logs._row
    monkeypatch.setattr(logs, "_row", lambda *args: (fail_over_poison(args[1]), row(*args))[1])
    reporter = new_reporter()
    reporter.log(flow_run_id, "poison")
    reporter.pass_time(1.1)
    reporter.log(flow_run_id, "next")
    reporter.pass_time(60)
    assert messages() == ["next", "1 record was dropped: the API refused them."]


def test_a_server_that_fails_over_everything_loses_nothing(
    new_reporter: Callable[..., Reporter],
    messages: Messages,
    flow_run_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestra_client.server.store.session import Session

    insert = Session.insert

    def fail(*_arguments: object) -> None:
        raise RuntimeError("the disk is gone")

    reporter = new_reporter()
    reporter.log(flow_run_id, "patience")
    with monkeypatch.context() as patched:
        from orchestra_client.server.resolvers import logs

        patched.setattr(logs, "write_run_logs", fail)
        patched.setattr(Session, "insert", fail)
        reporter.pass_time(600)
    assert Session.insert is insert
    reporter.pass_time(60)
    assert messages() == ["patience"]


def test_a_journal_holds_what_fits_and_survives_unsealed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", 4096)
    assert journal.append(b"first\n")
    assert journal.append(b"x" * 4000 + b"\n")
    assert not journal.append(b"y" * 200 + b"\n")
    assert read_lines(tmp_path / "journal") == [b"first", b"x" * 4000]
    journal.seal()
    assert (tmp_path / "journal").stat().st_size == journal.size


def test_a_journal_that_finds_no_room_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        Journal(tmp_path / "journal", 4096)
    assert not list(tmp_path.iterdir())


CHILD = """
import logging, os, signal, sys
from orchestra_client import Client, context
from orchestra_client.delivery import OrchestraHandler
logging.getLogger().addHandler(OrchestraHandler())
with context(flow_run_id=sys.argv[1]):
    for number in range(int(sys.argv[2])):
        logging.getLogger("child").warning("%d", number)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_nothing_that_was_logged_is_lost_by_kill_9(
    flow_run_id: str, messages: Messages, open_client: Callable[[], Client], isolated_environment: Path
) -> None:
    # Given a process whose server cannot be reached
    environ = {**os.environ, "ORCHESTRA_API_SERVER": "http://127.0.0.1:9", "ORCHESTRA_API_TOKEN": "orc_none"}
    # When it logs and is killed right after
    command = [sys.executable, "-c", CHILD, flow_run_id, "10000"]
    done = subprocess.run(command, env=environ, check=False, timeout=60, stderr=subprocess.DEVNULL)
    assert done.returncode == -signal.SIGKILL
    # Then the next one delivers everything
    from orchestra_client.delivery import OrchestraHandler

    handler = OrchestraHandler(open_client, spool=spool_folder("logs", environ["ORCHESTRA_API_SERVER"]))
    handler.adopt()
    deadline = time.monotonic() + 30
    while len(messages()) < 10_000 and time.monotonic() < deadline:
        time.sleep(0.2)
    handler.close()
    assert messages() == [str(number) for number in range(10_000)]


def test_servers_are_kept_apart(monkeypatch: pytest.MonkeyPatch, isolated_environment: Path) -> None:
    monkeypatch.setenv("ORCHESTRA_API_SERVER", "http://one/graphql")
    own, other = spool_folder("states"), spool_folder("states", "http://two/graphql")

    assert own != other
    assert own == spool_folder("states", "http://one/graphql")
    assert isolated_environment in own.parents
