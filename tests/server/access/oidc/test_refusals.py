"""Tokens that are forged, altered, expired, used before, or somebody else's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import der_to_raw_signature, raw_to_der_signature

from orchestra_client.server.access.jwts import MAX_CLOCK_LEAD
from orchestra_client.server.access.oidc import JobLogins
from orchestra_client.server.access.oidc_issuers import COOLDOWN
from orchestra_client.server.service import Service
from tests.ci_issuer import AUDIENCE, Issuer
from tests.server.access.conftest import Clock

from .conftest import Refused, World, part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def hs256_with_the_public_key(issuer: Issuer) -> str:
    key, _ = issuer.keys[issuer.new_key("RS256")]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': issuer.kid})}.{part(issuer.claims())}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def altered(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return f"{header}.{part(issuer.claims(repository='acme/flows'))}.{signature}"


def by_another(issuer: Issuer) -> str:
    kid = issuer.kid
    issuer.new_key(is_published=False)
    issuer.keys[kid] = issuer.keys[issuer.kid]
    return issuer.token(kid=kid)


def unsigned(issuer: Issuer) -> str:
    return f"{part({'alg': 'none', 'kid': issuer.kid})}.{part(issuer.claims())}."


def at(issuer: Issuer, **seconds: int) -> str:
    return issuer.token(**{name: int(issuer.now()) + value for name, value in seconds.items()})


FORGERIES: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "wrong audience": (
        lambda i: i.token(aud="another"),
        f"its audience is 'another', expected '{AUDIENCE}'",
    ),
    "no audience": (lambda i: i.token(aud=None), "its audience is None"),
    "wrong repository": (
        lambda i: i.token(repository="evil/flows"),
        "its claim 'repository' is 'evil/flows', expected 'acme/flows'",
    ),
    "a list": (
        lambda i: i.token(repository=["acme/flows"]),
        "its claim 'repository' is a list, 'acme/flows', and patterns match texts alone",
    ),
    "no repository": (lambda i: i.token(repository=None), "its claim 'repository' is missing"),
    "wrong issuer": (
        lambda i: i.token(iss="https://evil.example"),
        "trusts no tokens of the issuer 'https://evil",
    ),
    "issuer with a slash": (lambda i: i.token(iss=f"{i.url}/"), "trusts no tokens of the issuer"),
    "no issuer": (lambda i: i.token(iss=None), "must name its issuer"),
    "issuer of another kind": (
        lambda i: f"{part({'alg': 'ES256', 'kid': 'k'})}.{part({'iss': 7})}.AA",
        "issuer",
    ),
    "expired": (
        lambda i: at(i, exp=-60),
        r"expired at 2030-01-01T11:59:.*by this server's clock it is 2030-01-01T12:00:",
    ),
    "never expires": (lambda i: i.token(exp=None), "`exp` must be a time"),
    "expires at no time": (lambda i: i.token(exp=1e300), "`exp` must be a time"),
    "not yet valid": (lambda i: at(i, nbf=61), "is good from 2030-01-01T12:01:"),
    "issued in the future": (lambda i: at(i, iat=61), "is good from 2030-01-01T12:01:"),
    "issued never": (lambda i: i.token(iat=None), "`iat` must be a time"),
    "unsigned": (unsigned, "signed with 'none', expected one of RS256"),
    "HS256 with the public key": (hs256_with_the_public_key, "signed with 'HS256', expected one of RS256"),
    "altered": (altered, "was altered, or not signed by the issuer"),
    "signed by another": (by_another, "was altered, or not signed by the issuer"),
    "an unknown key": (lambda i: i.token(kid=i.new_key(is_published=False)), "has no key 'key-1'"),
    "no token": (lambda i: "x", "no OIDC token"),
    "empty": (lambda i: "", "no OIDC token"),
    "too long": (lambda i: i.token(more="x" * 20_000), "characters of at most 16384"),
}


class TestRefusals:
    @pytest.mark.parametrize("fault", FORGERIES)
    def test_the_check_that_failed_is_named(self, world: World, fault: str) -> None:
        forge, message = FORGERIES[fault]
        world.trust()
        world.login()
        world.clock.advance(seconds=COOLDOWN)

        refusal = world.refusal(forge(world.issuer))

        assert re.search(message, refusal), refusal

    def test_a_minute_between_the_clocks_does_no_harm(self, world: World) -> None:
        world.trust()

        assert world.login(at(world.issuer, exp=-59))
        assert world.login(at(world.issuer, nbf=60, iat=60))

    @pytest.mark.parametrize("jti", ["job 1", None])
    def test_a_token_is_good_for_one_login(self, world: World, jti: str | None) -> None:
        world.trust()
        token = world.issuer.token(jti=jti)
        world.login(token)

        assert "used before" in world.refusal(token)
        world.clock.advance(seconds=359)
        assert "used before" in world.refusal(token)
        world.clock.advance(seconds=1)
        assert "expired" in world.refusal(token)

    def test_a_login_that_waits_until_its_token_was_forgotten_is_refused(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Given a token that was used, when it is verified just before its end and gets its turn after, it is refused."""
        world.trust()
        token = world.issuer.token()
        world.login(token)
        world.clock.advance(seconds=359)
        jobs = world.service._access.jobs
        admit = jobs.admit

        def late(*arguments: Any) -> Any:
            world.clock.advance(minutes=5)
            return admit(*arguments)

        monkeypatch.setattr(JobLogins, "admit", lambda _, *arguments: late(*arguments))

        assert "expired while the login waited" in world.refusal(token)

    def test_a_process_whose_clock_is_ahead_does_not_forget_too_early(
        self, tmp_path: Path, clock: Clock, issuer: Issuer
    ) -> None:
        ahead = Clock()
        ahead.advance(seconds=MAX_CLOCK_LEAD)
        url = f"sqlite:///{tmp_path / 'store.db'}"
        services = [Service.open(url, home=tmp_path, clock=each) for each in (clock, ahead)]
        behind, first = (World(service, clock, issuer) for service in services)
        behind.trust()
        token = issuer.token()
        behind.login(token)

        for each in (clock, ahead):
            each.advance(seconds=359)
        first.login(issuer.token())

        assert "used before" in behind.refusal(token)
        for service in services:
            service.close()

    def test_writing_the_signature_differently_makes_no_second_token(self, world: World) -> None:
        world.trust()
        token = world.issuer.token(jti=None)
        signed, _, signature = token.rpartition(".")
        r, s = decode_dss_signature(
            raw_to_der_signature(
                base64.urlsafe_b64decode(signature + "=="), world.issuer.keys[world.issuer.kid][0].curve
            )
        )
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        der = encode_dss_signature(r, order - s)
        raw = der_to_raw_signature(der, world.issuer.keys[world.issuer.kid][0].curve)
        other = f"{signed}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"
        world.login(other)

        assert "used before" in world.refusal(token)

    def test_several_processes_let_a_token_in_once(
        self, tmp_path: Path, clock: Clock, issuer: Issuer
    ) -> None:
        url = f"sqlite:///{tmp_path / 'store.db'}"
        services = [Service.open(url, home=tmp_path, clock=clock) for _ in range(3)]
        worlds = [World(service, clock, issuer) for service in services]
        worlds[0].trust()
        token, outcomes = issuer.token(), []

        def log_in(world: World) -> None:
            try:
                world.login(token)
                outcomes.append("in")
            except Refused as refused:
                outcomes.append("used" if "used before" in str(refused) else str(refused))

        threads = [threading.Thread(target=log_in, args=(world,)) for world in worlds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["in", "used", "used"]
        for service in services:
            service.close()

    def test_a_failed_login_uses_no_token_up(self, world: World) -> None:
        trust_id = world.trust(claims={"repository": "acme/other"})
        token = world.issuer.token()
        world.refusal(token)
        world.do("delete_oidc_trust", "success", world.admin, trust_id=trust_id)
        world.trust()

        assert world.login(token)

    def test_a_key_that_is_short_is_refused(self, world: World) -> None:
        world.trust()
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            token = (world.issuer.new_key("RS256", bits=1024), world.issuer.token())[1]

        assert "too short to be safe" in world.refusal(token)

    def test_a_published_secret_is_no_key(self, world: World) -> None:
        """Given an issuer that lists a symmetric key, then knowing it signs nothing."""
        secret = b"s" * 32
        world.trust()
        text = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        world.issuer.published.append({"kty": "oct", "kid": "secret", "k": text})
        signed = f"{part({'alg': 'RS256', 'kid': 'secret'})}.{part(world.issuer.claims())}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()

        refusal = world.refusal(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")

        assert "has no key 'secret'" in refusal

    @pytest.mark.parametrize(
        "text",
        [
            "a.b.c",
            "." * 300,
            f"{part({'alg': 'ES256', 'kid': 7})}.{part({'iss': 'https://x.example'})}.AA",
            f"{part({'alg': ['ES256']})}.{part({})}.AA",
            f"{part([])}.{part([])}.AA",
            base64.urlsafe_b64encode(b"[" * 10_000).decode().rstrip("=") + ".e30.AA",
            f"{part({'alg': 'ES256', 'kid': 'k'})}."
            + base64.urlsafe_b64encode(b'{"iss": ' + b"9" * 5000 + b"}").decode().rstrip("=")
            + ".AA",
        ],
    )
    def test_nonsense_is_refused(self, world: World, text: str) -> None:
        world.trust()

        world.refusal(text)

        assert world.issuer.asked == []
