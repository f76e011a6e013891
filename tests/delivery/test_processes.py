"""Delivery across processes: forks, spawned workers, pools, and the end of a process."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestra_client import Client, context
from orchestra_client.delivery import Heartbeats, OrchestraHandler, Outbox, carry, secrets
from orchestra_client.delivery.handler import active_handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.slow,
    # Python 3.12 warns of every fork of a process with threads; that such forks work is what is tested here.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning"),
]

ORCHESTRA = str(Path(sys.executable).with_name("orchestra"))
FLOW = Path(__file__).parents[2] / "examples" / "flows" / "daily_sales.json"


@pytest.fixture
def api(isolated_environment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Client]:
    """A client on a server process, which every process of the test finds in its environment."""
    token = "orc_" + "t" * 43
    command = [ORCHESTRA, "server", "start", "--port", "0", "--auth", "token"]
    environ = {**os.environ, "ORCHESTRA_BOOTSTRAP_TOKEN": token}
    with subprocess.Popen(
        [*command, "--database", f"sqlite:///{tmp_path}/server.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening on ").strip()
        monkeypatch.setenv("ORCHESTRA_API_SERVER", url)
        monkeypatch.setenv("ORCHESTRA_API_TOKEN", token)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with Client() as client:
            yield client
        process.terminate()


@pytest.fixture
def run_id(api: Client) -> str:
    api.create_project("sales")
    flow_id = api.register(json.loads(FLOW.read_text()), "sales", no_url=True)
    return api.create_flow_run(flow_id, parameters={"day": "2026-01-01"})


@pytest.fixture
def messages(api: Client, run_id: str) -> Callable[[], list[str | None]]:
    return lambda: [record.message for record in api.get_flow_run_logs(run_id)]


@pytest.fixture
def handler(api: Client) -> Iterator[OrchestraHandler]:
    handler = OrchestraHandler()
    yield handler
    handler.close()


@pytest.fixture
def logger(handler: OrchestraHandler) -> logging.Logger:
    """A logger without the test runner's handlers: they write to files, whose locks a forked child may find taken."""
    logger = logging.Logger("tests", logging.INFO)
    logger.addHandler(handler)
    return logger


@pytest.fixture
def named_logger(handler: OrchestraHandler) -> Iterator[logging.Logger]:
    """A logger that other processes find by its name."""
    logger = logging.getLogger("tests.processes")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)


def fork(work: Callable[[], object]) -> int:
    """Do something in a forked child, which ends without what Python does at its end; its exit code."""
    child = os.fork()
    if not child:
        signal.alarm(30)  # ends one that hangs, which then fails the test instead of holding it up
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_parent_and_forked_child_each_deliver_their_own_once(
    handler: OrchestraHandler,
    logger: logging.Logger,
    run_id: str,
    messages: Callable[[], list[str | None]],
) -> None:
    with context(flow_run_id=run_id):
        for number in range(50):
            logger.info("parent %d", number)

        def work() -> None:
            logger.info("child")
            assert handler.deliver(10)

        assert fork(work) == 0
        logger.info("parent at last")
    assert handler.deliver(10)
    stored = messages()
    assert stored.count("child") == 1
    assert [each for each in stored if each != "child"] == [
        *(f"parent {number}" for number in range(50)),
        "parent at last",
    ]


def test_a_child_forked_while_threads_log_is_not_blocked(logger: logging.Logger, run_id: str) -> None:
    import threading

    is_over = threading.Event()

    def hammer() -> None:
        while not is_over.is_set():
            logger.info("hammer")
            time.sleep(0.0005)

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        codes = [fork(lambda: logger.info("child")) for _ in range(20)]
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert codes == [0] * 20


def test_what_a_child_leaves_behind_its_parent_delivers(
    handler: OrchestraHandler,
    logger: logging.Logger,
    run_id: str,
    messages: Callable[[], list[str | None]],
) -> None:
    with context(flow_run_id=run_id):
        assert fork(lambda: logger.info("left behind")) == 0
    handler.adopt()
    deadline = time.monotonic() + 10
    while not messages() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert messages() == ["left behind"]


def say(word: str) -> int:
    secrets_known = len(secrets.values())
    logging.getLogger("tests.processes").info("%s from a pool, hunter2-hunter2", word)
    return secrets_known


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_pool_logs_for_the_run(
    named_logger: logging.Logger, run_id: str, messages: Callable[[], list[str | None]], method: str
) -> None:
    secrets.add("hunter2-hunter2")
    with context(flow_run_id=run_id):
        work = carry(say)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(work, ["a", "b", "c"], timeout=60)) == [len(secrets.values())] * 3
    assert sorted(map(str, messages())) == ["a from a pool, …", "b from a pool, …", "c from a pool, …"]


AT_EXIT = """
import logging, sys
from orchestra_client import context
from orchestra_client.delivery import OrchestraHandler
logging.getLogger().addHandler(OrchestraHandler())
with context(flow_run_id=sys.argv[1]):
    logging.warning("one line, and out")
"""


def test_a_short_program_loses_no_line(run_id: str, messages: Callable[[], list[str | None]]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT, run_id], capture_output=True, timeout=30, check=True
    )
    assert done.stderr == b""
    assert messages() == ["one line, and out"]


def test_a_program_ends_in_time_though_the_api_is_away(run_id: str, isolated_environment: Path) -> None:
    started = time.monotonic()
    environ = {**os.environ, "ORCHESTRA_API_SERVER": "http://127.0.0.1:9"}
    code = AT_EXIT.replace("OrchestraHandler()", "OrchestraHandler(flush_timeout=2)")
    done = subprocess.run(
        [sys.executable, "-c", code, run_id], capture_output=True, timeout=30, check=True, env=environ
    )
    assert time.monotonic() - started < 8
    assert b"1 log records wait on disk; the next process delivers them." in done.stderr
    assert len(list(isolated_environment.rglob("*.jsonl"))) == 1


def test_a_forked_child_inherits_neither_heartbeats_nor_states(api: Client, run_id: str) -> None:
    with Heartbeats() as heartbeats, Outbox() as outbox:
        heartbeats.add(run_id)

        def work() -> None:
            assert len(heartbeats) == 0
            assert not heartbeats._worker.is_alive
            assert len(outbox) == 0
            heartbeats.add(run_id)
            assert heartbeats._worker.is_alive

        assert fork(work) == 0
        assert len(heartbeats) == 1


def test_handlers_are_known_while_they_are_open(handler: OrchestraHandler) -> None:
    assert handler in active_handlers()
    handler.close()
    assert handler not in active_handlers()
