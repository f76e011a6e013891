"""The logging handler: what it makes of records, and that all of them arrive, once and in order."""

from __future__ import annotations

import gc
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestra_client import context
from orchestra_client.delivery import Limits, Secrets, carry, secrets
from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client.client import Client
    from orchestra_client.delivery import OrchestraHandler
    from orchestra_client.testing import Faults

    Messages = Callable[[], list[str | None]]
    OpenHandler = Callable[..., OrchestraHandler]


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of one test are none of the next one's."""
    monkeypatch.setattr(secrets, "_values", frozenset())
    monkeypatch.setattr(secrets, "_pattern", None)


def test_a_record_arrives_with_the_ids_of_the_context(
    handler: OrchestraHandler, logger: logging.Logger, client: Client, flow_run_id: str, task_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id, task_run_id=task_run_id):
        logger.warning("%d rows", 3)
    assert handler.deliver(5)
    [record] = client.get_flow_run_logs(flow_run_id)
    assert (record.task_run_id, record.level, record.name, record.message) == (
        task_run_id,
        "WARNING",
        "tests",
        "3 rows",
    )


def test_a_record_may_name_its_run_itself(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    logger.info("mine", extra={"flow_run_id": flow_run_id})
    assert handler.deliver(5)
    assert messages() == ["mine"]


def test_what_is_no_id_of_a_run_harms_nobody(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with context(flow_run_id="yesterday's"):
        logger.info("whose?")
    with context(flow_run_id=flow_run_id, task_run_id={"not": "an id"}):
        logger.info("mine")
    assert handler.deliver(5)
    assert messages() == ["mine"]


@pytest.mark.parametrize(
    ("levelno", "level", "own_name"),
    [
        (7, "DEBUG", "Level 7"),
        (10, "DEBUG", None),
        (25, "INFO", "NOTICE"),
        (35, "WARNING", "Level 35"),
        (50, "CRITICAL", None),
        (99, "CRITICAL", "Level 99"),
    ],
)
def test_every_level_becomes_one_of_the_five(
    handler: OrchestraHandler,
    logger: logging.Logger,
    client: Client,
    flow_run_id: str,
    levelno: int,
    level: str,
    own_name: str | None,
) -> None:
    names = {25: "NOTICE"}
    record = logger.makeRecord("tests", levelno, __file__, 1, "hello", (), None)
    record.levelname = names.get(levelno, record.levelname)
    with context(flow_run_id=flow_run_id):
        logger.handle(record)
    assert handler.deliver(5)
    [stored] = client.get_flow_run_logs(flow_run_id)
    assert (stored.level, stored.info.get("level")) == (level, own_name)


def test_an_exception_is_part_of_the_message(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id):
        try:
            raise ValueError("no rows")
        except ValueError:
            logger.exception("load failed")
    assert handler.deliver(5)
    [message] = messages()
    assert message is not None
    assert message.startswith("load failed\nTraceback")
    assert message.endswith("ValueError: no rows")


def test_a_record_that_cannot_be_formatted_arrives_all_the_same(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id):
        logger.info("%d rows", "three")
    assert handler.deliver(5)
    [message] = messages()
    assert message is not None
    assert "'%d rows' % ('three',)" in message


def test_records_arrive_in_order_each_once_though_answers_are_lost(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str, faults: Faults
) -> None:
    handler = open_handler(limits=Limits(max_records=10))
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    faults.lose_answers(2, matching="WriteRunLogs")
    with context(flow_run_id=flow_run_id):
        for number in range(95):
            logger.info("%d", number)
    assert handler.deliver(10)
    assert messages() == [str(number) for number in range(95)]


def test_sequence_numbers_have_no_gaps(
    handler: OrchestraHandler, logger: logging.Logger, client: Client, flow_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id):
        for _ in range(5):
            logger.info("hello")
    assert handler.deliver(5)
    infos = [record.info for record in client.get_flow_run_logs(flow_run_id)]
    assert [info["sequence"] for info in infos] == [1, 2, 3, 4, 5]
    assert len({info["stream"] for info in infos}) == 1


def test_a_context_reaches_threads_when_it_is_carried(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with ThreadPoolExecutor() as pool:
        with context(flow_run_id=flow_run_id):
            work = carry(logger.info)
        pool.submit(work, "from a thread").result()
    assert handler.deliver(5)
    assert messages() == ["from a thread"]


def test_many_threads_lose_nothing(
    handler: OrchestraHandler, logger: logging.Logger, client: Client, flow_run_id: str
) -> None:
    def work(name: int) -> None:
        with context(flow_run_id=flow_run_id):
            for number in range(200):
                logger.info("%d %d", name, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert handler.deliver(10)
    stored = client.get_flow_run_logs(flow_run_id)
    by_thread = {name: [r.message for r in stored if r.message.split()[0] == str(name)] for name in range(8)}
    assert by_thread == {name: [f"{name} {number}" for number in range(200)] for name in range(8)}
    assert [record.info["sequence"] for record in stored] == list(range(1, 1601))


def test_a_finalizer_that_logs_while_a_record_is_taken_blocks_nothing(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    class Talkative:
        def __del__(self) -> None:
            logger.info("gone")

        def __str__(self) -> str:
            return "here"

    with context(flow_run_id=flow_run_id):
        things = [Talkative() for _ in range(50)]
        for thing in things:
            thing.cycle = thing  # type: ignore[attr-defined]  # so that the collector, whenever it runs, finds them
        before = gc.get_threshold()
        gc.set_threshold(1)
        try:
            logger.info("%s", things.pop())
            things.clear()
            logger.info("after")
            gc.collect()
        finally:
            gc.set_threshold(*before)
    assert handler.deliver(5)
    # Those that were collected in the thread that sends are not taken.
    assert {"here", "after", "gone"} == set(messages())


def test_a_message_that_is_too_long_is_cut_with_a_mark(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str
) -> None:
    handler = open_handler(limits=Limits(max_message=1000))
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    with context(flow_run_id=flow_run_id):
        logger.info("ä" * 5000)
        logger.info("x" * 1000)
    assert handler.deliver(5)
    cut, whole = messages()
    assert cut is not None
    assert cut.endswith(" … [cut off; it has 5000 characters]")
    assert 130 < len(cut) < 200
    assert whole == "x" * 1000


def test_secrets_and_tokens_are_masked_in_messages_and_tracebacks(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    secrets.add("hunter2-hunter2")
    with context(flow_run_id=flow_run_id, secrets={"DB": "correct horse battery"}):
        logger.info("login with %s and %s", "hunter2-hunter2", "orc_" + "b" * 43)
        try:
            raise ValueError("refused: correct horse battery")
        except ValueError:
            logger.exception("it failed")
    assert handler.deliver(5)
    text = "\n".join(str(message) for message in messages())
    assert "hunter2" not in text
    assert "horse" not in text
    assert "orc_bbb" not in text
    assert text.startswith("login with … and orc_…bbbb")


def test_a_secret_is_not_half_shown_where_a_message_is_cut(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str
) -> None:
    handler = open_handler(limits=Limits(max_message=200))
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    secrets.add("hunter2" * 5)
    with context(flow_run_id=flow_run_id):
        for length in range(100, 420, 10):
            logger.info("x" * length + "hunter2" * 5)
    assert handler.deliver(5)
    assert not any("hunt" in str(message) for message in messages())


def test_records_of_the_libraries_that_send_are_not_taken(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str
) -> None:
    handler = open_handler()
    with context(flow_run_id=flow_run_id):
        for name in (
            "httpx",
            "httpcore.http11",
            "orchestra_client",
            "orchestra_client.delivery",
            "gql.client",
        ):
            logger = logging.Logger(name)
            logger.addHandler(handler)
            logger.error("sent")
        engine = logging.Logger("orchestra_client.engine")
        engine.addHandler(handler)
        engine.info("Task run begins.")
    assert handler.deliver(5)
    assert messages() == ["Task run begins."]


def test_a_poisoned_record_is_dropped_alone_and_counted(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id):
        for number in range(10):
            # A task run that does not exist has the API refuse the whole batch.
            extra = {"task_run_id": "00000000-0000-4000-8000-000000000000"} if number == 7 else {}
            logger.info("%d", number, extra=extra)
    assert handler.deliver(5)
    assert handler.deliver(5)
    assert messages() == [
        *(str(number) for number in range(10) if number != 7),
        "1 record was dropped: the API refused them.",
    ]


def test_records_of_a_run_that_is_gone_do_not_hold_up_others(
    handler: OrchestraHandler,
    logger: logging.Logger,
    messages: Messages,
    flow_run_id: str,
    faults: Faults,
) -> None:
    for number in range(1000):
        logger.info("%d", number, extra={"flow_run_id": "00000000-0000-4000-8000-000000000000"})
    assert handler.deliver(10)
    requests = len(faults.sent("WriteRunLogs"))
    logger.info("next", extra={"flow_run_id": flow_run_id})
    assert handler.deliver(5)
    assert messages()[0] == "next"
    assert requests < 100


def test_when_nothing_can_be_kept_drops_are_counted_and_reported_in_place(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str, faults: Faults
) -> None:
    limits = Limits(max_message=1000, max_bytes=10_000, max_memory=10_000)
    handler = open_handler(in_memory=True, limits=limits)
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    faults.refuse_connections(1, matching="WriteRunLogs")
    with context(flow_run_id=flow_run_id):
        for number in range(100):
            logger.info("%d %s", number, "x" * 900)
        assert handler.deliver(5)
        logger.info("after")
    assert handler.deliver(5)
    stored = messages()
    report = next(message for message in stored if "dropped" in str(message))
    kept = [message for message in stored if "x" in str(message)]
    assert (
        report == f"{100 - len(kept)} records were dropped: more was logged than could be delivered or kept."
    )
    assert stored == [*kept, report, "after"]
    assert 5 < len(kept) < 20


def test_a_full_disk_leaves_records_in_memory_from_where_they_are_delivered(
    open_handler: OpenHandler,
    messages: Messages,
    flow_run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    handler = open_handler()
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    with context(flow_run_id=flow_run_id):
        logger.info("hello")
    assert handler.deliver(5)
    assert messages() == ["hello"]
    assert "No space left on device" in caplog.text


def test_a_spool_that_cannot_be_written_to_stops_nothing(
    open_handler: OpenHandler, messages: Messages, flow_run_id: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    handler = open_handler(spool=tmp_path / "file")
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    with context(flow_run_id=flow_run_id):
        logger.info("hello")
    assert handler.deliver(5)
    assert messages() == ["hello"]


def test_logging_goes_on_while_the_api_hangs(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str, faults: Faults
) -> None:
    faults.delay(0.5, matching="WriteRunLogs")
    with context(flow_run_id=flow_run_id):
        logger.info("first")
        threading.Thread(target=handler.deliver, args=(0.1,)).start()
        time.sleep(0.05)
        started = time.perf_counter()
        for _ in range(100):
            logger.info("more")
        assert time.perf_counter() - started < 0.3
    assert handler.deliver(5)
    assert len(messages()) == 101


def test_closing_delivers_what_waits(
    handler: OrchestraHandler, logger: logging.Logger, messages: Messages, flow_run_id: str
) -> None:
    with context(flow_run_id=flow_run_id):
        logger.info("last words")
    handler.close()
    handler.close()
    logger.info("too late")
    assert messages() == ["last words"]


def test_nothing_is_left_on_disk_after_delivery(
    handler: OrchestraHandler, logger: logging.Logger, flow_run_id: str, isolated_environment: Path
) -> None:
    logger.info("hello", extra={"flow_run_id": flow_run_id})
    handler.close()
    assert list((isolated_environment / "spool" / "configured" / "logs").iterdir()) == []


def test_what_waits_on_disk_is_its_owners_alone(
    open_handler: OpenHandler, faults: Faults, isolated_environment: Path
) -> None:
    faults.refuse_connections(100)
    handler = open_handler()
    logger = logging.Logger("tests")
    logger.addHandler(handler)
    logger.info("hello")
    found = list(isolated_environment.rglob("*"))
    assert [path.name for path in found if path.suffix == ".jsonl"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_message=2000 does not go with max_bytes=1000"):
        Limits(max_message=2000, max_bytes=1000)
    with pytest.raises(ConfigurationError, match="at least 1 record"):
        Limits(max_records=0)


def test_secrets_are_shown_by_no_repr() -> None:
    known = Secrets()
    known.add({"a": ["hunter2-hunter2", "abc"]}, 5)
    assert repr(known) == "<1 secrets>"
    assert known.mask("hunter2-hunter2 abc 5") == "… abc 5"
