"""The parts of an agent that need no server."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.agent import Agent, ClaimedRun, LocalAgent, Pace
from orchestra_client.agent.contact import Contact
from orchestra_client.agent.health import parse_address
from orchestra_client.agent.local import inherited
from orchestra_client.agent.output import Output
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    ConfigurationError,
    NotFound,
    TransportConnectionError,
)
from orchestra_client.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable


def raising(error: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call


AWAY = raising(TransportConnectionError("refused"))


class TestContact:
    def test_pauses_grow_while_the_server_is_away_up_to_a_bound(self) -> None:
        clock = VirtualClock()
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), clock)
        pauses = []
        for _ in range(8):
            assert contact.ask("Asking", AWAY) is None
            pauses.append(contact.pause)
            clock.advance(contact.pause)
        assert pauses == [0.5, 1, 2, 4, 8, 10, 10, 10]
        assert contact.away_for == sum(pauses)

    def test_an_answer_ends_it(self) -> None:
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), VirtualClock())
        contact.ask("Asking", AWAY)
        assert contact.ask("Asking", lambda: 7) == 7
        assert (contact.pause, contact.away_for) == (0.0, None)

    def test_a_refusal_is_an_answer(self) -> None:
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), VirtualClock())
        assert contact.ask("Asking", raising(NotFound("no such run"))) is None
        assert contact.was_refused
        assert contact.pause == 0.0

    def test_whatever_goes_wrong_is_told_and_tried_again(self, caplog: pytest.LogCaptureFixture) -> None:
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), VirtualClock())
        assert contact.ask("Asking", raising(ZeroDivisionError("a bug"))) is None
        assert contact.pause == 0.5
        assert "Traceback" in caplog.text

    def test_a_refused_token_is_no_outage(self, caplog: pytest.LogCaptureFixture) -> None:
        clock = VirtualClock()
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), clock)
        refusal = raising(AuthenticationError("The token was revoked."))
        while clock.monotonic() < 600:
            contact.ask("Asking", refusal)
            clock.advance(contact.pause)
        assert (contact.away_for, contact.was_refused) == (None, False)
        assert contact.refused_for is not None
        assert contact.refused_for >= 600
        assert 10 <= len(caplog.records) <= 12
        contact.ask("Asking", lambda: True)
        assert (contact.refused_for, contact.refusal) == (None, None)

    def test_an_outage_after_a_refusal_is_an_outage(self) -> None:
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), VirtualClock())
        contact.ask("Asking", raising(AuthenticationError("A proxy says 401.")))
        contact.ask("Asking", AWAY)
        assert (contact.refused_for, contact.refusal) == (None, None)
        assert contact.away_for is not None

    def test_ten_minutes_are_eleven_lines_of_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        clock = VirtualClock()
        contact = Contact(Backoff(0.5, 10.0, lambda: 0.0), clock)
        while clock.monotonic() < 600:
            contact.ask("Asking", AWAY)
            clock.advance(contact.pause)
        contact.ask("Asking", lambda: True)
        assert 10 <= len(caplog.records) <= 12
        assert caplog.messages[0].startswith("Asking failed (refused). The runs go on")
        assert caplog.messages[-1].startswith("The server answers again, after 60")


class TestOutput:
    def test_the_last_lines_are_remembered(self) -> None:
        output = Output(remembered=2)
        os.write(output.file.fileno(), b"one\ntwo\nthree\nfo")
        output.collect()
        os.write(output.file.fileno(), b"ur")
        assert output.close() == "three\nfour"

    def test_tokens_and_control_characters_are_not(self) -> None:
        output = Output()
        os.write(output.file.fileno(), b"token orc_" + b"s" * 43 + b"\n\x1b[31mred\x00\xff\r\n")
        text = output.close()
        assert "s" * 43 not in text
        assert text.splitlines() == ["token orc_…ssss", "�[31mred��"]

    def test_the_file_stays_small_while_its_writer_goes_on(self) -> None:
        output = Output(limit=100_000, remembered=3)
        for number in range(50):
            os.write(output.file.fileno(), b"x" * 9_999 + b"\n")
            os.write(output.file.fileno(), f"line {number}\n".encode())
            output.collect()
            assert os.fstat(output.file.fileno()).st_size < 200_000
        assert output.close().endswith("line 49")

    def test_a_line_without_an_end_is_cut(self) -> None:
        output = Output()
        for _ in range(20):
            os.write(output.file.fileno(), b"y" * 50_000)
            output.collect()
        assert len(output.close()) < 600

    def test_lines_are_shown_as_they_come(self) -> None:
        shown: list[str] = []
        output = Output(show=shown.append)
        os.write(output.file.fileno(), b"one\ntw")
        output.collect()
        assert shown == ["one"]
        output.close()
        assert shown == ["one", "tw"]

    def test_it_has_no_name_and_is_for_its_owner_alone(self) -> None:
        output = Output()
        status = os.fstat(output.file.fileno())
        output.close()
        assert (status.st_nlink, status.st_mode & 0o077) == (0, 0)


def test_a_run_inherits_what_it_needs_and_no_secret() -> None:
    environ = {
        "PATH": "/bin",
        "PYTHONPATH": "/flows",
        "LC_ALL": "C",
        "https_proxy": "http://proxy",
        "ORCHESTRA_HOME": "/home",
        "ORCHESTRA_API_TOKEN": "orc_secret",
        "ORCHESTRA_BOOTSTRAP_TOKEN": "orc_secret",
        "ORCHESTRA_SECRET_KEY": "key",
        "AWS_SECRET_ACCESS_KEY": "key",
    }
    assert list(inherited(environ)) == ["PATH", "PYTHONPATH", "LC_ALL", "https_proxy", "ORCHESTRA_HOME"]


def test_no_repr_of_a_run_shows_its_token() -> None:
    run = ClaimedRun(
        id="1", name="n", flow_id="2", flow_name="f", environment={"ORCHESTRA_API_TOKEN": "orc_x"}
    )
    assert "orc_x" not in f"{run!r} {run}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("http://localhost:8080/", ("localhost", 8080)),
        ("[::1]:0", ("::1", 0)),
    ],
)
def test_a_health_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host:", "host:eighty", "host:65536", "host:²"])
def test_a_health_address_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_a_pace_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="grace"):
        Pace(grace=seconds)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": " "}, BadInput),
        ({"labels": [""]}, BadInput),
        ({"limit": 0}, ConfigurationError),
        ({"limit": True}, ConfigurationError),
        ({"max_polls": 1.5}, ConfigurationError),
        ({"health_address": "nowhere"}, ConfigurationError),
    ],
)
def test_an_agent_that_makes_no_sense_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        LocalAgent(**options)


def test_deploy_must_be_overridden() -> None:
    with pytest.raises(TypeError, match="deploy"):
        Agent()  # type: ignore[abstract]  # that is the test


def test_health_before_the_start() -> None:
    assert LocalAgent(name="box").status() == (
        True,
        {"status": "starting", "name": "box", "labels": [], "limit": None},
    )
