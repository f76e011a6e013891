"""Jobs that are trusted log in, see no other tenant, and are locked out with their trust."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.context import Settings
from orchestra_client.server.service import Service
from tests.ci_issuer import AUDIENCE, Issuer

from .conftest import FIELDS, SLUG, Refused, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.access.conftest import Clock


class TestLogin:
    def test_a_trusted_job_acts_in_the_tenant(self, world: World) -> None:
        world.trust()

        login = world.login()

        info = world.ask("{ auth_info { tenant_id user_id api_token_scope } }", login["access_token"])[
            "auth_info"
        ]
        assert info == {"tenant_id": world.home, "user_id": None, "api_token_scope": "TENANT"}
        assert world.do("create_project", "id", login["access_token"], name="from CI")["id"]
        assert (login["tenant_id"], login["tenant_slug"]) == (world.home, SLUG)
        assert (login["role"], login["trust"]) == ("TENANT", "ci")

    def test_it_lives_as_long_as_the_trust_says_and_cannot_be_renewed(self, world: World) -> None:
        world.trust(token_seconds=120)

        login = world.login()

        assert login["expires_at"] == world.clock.at(seconds=120)
        world.clock.advance(seconds=119)
        assert world.ask("{ hello }", login["access_token"])
        world.clock.advance(seconds=1)
        with pytest.raises(Refused, match=r"expired.*log in again"):
            world.ask("{ hello }", login["access_token"])

    def test_a_quarter_of_an_hour_unless_the_trust_says_more(self, world: World) -> None:
        world.trust()

        assert world.login()["expires_at"] == world.clock.at(minutes=15)

    def test_it_is_listed_among_the_tokens_under_the_jobs_name(self, world: World) -> None:
        trust_id = world.trust()

        login = world.login()

        [listed] = [token for token in world.tokens() if token["oidc_trust_id"]]
        assert listed["name"] == "ci: repo:acme/flows:ref:refs/heads/main, run 4711"
        assert (listed["scope"], listed["tenant_id"]) == ("TENANT", world.home)
        assert (listed["expires_at"], listed["oidc_trust_id"]) == (login["expires_at"], trust_id)

    def test_it_stands_in_the_servers_log(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "orchestra_client.server")
        world.trust()
        token = world.issuer.token()

        login = world.login(token)

        assert (
            "CI job 'ci: repo:acme/flows:ref:refs/heads/main, run 4711' logged in to tenant default"
            in caplog.text
        )
        assert token not in caplog.text
        assert login["access_token"] not in caplog.text

    def test_deleting_its_token_ends_it(self, world: World) -> None:
        world.trust()
        login = world.login()
        [listed] = [token for token in world.tokens() if token["oidc_trust_id"]]

        world.do("delete_api_token", "success", world.admin, token_id=listed["id"])

        with pytest.raises(Refused, match="gone"):
            world.ask("{ hello }", login["access_token"])

    def test_what_has_expired_is_forgotten_with_the_next_login(self, world: World) -> None:
        world.trust()
        world.login()
        world.clock.advance(hours=1)

        world.login()

        assert len([token for token in world.tokens() if token["oidc_trust_id"]]) == 1
        with world.service.database.connect(write=False) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM used_oidc_token").scalar() == 1

    def test_a_runner_gets_what_runs_need_and_no_more(self, world: World) -> None:
        world.trust(role="RUNNER")

        token = world.login()["access_token"]

        assert world.ask("{ project { id } }", token)
        with pytest.raises(Refused, match="RUNNER token may not use create_project"):
            world.do("create_project", "id", token, name="from CI")

    def test_of_two_trusts_that_fit_the_one_that_gives_more_counts(self, world: World) -> None:
        world.trust(name="agents", role="RUNNER", claims={"repository": "acme/*"})
        world.clock.advance(seconds=1)
        world.trust(name="releases")

        assert world.login()["trust"] == "releases"
        assert world.login(world.issuer.token(ref="refs/heads/topic"))["trust"] == "agents"

    def test_patterns_match_the_whole_value_in_its_case(self, world: World) -> None:
        world.trust(
            claims={"repository": "acme/flows-?", "ref": "refs/*/v[0-9]*", "protected": "true", "n": "7"}
        )
        fitting = {"repository": "acme/flows-1", "ref": "refs/tags/v2", "protected": True, "n": 7}

        assert world.login(world.issuer.token(**fitting))
        for wrong in (
            {"repository": "Acme/flows-1"},
            {"repository": "acme/flows-12"},
            {"repository": "evil/acme/flows-1"},
            {"repository": "acme/flows-1\n"},
            {"ref": "refs/heads/main"},
            {"protected": False},
            {"protected": None},
            {"n": [7]},
            {"n": {"7": 7}},
        ):
            assert "trust 'ci'" in world.refusal(world.issuer.token(**fitting | wrong))

    def test_one_of_several_audiences_is_enough(self, world: World) -> None:
        world.trust()

        assert world.login(world.issuer.token(aud=["another", AUDIENCE]))

    @pytest.mark.parametrize("kind", ["ES256", "RS256", "RS512", "PS384"])
    def test_the_usual_signatures_are_taken(self, world: World, kind: str) -> None:
        world.trust()
        world.issuer.new_key(kind)

        assert world.login()

    def test_a_server_without_login_lets_jobs_in_with_what_they_may(
        self, clock: Clock, issuer: Issuer
    ) -> None:
        service = Service.open("memory:", clock=clock, settings=Settings(auth="none"))
        world = World(service, clock, issuer)
        world.trust(role="RUNNER")

        token = world.login()["access_token"]

        with pytest.raises(Refused, match="RUNNER"):
            world.do("create_project", "id", token, name="from CI")
        service.close()

    def test_a_lost_answer_is_given_again_to_who_asked(self, world: World) -> None:
        world.trust()
        token = world.issuer.token()
        ask = {"key": "one", "token": token}

        first = world.do("exchange_oidc_token", FIELDS, None, **ask)

        assert world.do("exchange_oidc_token", FIELDS, None, **ask) == first
        with pytest.raises(Refused, match="used before"):
            world.do("exchange_oidc_token", FIELDS, None, key="two", token=token)


class TestTenants:
    def test_the_trust_of_another_tenant_lets_nobody_in(self, world: World) -> None:
        world.new_tenant()
        world.trust()

        refusal = world.refusal(tenant="other")

        assert "'other' trusts no tokens of the issuer" in refusal
        assert refusal.replace("other", "nobody") == world.refusal(tenant="nobody")
        assert world.login(tenant=SLUG)["tenant_id"] == world.home

    def test_among_several_tenants_one_must_be_named(self, world: World) -> None:
        """Else another tenant could trust the job, too, and be sent what is not its own."""
        world.trust()
        world.new_tenant()

        assert (
            "several tenants; name the one to log in to, by --tenant or ORCHESTRA_TENANT" in world.refusal()
        )

    def test_an_id_names_a_tenant_too(self, world: World) -> None:
        world.trust()
        world.new_tenant()

        assert world.login(tenant=world.home.upper())["tenant_id"] == world.home

    def test_a_slug_that_looks_like_an_id_names_no_other_tenant(self, world: World) -> None:
        world.trust()
        impostor = world.new_tenant(world.home)

        assert world.login(tenant=world.home)["tenant_id"] == world.home != impostor

    def test_the_login_is_good_for_its_tenant_alone(self, world: World) -> None:
        other = world.new_tenant()
        world.trust()
        token = world.login(tenant=SLUG)["access_token"]

        assert [row["id"] for row in world.ask("{ tenant { id } }", token)["tenant"]] == [world.home]
        with pytest.raises(Refused):
            world.ask("{ hello }", token, tenant_id=other)
        with pytest.raises(Refused):
            world.do("switch_tenant", "access_token", token, tenant_id=other)

    def test_expectations_of_another_tenant_are_not_told(self, world: World) -> None:
        other = world.new_tenant()
        there = world.do("switch_tenant", "access_token", world.admin, tenant_id=other)["access_token"]
        world.trust(by=there, name="private", claims={"repository": "private/flows"})
        world.trust(claims={"repository": "acme/other"})

        assert "private" not in world.refusal(tenant=SLUG)


class TestRevoking:
    def test_deleting_the_trust_ends_its_logins_at_once(self, world: World) -> None:
        trust_id = world.trust()
        token = world.login()["access_token"]

        world.do("delete_oidc_trust", "success", world.admin, trust_id=trust_id)

        with pytest.raises(Refused, match="gone"):
            world.ask("{ hello }", token)
        assert all(row["oidc_trust_id"] is None for row in world.tokens())
        assert "trusts no tokens" in world.refusal()

    def test_tokens_that_a_job_made_end_too(self, world: World) -> None:
        trust_id = world.trust()
        job = world.login()
        made = world.do("create_api_token", "token expires_at", job["access_token"], name="t", scope="TENANT")
        again = world.do("create_api_token", "token expires_at", made["token"], name="t", scope="RUNNER")

        assert again["expires_at"] == made["expires_at"] == job["expires_at"]
        world.do("delete_oidc_trust", "success", world.admin, trust_id=trust_id)

        for each in (made, again):
            with pytest.raises(Refused, match="does not know"):
                world.ask("{ hello }", each["token"])

    def test_a_trust_that_goes_while_the_issuer_is_asked_lets_nobody_in(self, world: World) -> None:
        trust_id = world.trust()

        def keys() -> Any:
            world.do("delete_oidc_trust", "success", world.admin, trust_id=trust_id)
            return {"keys": world.issuer.published}

        world.issuer.answers["/jwks"] = keys

        assert "deleted just now" in world.refusal()


class TestDatabases:
    """Each kind of database keeps the rules."""

    def test_one_login_for_each_token_until_the_trust_is_gone(
        self, url: str, tmp_path: Path, clock: Clock, issuer: Issuer
    ) -> None:
        service = Service.open(url, home=tmp_path, clock=clock)
        world = World(service, clock, issuer)
        trust_id = world.trust(claims={"repository": "acme/*", "ref": "refs/heads/main"})
        token = issuer.token()

        login = world.login(token)

        assert "used before" in world.refusal(token)
        assert world.ask("{ hello }", login["access_token"])
        world.do("delete_oidc_trust", "success", world.admin, trust_id=trust_id)
        with pytest.raises(Refused, match="gone"):
            world.ask("{ hello }", login["access_token"])
        service.close()

    @pytest.mark.parametrize(("key", "logins"), [("one key", 4), (None, 1)])
    def test_of_many_at_once_only_repeats_of_one_request_get_in(
        self, url: str, tmp_path: Path, clock: Clock, issuer: Issuer, key: str | None, logins: int
    ) -> None:
        service = Service.open(url, home=tmp_path, clock=clock)
        world = World(service, clock, issuer)
        world.trust()
        world.login()
        barrier = threading.Barrier(4)

        def log_in(token: str) -> str:
            barrier.wait()
            try:
                return str(
                    world.do("exchange_oidc_token", FIELDS, None, key=key, token=token)["access_token"]
                )
            except Refused as refused:
                return str(refused)

        with ThreadPoolExecutor(4) as pool:
            for _ in range(5):
                got = list(pool.map(log_in, [issuer.token()] * 4))
                assert sum("used before" in each for each in got) == 4 - logins
                assert len(set(got)) == (1 if logins == 4 else 2)
                key = key and f"{key}+"
        service.close()
