"""Prints become log records, without ever feeding on themselves."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from orchestra_client import context
from orchestra_client.delivery import OrchestraHandler, capture_prints

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "orchestra.print"]


def test_each_line_becomes_a_record(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    with capture_prints():
        print("one", "line")
        print("two\nthree\n")
        print("un", end="")
        print("finished", end="")
    assert lines_of(caplog) == ["one line", "two", "three", "unfinished"]
    assert capsys.readouterr().out == "one line\ntwo\nthree\n\nunfinished"


def test_prints_reach_the_run(
    handler: OrchestraHandler,
    logger: logging.Logger,
    messages: Callable[[], list[str | None]],
    flow_run_id: str,
) -> None:
    with context(flow_run_id=flow_run_id), capture_prints(logger, echo=False):
        print("100 % of it")
    assert handler.deliver(5)
    assert messages() == ["100 % of it"]


def test_without_echo_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with capture_prints(echo=False):
        print("secretly")
    assert capsys.readouterr().out == ""


def test_a_handler_that_prints_is_not_fed_with_what_it_prints(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.Logger("tests")
    with capture_prints(logger):
        logger.addHandler(logging.StreamHandler(sys.stdout))
        print("once")
    assert capsys.readouterr().out == "once\nonce\n"


def test_threads_do_not_mix_their_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def work(name: int) -> None:
        for _ in range(50):
            print(name, end="")
            print(name, end="")
            print(name)

    with capture_prints(echo=False):
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(lines_of(caplog)) == sorted(str(name) * 3 for name in range(4) for _ in range(50))


def test_standard_output_is_itself_again_afterwards() -> None:
    before = sys.stdout
    with capture_prints():
        assert sys.stdout.encoding == before.encoding
    assert sys.stdout is before


def test_blocks_of_several_threads_do_not_get_into_each_others_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = sys.stdout
    first_began, second_began, first_ended = (threading.Event() for _ in range(3))

    def first() -> None:
        with capture_prints("orchestra.first"):
            first_began.set()
            second_began.wait(5)
            print("first")
        first_ended.set()

    def second() -> None:
        first_began.wait(5)
        with capture_prints("orchestra.second"):
            second_began.set()
            first_ended.wait(5)
            print("second")

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(record.name, record.message) for record in caplog.records] == [
        ("orchestra.first", "first"),
        ("orchestra.second", "second"),
    ]
    assert sys.stdout is before


def test_the_innermost_block_takes_a_print(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with capture_prints("orchestra.outer"):
        with capture_prints("orchestra.inner"):
            print("one")
        print("two")
    assert [(record.name, record.message) for record in caplog.records] == [
        ("orchestra.inner", "one"),
        ("orchestra.outer", "two"),
    ]
