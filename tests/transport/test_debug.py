"""The log of requests, and what it must never show."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.errors import ConfigurationError, TransportTimeout
from orchestra_client.transport import Request, Response
from orchestra_client.transport.debug import enable_request_log, log_attempt, masked

TOKEN = "orc_" + "q" * 43
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxcXEifQ.cXFxcXFxcXFxcXFx"


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, logger="orchestra_client.requests")
    return caplog


class TestLines:
    def test_tell_operation_outcome_attempt_request_and_variables(self, lines):
        request = Request("…", {"input": {"name": "etl"}}, "CreateProject", {"X-Request-Id": "r1"})
        log_attempt(request, Response(200, elapsed=0.0031), attempt=2)
        assert lines.messages == [
            'CreateProject: HTTP 200 in 3.1 ms, attempt 2, request r1, variables {"input": {"name": "etl"}}'
        ]

    def test_name_the_operation_of_a_document_that_has_only_one(self, lines):
        log_attempt(Request("query Hello($x: Int) { hello }"), Response(200), attempt=1)
        assert lines.messages[0].startswith("Hello: ")

    def test_tell_of_a_missing_answer(self, lines):
        log_attempt(Request("…"), TransportTimeout("too slow"), attempt=1)
        assert lines.messages == [
            "anonymous: TransportTimeout: too slow, attempt 1, request unnamed, variables {}"
        ]

    def test_are_short(self, lines):
        log_attempt(Request("…", {"x": "y" * 1_000_000}), Response(200), attempt=1)
        assert len(lines.messages[0]) < 2200

    def test_can_be_written_whatever_is_in_them(self, lines):
        log_attempt(Request("…", {"x": "é\ud800\n"}), Response(200), attempt=1)
        assert lines.messages[0].encode().endswith('{"x": "é\\ud800\\n"}'.encode())

    def test_are_not_made_while_nobody_listens(self, caplog):
        log_attempt(Request("…", {"x": "y"}), Response(200), attempt=1)
        assert caplog.messages == []


class TestSecrets:
    @pytest.mark.parametrize(
        "variables",
        [
            {"input": {"name": "db", "value": "s3cret"}},
            {"input": {"value": {"nested": ["s3cret"]}}},
            {"refresh_token": "s3cret", "accessToken": "s3cret"},
            {
                "parameters": {
                    "DB_PASSWORD": "s3cret",
                    "passwd": "s3cret",
                    "apiKey": "s3cret",
                    "client_secret": "s3cret",
                }
            },
            {"logs": [{"info": {"Authorization": "s3cret"}}]},
        ],
    )
    def test_are_masked_by_their_names(self, lines, variables):
        log_attempt(Request("…", variables, "X"), Response(200), attempt=1)
        assert "s3cret" not in lines.text

    @pytest.mark.parametrize("secret", [TOKEN, JWT, f"Bearer {TOKEN}", f"x={JWT}&y"])
    def test_are_recognised_by_their_form(self, lines, secret):
        log_attempt(Request("…", {"a": [secret], secret: 1}), Response(200), attempt=1)
        assert "qqqqq" not in lines.text
        assert "cXFxcXFx" not in lines.text

    def test_are_not_shown_by_being_cut_in_half(self, lines):
        for length in range(1900, 2010):
            log_attempt(Request("…", {"a": "x" * length, "b": TOKEN}), Response(200), attempt=1)
        assert "qqqqq" not in lines.text

    def test_in_headers_text_or_body_are_not_logged(self, lines):
        request = Request(
            'mutation { set_secret(input: {name: "a", value: "s3cret"}) }',
            headers={"authorization": "s3cret"},
        )
        log_attempt(request, Response(200, {"set-cookie": "s3cret"}, {"data": "s3cret"}, "s3cret"), attempt=1)
        assert "s3cret" not in lines.text

    def test_that_are_missing_are_shown_as_such(self):
        assert masked({"token": None, "limit": 3}) == {"token": None, "limit": 3}

    @given(
        st.recursive(
            st.text() | st.binary() | st.floats() | st.none(),
            lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        )
    )
    def test_any_value_can_be_masked(self, value):
        masked(value)

    def test_a_bottomless_value_is_cut_off(self):
        value: list[object] = []
        value.append(value)
        assert "…" in repr(masked(value))


class TestSwitch:
    @pytest.fixture(autouse=True)
    def restore(self):
        logger = logging.getLogger("orchestra_client.requests")
        yield
        logger.setLevel(logging.NOTSET)

    def test_on_lets_the_lines_through(self, caplog):
        enable_request_log({"ORCHESTRA_DEBUG": "1"})
        log_attempt(Request("…", operation_name="Hello"), Response(200), attempt=1)
        assert "Hello: HTTP 200" in caplog.text

    @pytest.mark.parametrize("environ", [{}, {"ORCHESTRA_DEBUG": "0"}])
    def test_off_changes_nothing(self, environ, caplog):
        enable_request_log(environ)
        log_attempt(Request("…"), Response(200), attempt=1)
        assert caplog.text == ""

    def test_that_is_neither_is_refused(self):
        with pytest.raises(ConfigurationError, match="ORCHESTRA_DEBUG"):
            enable_request_log({"ORCHESTRA_DEBUG": "verbose"})

    @pytest.mark.slow
    def test_on_prints_once_where_nobody_set_up_logging(self):
        code = (
            "from orchestra_client.transport import Request, Response, debug\n"
            "for _ in range(3): debug.enable_request_log({'ORCHESTRA_DEBUG': '1'})\n"
            "debug.log_attempt(Request('…', operation_name='Hello'), Response(200), attempt=1)\n"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stderr.count("Hello: HTTP 200") == 1
