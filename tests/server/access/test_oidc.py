"""CI jobs log in: with a real issuer on this machine, through the whole server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import der_to_raw_signature, raw_to_der_signature

from orchestra_client.server.access import oidc_issuers
from orchestra_client.server.access.oidc_issuers import COOLDOWN, LIFESPAN
from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service
from tests.ci_issuer import AUDIENCE, Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Clock

SLUG = "default"
FIELDS = "access_token expires_at tenant_id tenant_slug role trust"
CLAIMS = {"repository": "acme/flows", "ref": "refs/heads/main"}


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class World:
    """A server, an admin of it, and a CI that everybody can have jobs at."""

    service: Service
    clock: Clock
    issuer: Issuer
    admin: str = field(init=False)
    home: str = field(init=False)

    def __post_init__(self) -> None:
        start = self.service.bootstrapped
        assert start is not None
        self.admin, self.home = start.token or "", start.tenant_id or ""

    def ask(self, query: str, by: str | None, variables: dict[str, Any] | None = None, **headers: Any) -> Any:
        credentials = Credentials(by, **headers)
        body = self.service.execute(GraphQLRequest(query, variables), credentials).body
        for error in body.get("errors", []):
            raise Refused(error["extensions"]["code"], error["message"])
        return body["data"]

    def do(self, name: str, fields: str, by: str | None, /, *, key: str | None = None, **values: Any) -> Any:
        query = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {fields} }} }}"
        return self.ask(query, by, {"input": values}, idempotency_key=key)[name]

    def trust(self, by: str | None = None, **changes: Any) -> str:
        claims = changes.pop("claims", CLAIMS)
        values = {"name": "ci", "issuer": self.issuer.url, "audience": AUDIENCE, **changes}
        patterns = [{"name": name, "pattern": pattern} for name, pattern in claims.items()]
        made = self.do("create_oidc_trust", "id", by or self.admin, claims=patterns, **values)
        return str(made["id"])

    def login(self, token: str | None = None, **values: Any) -> dict[str, Any]:
        token = self.issuer.token() if token is None else token
        answer: dict[str, Any] = self.do("exchange_oidc_token", FIELDS, None, token=token, **values)
        return answer

    def refusal(self, token: str | None = None, **values: Any) -> str:
        """What a token is refused with, as a matter of authentication."""
        with pytest.raises(Refused) as refused:
            self.login(token, **values)
        assert refused.value.code == "UNAUTHENTICATED"
        assert token is None or not token or token not in str(refused.value)
        return str(refused.value)

    def tokens(self, by: str | None = None) -> list[dict[str, Any]]:
        fields = "id name scope tenant_id expires_at oidc_trust_id"
        found: list[dict[str, Any]] = self.ask(f"{{ api_token {{ {fields} }} }}", by or self.admin)[
            "api_token"
        ]
        return found

    def new_tenant(self, slug: str = "other") -> str:
        made: str = self.do("create_tenant", "id", self.admin, name=slug, slug=slug)["id"]
        return made


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    with Issuer(lambda: clock().timestamp()) as issuer:
        yield issuer


@pytest.fixture
def world(clock: Clock, issuer: Issuer) -> Iterator[World]:
    service = Service.open("memory:", clock=clock)
    yield World(service, clock, issuer)
    service.close()


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


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


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

        assert "several tenants; name the one" in world.refusal()

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
            ("/jwks", (500, {}, b""), "HTTP status 500"),
            ("/jwks", (200, {}, b" " * 600_000), "more than 524288 bytes"),
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
        assert refused.value.code == "API_ERROR"

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
        monkeypatch.setattr(oidc_issuers, "PATIENCE", 0.1)
        world.trust()
        come, gone = threading.Event(), threading.Event()

        def drip() -> Any:
            come.set()
            gone.wait(10)
            return {"keys": world.issuer.published}

        world.issuer.answers["/jwks"] = drip
        with pytest.raises(Refused, match=r"could not be reached|did not answer within"):
            world.login()
        assert come.is_set()
        gone.set()

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


class TestStrangers:
    """Given nobody's request, then this one field is answered, and nothing else is even read."""

    def test_other_fields_ask_for_a_credential(self, world: World) -> None:
        exchange = 'exchange_oidc_token(input: {token: "x"}) { role }'
        for query in (
            "{ hello }",
            "{ __schema { types { name } } }",
            "{ __typename }",
            "mutation { __typename }",
            f"mutation {{ {exchange} again: {exchange} }}",
            f'mutation {{ {exchange} create_project(input: {{name: "x"}}) {{ id }} }}',
            f"mutation {{ ...F }} fragment F on Mutation {{ {exchange} }}",
            f"mutation {{ ... {{ {exchange} }} }}",
            f"mutation A {{ {exchange} }} mutation B {{ {exchange} }}",
            f"query {{ {exchange} }}",
            f"subscription {{ {exchange} }}",
            f'mutation {{ hidden: delete_oidc_trust(input: {{trust_id: "{world.home}"}}) {{ success }} }}',
            f"mutation {{ {exchange} }}{' ' * 2000}",
            "",
            "{",
            "\ud800",
        ):
            with pytest.raises(Refused) as refused:
                world.ask(query, None)
            assert (refused.value.code, "has no token" in str(refused.value)) == ("UNAUTHENTICATED", True), (
                query
            )

    def test_an_alias_does_no_harm(self, world: World) -> None:
        world.trust()
        query = "mutation Login($t: String!) { mine: exchange_oidc_token(input: {token: $t}) { role } }"

        assert world.ask(query, None, {"t": world.issuer.token()}) == {"mine": {"role": "TENANT"}}

    def test_what_does_not_fit_the_contract_is_told(self, world: World) -> None:
        with pytest.raises(Refused, match="nothing"):
            world.ask('mutation { exchange_oidc_token(input: {token: "x"}) { nothing } }', None)

    def test_a_credential_that_is_bad_is_refused_as_ever(self, world: World) -> None:
        world.trust()
        query = "mutation($input: exchange_oidc_token_input!) { exchange_oidc_token(input: $input) { role } }"

        with pytest.raises(Refused, match="does not know the API token"):
            world.ask(query, f"orc_{'x' * 43}", {"input": {"token": world.issuer.token()}})

    def test_whoever_is_logged_in_may_ask_too(self, world: World) -> None:
        world.trust()

        assert (
            world.do("exchange_oidc_token", "role", world.admin, token=world.issuer.token())["role"]
            == "TENANT"
        )


class TestTrusting:
    def test_trusts_are_listed_by_name(self, world: World) -> None:
        world.trust(name="b", token_seconds=3600, role="RUNNER")
        trust_id = world.trust(name=" a ", claims={"repository": "acme/*"})

        fields = "id name issuer audience claims { name pattern } role token_seconds"
        listed = world.ask(f"{{ oidc_trust {{ {fields} }} }}", world.admin)["oidc_trust"]

        assert [row["name"] for row in listed] == ["a", "b"]
        assert listed[0] == {
            "id": trust_id,
            "name": "a",
            "issuer": world.issuer.url,
            "audience": AUDIENCE,
            "claims": [{"name": "repository", "pattern": "acme/*"}],
            "role": "TENANT",
            "token_seconds": 900,
        }
        assert (listed[1]["role"], listed[1]["token_seconds"]) == ("RUNNER", 3600)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"claims": {}}, "at least one claim"),
            ({"claims": {"repository": "*"}}, "nothing but wildcards"),
            ({"claims": {"repository": "*", "ref": "**?", "x": "[a-z]*"}}, "nothing but wildcards"),
            ({"claims": {"iss": "x"}}, "'iss' is checked anyway"),
            ({"claims": {"": "x"}}, "name must not be empty"),
            ({"claims": {"x": ""}}, "pattern of claim 'x' must not be empty"),
            ({"claims": {"x": "y" * 256}}, "at most 255"),
            ({"claims": {f"x{n}": "y" for n in range(21)}}, "at most 20 claims"),
            ({"issuer": "http://issuer.example"}, "impersonated"),
            ({"issuer": "ftp://issuer.example"}, "impersonated"),
            ({"issuer": "issuer.example"}, "no URL"),
            ({"issuer": "https://"}, "no URL"),
            ({"issuer": "https://x y.example"}, "no URL"),
            ({"issuer": "https://x.example\n/"}, "no URL"),
            ({"issuer": "https://exämple.com"}, "no URL"),
            ({"issuer": "https://x.example:port"}, "no URL"),
            ({"issuer": "https://user@issuer.example"}, "a user"),
            ({"issuer": "https://issuer.example?a=1"}, "a query"),
            ({"issuer": "https://issuer.example#a"}, "a fragment"),
            ({"issuer": "http://127.0.0.1.evil.example"}, "impersonated"),
            ({"issuer": f"https://{'x' * 300}.example"}, "at most 255"),
            ({"audience": " "}, "audience must not be empty"),
            ({"role": "USER"}, "TENANT or RUNNER, not as USER"),
            ({"token_seconds": 59}, "from 60 to 3600; it is 59"),
            ({"token_seconds": 3601}, "from 60 to 3600; it is 3601"),
            ({"name": ""}, "name must not be empty"),
        ],
    )
    def test_what_would_let_in_anybody_or_nobody_is_refused(
        self, world: World, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(Refused, match=message) as refused:
            world.trust(**changes)
        assert refused.value.code == "BAD_USER_INPUT"

    @pytest.mark.parametrize("public", ["https://token.actions.githubusercontent.com", "https://gitlab.com"])
    @pytest.mark.parametrize(
        ("claims", "is_enough"),
        [
            ({"ref": "refs/heads/main"}, False),
            ({"job_workflow_ref": "acme/flows/.github/workflows/ci.yml@main"}, False),
            ({"sub": "repo:*"}, False),
            ({"repository": "acme*", "project_path": "acme*"}, False),
            ({"repository": "*/flows", "project_path": "*/flows"}, False),
            ({"repository": "acme/*", "project_path": "acme/*"}, True),
            ({"repository": "acme/flows", "project_path": "acme/flows", "ref": "*"}, True),
            ({"repository_id": "123", "project_id": "123"}, True),
            ({"sub": "repo:acme/flows:ref:refs/heads/*"}, True),
        ],
    )
    def test_at_a_public_issuer_a_claim_must_tell_whose_job_it_is(
        self, world: World, public: str, claims: dict[str, str], is_enough: bool
    ) -> None:
        if is_enough:
            assert world.trust(issuer=public, claims=claims)
            return
        with pytest.raises(Refused, match=f"Everybody can have jobs at {public}"):
            world.trust(issuer=public, claims=claims)

    def test_a_slash_behind_a_public_issuer_makes_no_other_one(self, world: World) -> None:
        world.trust(issuer="https://gitlab.com/", claims={"project_path": "acme/flows"})

        [listed] = world.ask("{ oidc_trust { issuer } }", world.admin)["oidc_trust"]
        assert listed["issuer"] == "https://gitlab.com"

    def test_a_name_is_given_once_in_a_tenant(self, world: World) -> None:
        world.trust()

        with pytest.raises(Refused, match="'ci' exists already") as refused:
            world.trust()
        assert refused.value.code == "UNIQUENESS_VIOLATION"

    def test_a_job_cannot_change_what_is_trusted(self, world: World) -> None:
        trust_id = world.trust()
        job = world.login()["access_token"]
        made = world.do("create_api_token", "token", job, name="t", scope="TENANT")["token"]

        for by in (job, made):
            with pytest.raises(Refused, match="cannot change what is trusted"):
                world.trust(by=by, name="mine")
            with pytest.raises(Refused, match="cannot change what is trusted"):
                world.do("delete_oidc_trust", "success", by, trust_id=trust_id)

    def test_it_is_announced(self, world: World) -> None:
        assert "oidc" in world.ask("{ api { capabilities } }", world.admin)["api"]["capabilities"]
