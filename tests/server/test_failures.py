"""Failures: from what was raised to what is answered."""

from __future__ import annotations

import pytest
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import OperationalError

from orchestra_client import errors as e
from orchestra_client.server.failures import MAX_MESSAGE, describe


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (e.AuthenticationError("x"), "UNAUTHENTICATED"),
        (e.PermissionDenied("x"), "FORBIDDEN"),
        (e.NotFound("x"), "NOT_FOUND"),
        (e.BadInput("x"), "BAD_USER_INPUT"),
        (e.VersionConflict("x"), "VERSION_LOCKING_ERROR"),
        (e.StateConflict("x"), "STATE_CONFLICT"),
        (e.UniquenessViolation("x"), "UNIQUENESS_VIOLATION"),
        (e.RateLimited("x"), "RATE_LIMITED"),
        (e.PayloadTooLarge("x"), "PAYLOAD_TOO_LARGE"),
        (e.ServerError("x"), "API_ERROR"),
        (e.StateSerializationError("x", path="a.b"), "BAD_USER_INPUT"),
        (RecursionError(), "BAD_USER_INPUT"),
        # A statement that the database's administrators, or their settings, have ended: a report is sent again.
        (
            OperationalError("UPDATE", None, QueryCanceled("canceling statement due to statement timeout")),
            "API_ERROR",
        ),
        (RuntimeError("x"), "INTERNAL_SERVER_ERROR"),
        (e.ConfigurationError("x"), "INTERNAL_SERVER_ERROR"),
    ],
)
def test_each_error_has_its_code(error: Exception, code: str) -> None:
    assert describe(error)["extensions"]["code"] == code


@pytest.mark.parametrize("message", ["Uniqueness violation.", "State update failed for flow run ID X: …"])
def test_messages_that_older_clients_match_pass_unchanged(message: str) -> None:
    assert describe(e.StateConflict(message))["message"] == message


def test_a_conflict_tells_both_versions() -> None:
    entry = describe(e.VersionConflict("State update failed", expected=1, current=3))
    assert entry["extensions"] == {"code": "VERSION_LOCKING_ERROR", "expected": 1, "current": 3}


def test_patience_is_asked_for_in_seconds() -> None:
    assert describe(e.RateLimited("x", retry_after=1.5))["extensions"]["retry_after"] == 1.5


def test_a_token_in_a_message_is_masked() -> None:
    assert "abcdefghijklmnop" not in describe(e.BadInput("orc_abcdefghijklmnopqrstuvwxyz"))["message"]


def test_a_long_message_is_cut() -> None:
    assert len(describe(e.BadInput("x" * 100_000))["message"]) <= MAX_MESSAGE + 1


def test_the_inside_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    entry = describe(ValueError("a secret place"), path=["a"], request_id="r-7")
    assert "secret place" not in str(entry)
    assert "secret place" in caplog.text
    assert "r-7" in caplog.text


def test_the_field_is_named() -> None:
    assert describe(e.NotFound("x"), path=["alias"])["path"] == ["alias"]
