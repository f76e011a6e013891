"""The parts without I/O: levels, lines, cuts, halves, pauses, masks, what is carried; and the thread that goes on."""

from __future__ import annotations

import json
import pickle
import threading
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client import context
from orchestra_client.delivery import Secrets, carry
from orchestra_client.delivery.backoff import Backoff
from orchestra_client.delivery.failures import is_refusal, is_suspect, requested_wait
from orchestra_client.delivery.parts import Part
from orchestra_client.delivery.records import Draft, Sequencer, cut, read_record
from orchestra_client.delivery.worker import Worker
from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    PayloadTooLarge,
    PermissionDenied,
    RateLimited,
    ServerError,
    TransportTimeout,
    VersionConflict,
)

any_text = st.text(st.characters())
with_surrogates = st.text(st.characters(exclude_categories=()))


@given(with_surrogates, with_surrogates, st.none() | any_text)
def test_a_line_says_what_the_draft_says(message: str, name: str, level_name: str | None) -> None:
    line = Sequencer("a-stream").line(Draft(None, "an id", 1.5, name, "INFO", message, level_name))
    named = {} if level_name is None else {"level": level_name}
    assert read_record(line) == {
        "flow_run_id": None,
        "task_run_id": "an id",
        "timestamp": "1970-01-01T00:00:01.500000+00:00",
        "name": name,
        "level": "INFO",
        "message": message,
        "info": {"sequence": 1, "stream": "a-stream", **named},
    }
    assert line.count(b"\n") == 1
    assert b"\0" not in line


@given(st.lists(st.floats(0, 4e9), min_size=2))
def test_numbers_rise_by_one(times: list[float]) -> None:
    sequencer = Sequencer("a-stream")
    entries = [read_record(sequencer.line(Draft(None, None, at, "n", "INFO", "m"))) for at in times]
    assert [entry["info"]["sequence"] for entry in entries] == list(range(1, len(times) + 1))


@given(st.lists(st.floats(100, 102), min_size=2))
def test_times_rise_with_the_numbers_however_threads_interleave(times: list[float]) -> None:
    sequencer = Sequencer("a-stream")
    lines = [sequencer.line(Draft(None, None, at, "n", "INFO", "m")) for at in times]
    stamps = [read_record(line)["timestamp"] for line in lines]
    assert stamps == sorted(set(stamps))


def test_a_clock_that_is_set_back_is_believed() -> None:
    sequencer = Sequencer("a-stream")
    sequencer.line(Draft(None, None, 7200.0, "n", "INFO", "m"))
    entry = read_record(sequencer.line(Draft(None, None, 3600.0, "n", "INFO", "m")))
    assert entry["timestamp"] == "1970-01-01T01:00:00.000000+00:00"


@given(with_surrogates, st.integers(100, 400))
def test_a_message_is_cut_to_its_bytes(message: str, limit: int) -> None:
    kept = cut(message, limit, len(message))
    assert len(json.dumps(kept)) - 2 <= limit
    assert kept == message or "cut off" in kept


def test_halves_have_keys_that_are_theirs_for_good() -> None:
    whole = Part([b"%d" % number for number in range(5)], "6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e")
    first, second = whole.halves()
    assert [*first.lines, *second.lines] == whole.lines
    assert whole.halves() == (first, second)
    assert len({whole.key, first.key, second.key, *(half.key for half in first.halves())}) == 5
    assert UUID(first.key)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(1.0, 30.0, lambda: 0.0)
    assert [backoff.fail() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.succeed()
    assert backoff.fail() == 1
    assert backoff.fail(at_least=99) == 99
    assert Backoff(1.0, 30.0, lambda: 1.0).fail() == 0.5


@pytest.mark.parametrize("refusal", [BadInput("no"), PayloadTooLarge("no"), VersionConflict("no")])
def test_what_the_api_refuses_is_refused_for_good(refusal: Exception) -> None:
    assert is_refusal(refusal)


@pytest.mark.parametrize(
    "passing",
    [
        TransportTimeout("x"),
        AuthenticationError("x"),
        PermissionDenied("x"),
        RateLimited("x"),
        ServerError("x"),
    ],
)
def test_what_passes_is_no_refusal(passing: Exception) -> None:
    assert not is_refusal(passing)


def test_a_server_is_suspected_of_failing_over_one_thing_only_after_a_while() -> None:
    error = ServerError("it failed", code="INTERNAL_SERVER_ERROR")
    assert [is_suspect(error, attempt) for attempt in (1, 2, 3)] == [False, False, True]
    assert not is_suspect(ServerError("later", code="API_ERROR"), 9)
    assert requested_wait(RateLimited("later", retry_after=7.0)) == 7.0
    assert requested_wait(error) == 0.0


def test_of_two_secrets_the_longer_goes_as_a_whole() -> None:
    known = Secrets()
    known.add("password", "password-of-the-database")
    assert known.mask("password-of-the-database") == "…"


def test_secrets_of_several_lines_are_masked_line_by_line() -> None:
    known = Secrets()
    known.add("-----BEGIN-----\nMIIEvQIBADANBgkq\n-----END-----\n")
    assert "MIIE" not in known.mask("key: MIIEvQIBADANBgkq")


def test_secrets_learn_what_a_mapping_gains() -> None:
    known, given_secrets = Secrets(), {"a": "first-value"}
    known.learn(given_secrets)
    given_secrets["b"] = "second-value"
    known.learn(given_secrets)
    known.learn(None)
    assert known.values() == {"first-value", "second-value"}


def whose() -> object:
    return context.get("flow_run_id"), context.get("client"), context.get("map_index")


def test_what_is_carried_is_plain_and_pickles() -> None:
    with context(flow_run_id="a run", client=object(), map_index=3):
        carried = carry(whose)
    assert carried() == ("a run", None, 3)
    assert pickle.loads(pickle.dumps(carried))() == ("a run", None, 3)
    assert whose() == (None, None, None)
    assert carried.__name__ == "whose"


def wait_for(condition: threading.Event) -> None:
    assert condition.wait(5)


def test_a_turn_that_raises_is_told_and_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[int] = []
    has_gone_on = threading.Event()

    def job() -> float | None:
        turns.append(len(turns))
        if len(turns) < 3:
            raise ValueError("the job's own")
        has_gone_on.set()
        return None

    worker = Worker("tests", job, backoff=Backoff(0.01, 0.01, lambda: 0.0))
    assert worker.ensure()
    wait_for(has_gone_on)
    assert worker.stop(5)
    assert turns == [0, 1, 2]
    assert caplog.text.count("The thread tests failed (the job's own)") == 2


def test_a_worker_waits_until_it_is_woken_and_stops_in_time() -> None:
    turns: list[float] = []
    worker = Worker("tests", lambda: turns.append(time.monotonic()))
    worker.ensure()
    deadline = time.monotonic() + 5
    while not turns and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.wake()
    while len(turns) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(turns) == 2
    assert worker.stop(5)
    assert not worker.ensure()


def test_a_worker_that_hangs_does_not_hold_up_its_stop() -> None:
    release = threading.Event()
    worker = Worker("tests", lambda: wait_for(release) or None)
    worker.ensure()
    started = time.monotonic()
    assert not worker.stop(0.05)
    assert time.monotonic() - started < 1
    release.set()
