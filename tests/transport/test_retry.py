"""When a request is sent again."""

from __future__ import annotations

import datetime as dt
import math
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import (
    ConfigurationError,
    TransportConnectionError,
    TransportError,
    TransportProtocolError,
    TransportTimeout,
)
from orchestra_client.transport import Failure, Response, RetryPolicy
from orchestra_client.transport.retry import failure_of_error, failure_of_response, parse_retry_after

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC).timestamp()

policies = st.builds(
    RetryPolicy,
    budget=st.floats(0, 1e6),
    base=st.floats(1e-3, 1.0),
    maximum=st.floats(1.0, 1e3),
    max_attempts=st.integers(1, 50),
)
chances = st.floats(0, 1, exclude_max=True)
waits = st.none() | st.floats(0, 1e6)


def errors(*codes: str, data: object = None, **extensions: object) -> Response:
    listed = [{"message": "no", "extensions": {"code": code, **extensions}} for code in codes]
    return Response(200, {}, {"data": data, "errors": listed})


class TestDelays:
    @given(policies, waits, st.integers(1, 100), st.floats(0, 1e7), chances)
    def test_never_lead_beyond_the_budget(self, policy, wait, attempt, elapsed, chance):
        delay = policy.next_delay(
            Failure("x", False, wait), attempt=attempt, elapsed=elapsed, random=lambda: chance
        )
        assert delay is None or elapsed + delay <= policy.budget

    @given(policies, st.integers(1, 100), chances)
    def test_stay_between_half_and_all_of_a_doubling_wait(self, policy, attempt, chance):
        delay = policy.next_delay(Failure("x"), attempt=attempt, elapsed=0, random=lambda: chance)
        full = min(policy.maximum, policy.base * 2 ** (attempt - 1))
        assert delay is None or full / 2 <= delay <= full

    @given(policies, st.integers(1, 99))
    def test_have_bounds_that_only_grow(self, policy, attempt):
        def longest(number: int) -> float | None:
            return policy.next_delay(Failure("x"), attempt=number, elapsed=0, random=lambda: 0.0)

        now, then = longest(attempt), longest(attempt + 1)
        assert then is None or (now is not None and now <= then)

    @given(policies, waits, chances)
    def test_end_even_when_the_clock_stands_still(self, policy, wait, chance):
        attempt = 1
        while (
            policy.next_delay(Failure("x", False, wait), attempt=attempt, elapsed=0, random=lambda: chance)
            is not None
        ):
            attempt += 1
        assert attempt <= policy.max_attempts

    @given(policies, st.floats(0, 1e6), chances)
    def test_are_at_least_what_the_server_asked_for(self, policy, wait, chance):
        delay = policy.next_delay(Failure("x", True, wait), attempt=1, elapsed=0, random=lambda: chance)
        assert delay is None or delay >= wait

    def test_end_at_once_when_the_server_asks_for_more_than_the_budget(self):
        failure = Failure("HTTP 429", True, retry_after=180)
        assert RetryPolicy().next_delay(failure, attempt=1, elapsed=0, random=lambda: 0) is None

    def test_do_not_exist_without_a_failure(self):
        assert RetryPolicy().next_delay(None, attempt=1, elapsed=0, random=lambda: 0) is None

    def test_do_not_exist_with_retrying_off(self):
        assert RetryPolicy(budget=0).next_delay(Failure("x"), attempt=1, elapsed=0, random=lambda: 0) is None

    def test_survive_an_attempt_number_beyond_floats(self):
        policy = RetryPolicy(max_attempts=10_000)
        assert policy.next_delay(Failure("x"), attempt=9_999, elapsed=0, random=lambda: 0) == policy.maximum


class TestRequestsThatAreNotIdempotent:
    def delay(self, failure: Failure | None) -> float | None:
        return RetryPolicy().next_delay(failure, attempt=1, elapsed=0, random=lambda: 0, is_idempotent=False)

    def test_are_sent_again_when_they_never_left(self):
        assert self.delay(failure_of_error(TransportConnectionError("refused", was_sent=False)))
        assert self.delay(failure_of_error(TransportTimeout("no connection", was_sent=False)))

    @pytest.mark.parametrize(
        "response",
        [
            Response(429),
            Response(425),
            Response(503, {"retry-after": "1"}),
            errors("RATE_LIMITED"),
            errors("RATE_LIMITED", data={"create_project": None}),
        ],
    )
    def test_are_sent_again_when_they_were_turned_away(self, response):
        assert self.delay(failure_of_response(response, NOW))

    @pytest.mark.parametrize(
        "response",
        [
            Response(500),
            Response(502),
            Response(503),
            errors("API_ERROR"),
            errors("RATE_LIMITED", "API_ERROR"),
            errors("RATE_LIMITED", data={"a": {"id": "1"}, "b": None}),
        ],
    )
    def test_are_not_sent_again_when_they_may_have_been_applied(self, response):
        assert failure_of_response(response, NOW) is not None
        assert self.delay(failure_of_response(response, NOW)) is None

    def test_are_not_sent_again_when_the_answer_was_lost(self):
        assert self.delay(failure_of_error(TransportConnectionError("reset"))) is None
        assert self.delay(failure_of_error(TransportTimeout("slow"))) is None


class TestFailures:
    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
    def test_are_statuses_that_pass(self, status):
        assert failure_of_response(Response(status), NOW).reason == f"HTTP {status}"

    @pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 413])
    def test_are_not_statuses_that_stay(self, status):
        assert failure_of_response(Response(status), NOW) is None

    @pytest.mark.parametrize("code", ["API_ERROR", "RATE_LIMITED"])
    def test_are_codes_that_pass(self, code):
        assert failure_of_response(errors("NOT_FOUND", code), NOW).reason == code

    @pytest.mark.parametrize(
        "code", ["NOT_FOUND", "UNAUTHENTICATED", "VERSION_LOCKING_ERROR", "INTERNAL_SERVER_ERROR"]
    )
    def test_are_not_codes_that_stay(self, code):
        assert failure_of_response(errors(code), NOW) is None

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            "x",
            {"errors": "x"},
            {"errors": [None, {"extensions": None}, {"extensions": {"code": 7}}]},
        ],
    )
    def test_are_not_seen_in_odd_bodies(self, body):
        assert failure_of_response(Response(200, {}, body), NOW) is None

    def test_take_the_wait_from_the_header(self):
        assert failure_of_response(Response(429, {"retry-after": "7"}), NOW).retry_after == 7

    def test_take_the_wait_from_the_errors(self):
        assert failure_of_response(errors("RATE_LIMITED", retry_after=3), NOW).retry_after == 3

    def test_are_not_answers_that_are_no_http(self):
        assert failure_of_error(TransportProtocolError("garbage")) is None
        assert failure_of_error(TransportError("something else")) is None


class TestRetryAfter:
    def test_is_seconds(self):
        assert parse_retry_after("2.5", NOW) == 2.5

    def test_is_a_date(self):
        in_ten = dt.datetime.fromtimestamp(NOW + 10, dt.UTC)
        assert parse_retry_after(format_datetime(in_ten, usegmt=True), NOW) == 10

    def test_in_the_past_means_now(self):
        assert parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", NOW) == 0
        assert parse_retry_after("-5", NOW) == 0

    @pytest.mark.parametrize("value", [None, "", "soon", "nan", "inf", "-inf", "Thu, 99 Foo 2026"])
    def test_that_makes_no_sense_is_ignored(self, value):
        assert parse_retry_after(value, NOW) is None

    @given(st.text(max_size=40), st.floats(0, 4e9))
    def test_of_any_text_is_a_finite_wait_or_none(self, value, now):
        wait = parse_retry_after(value, now)
        assert wait is None or (0 <= wait < math.inf)


class TestPolicies:
    @pytest.mark.parametrize(
        "figures",
        [
            {"budget": -1},
            {"budget": math.inf},
            {"budget": math.nan},
            {"base": 0},
            {"base": 20},
            {"maximum": math.inf},
            {"max_attempts": 0},
        ],
    )
    def test_that_make_no_sense_are_refused(self, figures):
        with pytest.raises(ConfigurationError):
            RetryPolicy(**figures)
