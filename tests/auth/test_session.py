"""The credential that a client's threads share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestra_client.auth import Credentials, CredentialSource, TenantSession, TenantWish

NOW = 1_800_000_000.0
TOKEN = "orc_" + "s" * 39 + "9xYz"
WISH = TenantWish("t1", "team", "ORCHESTRA_TENANT")


def session(
    number: int = 1, *, expires_in: float = 600, refresh_token: str | None = "refresh"
) -> TenantSession:
    return TenantSession(
        f"access-{number}", refresh_token, NOW + expires_in, "t1", obtained_at=NOW + expires_in - 600
    )


def credentials(**options: object) -> Credentials:
    return Credentials(TOKEN, CredentialSource.ARGUMENT, **options)  # type: ignore[arg-type]


class TestSteps:
    def test_an_api_token_speaks_for_itself(self):
        subject = credentials()
        assert (subject.next_step(NOW), subject.ticket.bearer, subject.renewal) == (None, TOKEN, None)

    def test_no_token_is_sent_where_there_is_none(self):
        subject = Credentials()
        assert (subject.next_step(NOW), subject.ticket.bearer) == (None, None)

    def test_a_wished_tenant_needs_a_login(self):
        subject = credentials(wish=WISH)
        assert (subject.next_step(NOW), subject.renewal) == ("login", "login")

    def test_after_the_login_the_access_token_is_sent(self):
        subject = credentials(wish=WISH)
        subject.accept(session())
        assert (subject.next_step(NOW), subject.ticket.bearer, subject.renewal) == (
            None,
            "access-1",
            "refresh",
        )

    def test_shortly_before_the_expiry_it_is_refreshed(self):
        subject = credentials()
        subject.accept(session())
        assert subject.next_step(NOW + 569) is None
        assert subject.next_step(NOW + 570) == "refresh"

    def test_earlier_when_the_servers_clock_is_ahead(self):
        subject = credentials()
        subject.accept(session())
        subject.learn("Fri, 15 Jan 2027 08:05:00 GMT", NOW)  # NOW is 08:00:00
        assert subject.server_time(NOW) == pytest.approx(NOW + 300.5)
        assert subject.next_step(NOW + 280) == "refresh"

    def test_a_session_without_a_refresh_token_is_renewed_by_a_login(self):
        subject = credentials()
        subject.accept(session(refresh_token=None))
        assert subject.renewal == "login"
        assert subject.next_step(NOW + 9999) is None

    def test_a_refused_refresh_leads_to_a_login_to_the_same_tenant(self):
        subject = credentials()
        subject.accept(session())
        subject.expire()
        assert subject.next_step(NOW) == "login"
        assert subject.wish.tenant_id == "t1"

    def test_logging_out_leaves_the_api_token(self):
        subject = credentials(wish=WISH)
        subject.accept(session())
        subject.drop()
        assert (subject.session, subject.wish, subject.ticket.bearer) == (None, None, TOKEN)

    def test_another_tenant_can_be_wished_for(self):
        subject = credentials()
        subject.accept(session())
        subject.want(TenantWish(None, "other", "the caller"))
        assert subject.next_step(NOW) == "login"
        assert subject.wish.name == "other"

    def test_a_refresh_that_names_less_keeps_the_rest(self):
        subject = credentials()
        subject.accept(TenantSession("a", "r", NOW + 600, "t1", "team"))
        subject.accept(TenantSession("b", None, NOW + 1200, "t1"))
        assert (subject.session.refresh_token, subject.session.tenant_slug) == ("r", "team")

    def test_a_login_to_another_tenant_keeps_nothing(self):
        subject = credentials()
        subject.accept(TenantSession("a", "r", NOW + 600, "t1", "team"))
        subject.accept(TenantSession("b", None, NOW + 1200, "t2"))
        assert (subject.session.refresh_token, subject.session.tenant_slug) == (None, None)

    def test_every_change_makes_a_new_generation(self):
        subject = credentials()
        seen = [subject.ticket.generation]
        for change in (
            lambda: subject.accept(session()),
            subject.expire,
            subject.drop,
            lambda: subject.want(WISH),
        ):
            change()
            seen.append(subject.ticket.generation)
        assert seen == [0, 1, 2, 3, 4]


class TestClock:
    def test_is_compared_at_most_once_a_minute(self):
        subject = credentials()
        subject.learn("Fri, 15 Jan 2027 08:05:00 GMT", NOW)
        subject.learn("Fri, 15 Jan 2027 09:00:00 GMT", NOW + 59)
        assert subject.server_time(NOW) == pytest.approx(NOW + 300.5)
        subject.learn("Fri, 15 Jan 2027 08:01:00 GMT", NOW + 60)
        assert subject.server_time(NOW) == NOW

    def test_is_compared_again_when_ours_jumps_back(self):
        subject = credentials()
        subject.learn("Fri, 15 Jan 2027 08:00:00 GMT", NOW)
        subject.learn("Fri, 15 Jan 2027 08:00:00 GMT", NOW - 3600)
        assert subject.server_time(NOW - 3600) == pytest.approx(NOW + 0.5)

    def test_is_not_changed_by_an_answer_without_a_date(self):
        subject = credentials()
        subject.learn("Fri, 15 Jan 2027 08:05:00 GMT", NOW)
        subject.learn(None, NOW + 100)
        assert subject.server_time(NOW) == pytest.approx(NOW + 300.5)


class TestDescriptions:
    def test_name_the_token_its_source_and_its_tenant(self):
        subject = Credentials(
            TOKEN, CredentialSource.SAVED_LOGIN, wish=WISH, location="/home/me/credentials.json"
        )
        assert subject.describe() == (
            "API token orc_…9xYz from the saved login (/home/me/credentials.json), tenant team"
        )

    def test_of_nothing_say_where_we_looked(self):
        assert "ORCHESTRA_API_TOKEN" in Credentials().describe()

    def test_show_no_token_of_any_kind(self):
        subject = credentials(wish=WISH)
        subject.accept(TenantSession("acc_s3cret", "ref_s3cret", NOW, "t1"))
        for text in (repr(subject), subject.describe(), repr(subject.ticket), repr(subject.session)):
            assert not any(secret in text for secret in (TOKEN, "s3cret"))


class TestSharing:
    @pytest.mark.parametrize("round_number", range(5))
    def test_a_hundred_refused_threads_renew_once(self, round_number):
        """The protocol of the module's docstring, as the drivers follow it."""
        subject, lock, renewals = credentials(), threading.Lock(), []
        subject.accept(session(0))
        barrier = threading.Barrier(50)

        def refused_call(_: int) -> str | None:
            ticket = subject.ticket
            barrier.wait()
            with lock:
                if subject.ticket.generation == ticket.generation:
                    renewals.append(subject.renewal)
                    subject.accept(session(len(renewals)))
            return subject.ticket.bearer

        with ThreadPoolExecutor(50) as pool:
            bearers = set(pool.map(refused_call, range(50)))
        assert renewals == ["refresh"]
        assert bearers == {"access-1"}

    def test_bearer_and_generation_are_read_as_one(self):
        subject, stop, torn = credentials(), threading.Event(), []

        def read() -> None:
            while not stop.is_set():
                ticket = subject.ticket
                if ticket.generation and ticket.bearer != f"access-{ticket.generation}":
                    torn.append(ticket)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for number in range(1, 3000):
            subject.accept(session(number))
        stop.set()
        for reader in readers:
            reader.join()
        assert torn == []
