"""Asking issuers for their keys: as little as possible, and never while others wait."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.server.access import oidc_issuers
from orchestra_client.server.access.oidc_issuers import COOLDOWN, LIFESPAN
from orchestra_client.server.service import Service
from tests.ci_issuer import Issuer

from .conftest import Refused, World

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.access.conftest import Clock


class TestIssuers:
    def test_keys_are_fetched_once_for_many_logins(self, world: World) -> None:
        world.trust()

        for _ in range(3):
            world.login()

        assert world.issuer.asked == ["/.well-known/openid-configuration", "/jwks"]

    def test_a_new_key_is_fetched(self, world: World) -> None:
        world.trust()
        world.login()
        world.clock.advance(seconds=COOLDOWN)
        world.issuer.new_key()

        assert world.login()

    def test_made_up_keys_do_not_have_the_issuer_asked_again_and_again(self, world: World) -> None:
        world.trust()
        world.login()
        world.clock.advance(seconds=COOLDOWN)
        tokens = [world.issuer.token(kid=world.issuer.new_key(is_published=False)) for _ in range(5)]
        before = len(world.issuer.asked)

        for token in tokens:
            world.refusal(token)

        assert len(world.issuer.asked) == before + 2

    def test_a_withdrawn_key_counts_no_longer_after_a_while(self, world: World) -> None:
        world.trust()
        old = world.issuer.kid
        world.login()
        world.issuer.published.clear()
        world.issuer.new_key()
        world.clock.advance(seconds=LIFESPAN)

        assert "has no key" in world.refusal(world.issuer.token(kid=old))
        assert world.login()

    def test_a_clock_that_is_set_back_locks_nobody_out(self, world: World) -> None:
        world.trust()
        world.login()
        world.clock.advance(days=-30)
        world.issuer.new_key()

        assert world.login()

    def test_an_issuer_that_nobody_trusts_is_not_asked(self, world: World) -> None:
        world.trust(issuer="https://another.example")

        assert "trusts no tokens" in world.refusal()
        assert world.issuer.asked == []

    def test_an_issuer_that_is_down_is_told_and_left_alone_for_a_while(self, world: World) -> None:
        world.trust()
        token = world.issuer.token()
        world.issuer.stop()

        for again in ("asked just now", "asked again in"):
            with pytest.raises(Refused, match=f"could not be reached at http.*{again}") as refused:
                world.login(token)
            assert refused.value.code == "API_ERROR"

    def test_it_is_asked_again_once_it_is_back(self, world: World) -> None:
        world.trust()
        configuration = world.issuer.answers.pop("/.well-known/openid-configuration")
        token = world.issuer.token()
        with pytest.raises(Refused, match="HTTP status 404"):
            world.login(token)
        world.issuer.answers["/.well-known/openid-configuration"] = configuration
        world.clock.advance(seconds=COOLDOWN)

        assert world.login(token)

    @pytest.mark.parametrize(
        ("path", "answer", "message"),
        [
            (
                "/.well-known/openid-configuration",
                {"issuer": "https://another.example"},
                "that it is another one",
            ),
            ("/.well-known/openid-configuration", [], "that it is another one"),
            ("/.well-known/openid-configuration", (302, {"Location": "/elsewhere"}, b""), "HTTP status 302"),
            ("/.well-known/openid-configuration", (200, {}, b"["), "no JSON"),
            ("/.well-known/openid-configuration", (200, {}, b"[" * 100_000), "no JSON"),
            ("/.well-known/openid-configuration", (404, {}, b""), "HTTP status 404"),
            ("/.well-known/openid-configuration", (429, {}, b""), "HTTP status 429"),
            ("/jwks", (500, {}, b""), "HTTP status 500"),
            ("/jwks", (200, {}, b" " * 600_000), "more than 524288 bytes"),
            (
                "/jwks",
                (200, {"Content-Encoding": "gzip, gzip"}, gzip.compress(gzip.compress(b" " * 10_000_000))),
                "something compressed",
            ),
            ("/jwks", [], "has no keys"),
            ("/jwks", {"keys": []}, "has no keys"),
            ("/jwks", {"keys": 7}, "has no keys"),
            ("/jwks", {"keys": [{"kty": ["EC"], "kid": "key-0", "alg": ["ES256"]}]}, "has no keys"),
        ],
    )
    def test_an_issuer_that_answers_nonsense_is_told(
        self, world: World, path: str, answer: Any, message: str
    ) -> None:
        world.trust()
        world.issuer.answers[path] = lambda: answer

        with pytest.raises(Refused, match=message) as refused:
            world.login()
        # Clients try an API_ERROR again, which does not help where somebody has to correct something first.
        is_passing = message.endswith(("500", "429"))
        assert refused.value.code == ("API_ERROR" if is_passing else "UNAUTHENTICATED")
        assert is_passing or "An admin has to correct the trust's issuer" in str(refused.value)

    @pytest.mark.parametrize(
        "location",
        [
            None,
            7,
            "",
            "file:///etc/passwd",
            "ftp://127.0.0.1/jwks",
            "http://issuer.example/jwks",
            "http://[",
            "//x/y",
        ],
    )
    def test_keys_are_not_fetched_from_just_anywhere(self, world: World, location: Any) -> None:
        world.trust()
        world.issuer.configuration["jwks_uri"] = location

        with pytest.raises(Refused, match="names no https URL of its keys"):
            world.login()

    def test_an_issuer_that_drips_is_not_waited_for(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Given an answer that comes byte by byte, so that no socket ever times out, then the login ends all the same."""
        monkeypatch.setattr(oidc_issuers, "PATIENCE", 0.5)
        world.trust()
        world.issuer.answers["/jwks"] = lambda: (200, {}, [b" "] * 3000)

        with pytest.raises(Refused, match="did not answer within"):
            world.login()

    @pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
    def test_an_issuer_that_drips_keeps_no_thread_for_long(
        self, world: World, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setattr(oidc_issuers, "MAX_SECONDS", 0.3)
        world.trust()
        world.issuer.answers[path] = lambda: (200, {}, [b" "] * 3000)

        with pytest.raises(Refused, match="took longer than"):
            world.login()
        for thread in threading.enumerate():
            if thread.name == "oidc-issuer":
                thread.join(5)
                assert not thread.is_alive()

    def test_while_an_issuer_is_asked_the_server_goes_on(
        self, tmp_path: Path, clock: Clock, issuer: Issuer
    ) -> None:
        service = Service.open(f"sqlite:///{tmp_path / 'store.db'}", home=tmp_path, clock=clock)
        world = World(service, clock, issuer)
        world.trust()

        def keys() -> Any:
            # In the midst of the login, from another thread: neither reading nor writing has to wait.
            assert world.do("create_project", "id", world.admin, name="meanwhile")["id"]
            assert world.ask("{ project { id } }", world.admin)["project"]
            return {"keys": issuer.published}

        issuer.answers["/jwks"] = keys
        assert world.login()
        service.close()

    def test_only_a_few_wait_for_issuers(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.trust()
        gone, outcomes = threading.Event(), []

        def slow() -> Any:
            gone.wait(5)
            return {"keys": world.issuer.published}

        world.issuer.answers["/jwks"] = slow

        def log_in(token: str) -> None:
            try:
                world.login(token)
                outcomes.append("in")
            except Refused as refused:
                outcomes.append(refused.code)
                if len(outcomes) == 2:
                    gone.set()

        threads = [threading.Thread(target=log_in, args=(world.issuer.token(),)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["RATE_LIMITED"] * 2 + ["in"] * 4

    def test_issuers_that_failed_do_not_hold_the_others_up(self, world: World) -> None:
        """Given an issuer that is slow again and again, when many bring its tokens, then jobs of another log in."""
        gone = threading.Event()
        with Issuer(world.issuer.now) as slow:
            world.trust()
            world.trust(name="slow", issuer=slow.url)
            slow.answers["/jwks"] = lambda: (500, {}, b"")
            with pytest.raises(Refused, match="HTTP status 500"):
                world.login(slow.token())
            world.clock.advance(seconds=COOLDOWN)

            def late() -> Any:
                gone.wait(5)
                return {"keys": slow.published}

            slow.answers["/jwks"] = late

            def log_in(token: str) -> str:
                try:
                    return str(world.login(token)["role"])
                except Refused as refused:
                    return refused.code

            with ThreadPoolExecutor(6) as pool:
                waiting = [pool.submit(log_in, slow.token()) for _ in range(6)]
                refused = [each.result() for each in islice(as_completed(waiting), 4)]
                assert world.login()["role"] == "TENANT"
                gone.set()
                assert sorted(each.result() for each in waiting) == ["RATE_LIMITED"] * 4 + ["TENANT"] * 2
            assert set(refused) == {"RATE_LIMITED"}
