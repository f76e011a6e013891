"""Expiry, skew, and when to renew."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_client.auth.tokens import TenantSession, expiry_of, learn_skew, needs_refresh
from orchestra_client.errors import AuthenticationError

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC).timestamp()


def jwt(**claims: object) -> str:
    parts = ({"alg": "HS256"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join((*encoded, "signature"))


def session(
    expires_in: float = 600, *, lifetime: float | None = 600, refresh_token: str | None = "r"
) -> TenantSession:
    expires_at = NOW + expires_in
    obtained_at = None if lifetime is None else expires_at - lifetime
    return TenantSession("access", refresh_token, expires_at, "t1", obtained_at=obtained_at)


def http_date(seconds: float) -> str:
    return format_datetime(dt.datetime.fromtimestamp(seconds, dt.UTC), usegmt=True)


class TestExpiry:
    @pytest.mark.parametrize(
        "text", ["2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00"]
    )
    def test_is_what_the_server_says(self, text):
        assert expiry_of(jwt(exp=1), text) == NOW

    @pytest.mark.parametrize("text", [None, "", "soon"])
    def test_is_the_claim_otherwise(self, text):
        assert expiry_of(jwt(exp=NOW), text) == NOW

    @pytest.mark.parametrize(
        "token", ["opaque", "a.b.c", "a.!!!.c", jwt(), jwt(exp="later"), jwt(exp=True), "..", "\ud800"]
    )
    def test_that_nobody_tells_is_an_error_without_the_token(self, token):
        with pytest.raises(AuthenticationError, match="does not say when"):
            expiry_of(token)

    @given(st.text())
    def test_of_any_text_is_a_number_or_a_clear_error(self, token):
        with contextlib.suppress(AuthenticationError):
            assert isinstance(expiry_of(token, token), float)


class TestSessions:
    def test_are_read_from_the_answer_of_a_login(self):
        answer = {
            "access_token": jwt(iat=NOW - 5),
            "refresh_token": "r",
            "expires_at": "2026-03-01T12:10:00Z",
        }
        read = TenantSession.from_answer(answer, tenant_id="t1", tenant_slug="team", now=NOW)
        assert read == TenantSession(answer["access_token"], "r", NOW + 600, "t1", "team", NOW - 5)

    def test_were_obtained_now_when_the_token_does_not_tell(self):
        answer = {"access_token": "opaque", "expires_at": "2026-03-01T12:10:00Z"}
        assert TenantSession.from_answer(answer, tenant_id="t1", now=NOW).obtained_at == NOW

    @pytest.mark.parametrize(
        "answer", [{}, {"access_token": None}, {"access_token": 7}, {"access_token": ""}]
    )
    def test_need_a_token(self, answer):
        with pytest.raises(AuthenticationError, match="no access token"):
            TenantSession.from_answer(answer, tenant_id="t1", now=NOW)

    def test_show_no_token(self):
        assert "acc_s3cret" not in repr(TenantSession("acc_s3cret", "ref_s3cret", NOW, "t1"))
        assert "ref_s3cret" not in repr(TenantSession("acc_s3cret", "ref_s3cret", NOW, "t1"))


class TestRenewal:
    @pytest.mark.parametrize(
        ("expires_in", "due"), [(600, False), (31, False), (30, True), (0, True), (-5, True)]
    )
    def test_is_due_half_a_minute_before_the_expiry(self, expires_in, due):
        assert needs_refresh(session(expires_in), NOW) is due

    def test_follows_the_servers_clock(self):
        assert needs_refresh(session(100), NOW, skew=80)
        assert not needs_refresh(session(-100), NOW, skew=-200)

    def test_of_a_token_that_lives_a_minute_is_due_in_its_last_quarter(self):
        assert not needs_refresh(session(16, lifetime=60), NOW)
        assert needs_refresh(session(15, lifetime=60), NOW)

    @given(st.floats(0.1, 1e5))
    def test_is_never_due_for_a_token_that_was_just_issued(self, lifetime):
        assert not needs_refresh(session(lifetime, lifetime=lifetime), NOW)

    def test_without_a_known_time_of_issue_keeps_the_margin(self):
        assert needs_refresh(session(29, lifetime=None), NOW)

    def test_is_never_due_without_a_refresh_token(self):
        assert not needs_refresh(session(-5, refresh_token=None), NOW)


class TestSkew:
    @given(st.integers(-100_000, 100_000))
    def test_is_learned_to_within_a_second(self, seconds):
        learned = learn_skew(http_date(NOW + seconds), NOW)
        assert abs(learned - seconds) <= 1.0 or (learned == 0 and abs(seconds) <= 2)

    @pytest.mark.parametrize("received", [NOW, NOW + 0.5, NOW + 0.999])
    def test_is_not_made_up_from_the_headers_resolution(self, received):
        assert learn_skew(http_date(NOW), received) == 0.0

    @pytest.mark.parametrize("header", [None, "", "yesterday", "Thu, 99 Foo 2026"])
    def test_is_unknown_without_a_readable_date(self, header):
        assert learn_skew(header, NOW) is None
