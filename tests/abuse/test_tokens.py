"""Tokens that are forged, altered, expired, revoked, or good for something else."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from orchestra_client.server.service import Service

from .world import UNKNOWN, Asker, codes

if TYPE_CHECKING:
    from collections.abc import Iterator

HELLO = "{ hello }"
PAIR = "access_token refresh_token"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Iterator[Service]:
    service = Service.open("memory:", clock=clock)
    yield service
    service.close()


@pytest.fixture
def admin(service: Service) -> Asker:
    assert service.bootstrapped is not None
    return Asker(service, service.bootstrapped.token)


@pytest.fixture
def session(admin: Asker) -> dict[str, str]:
    tenant = admin("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"]
    return dict(admin.do("switch_tenant", PAIR, tenant_id=tenant))


@pytest.fixture
def claims(session: dict[str, str]) -> dict[str, Any]:
    return dict(jwt.decode(session["access_token"], options={"verify_signature": False}))


@pytest.fixture
def kid(session: dict[str, str]) -> str:
    return str(jwt.get_unverified_header(session["access_token"])["kid"])


def told(service: Service, token: str | None, query: str = HELLO, **variables: Any) -> list[str]:
    answer = Asker(service, token).answer(query, variables)
    assert answer.status == 200
    if token and len(token) > 8:
        assert token not in json.dumps(answer.body)
    return codes(answer)


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class TestForged:
    """Given a session's token that the server did not sign, then UNAUTHENTICATED."""

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, [], {}, 7])
    @pytest.mark.parametrize("signature", ["", "x", encoded(b"\0" * 32)])
    def test_without_an_algorithm(
        self, service: Service, claims: dict[str, Any], kid: str, algorithm: Any, signature: str
    ) -> None:
        head = {"alg": algorithm, "typ": "JWT", "kid": kid}
        assert told(service, f"{encoded(head)}.{encoded(claims)}.{signature}") == ["UNAUTHENTICATED"]

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    def test_with_a_key_that_anybody_knows(
        self, service: Service, claims: dict[str, Any], kid: str, algorithm: str
    ) -> None:
        keys = [
            b"",
            b"secret",
            kid.encode(),
            uuid.UUID(kid).bytes,
            b"orchestra",
            claims["sub"].encode(),
            b"\0" * 32,
        ]
        for key in keys:
            head, body = encoded({"alg": algorithm, "kid": kid}), encoded(claims)
            digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
            signature = encoded(hmac.new(key, f"{head}.{body}".encode(), digest).digest())
            assert told(service, f"{head}.{body}.{signature}") == ["UNAUTHENTICATED"]

    def test_by_another_server(self, session: dict[str, str]) -> None:
        other = Service.open("memory:")
        assert told(other, session["access_token"]) == ["UNAUTHENTICATED"]
        other.close()

    @pytest.mark.parametrize(
        "kid",
        [
            None,
            "",
            7,
            [],
            {},
            UNKNOWN,
            "../../../dev/null",
            "/dev/null",
            "' UNION SELECT 'aa' --",
            "x' OR '1'='1",
            "%",
            "\0",
            "\ud800",
            "a" * 100_000,
        ],
        ids=lambda kid: repr(kid)[:24],
    )
    def test_with_a_key_id_of_its_own(self, service: Service, claims: dict[str, Any], kid: Any) -> None:
        head, body = encoded({"alg": "HS256", "kid": kid}), encoded(claims)
        for key in (b"", b"aa", b"\0" * 32):
            signature = encoded(hmac.new(key, f"{head}.{body}".encode(), "sha256").digest())
            assert told(service, f"{head}.{body}.{signature}") == ["UNAUTHENTICATED"]

    @pytest.mark.parametrize(
        "more",
        [
            {"jwk": {"kty": "oct", "k": ""}},
            {"jku": "http://x/"},
            {"x5u": "http://x/"},
            {"crit": ["x"]},
            {"b64": False},
        ],
    )
    def test_with_a_key_in_its_head(
        self, service: Service, claims: dict[str, Any], kid: str, more: Any
    ) -> None:
        head, body = encoded({"alg": "HS256", "kid": kid, **more}), encoded(claims)
        signature = encoded(hmac.new(b"", f"{head}.{body}".encode(), "sha256").digest())
        assert told(service, f"{head}.{body}.{signature}") == ["UNAUTHENTICATED"]

    @pytest.mark.parametrize(
        "change",
        [
            {"role": "USER"},
            {"tenant_id": UNKNOWN},
            {"exp": 2**40},
            {"typ": "refresh"},
            {"sub": UNKNOWN},
            {"token_id": ""},
            {},
        ],
        ids=str,
    )
    def test_with_other_claims_under_a_good_signature(
        self, service: Service, session: dict[str, str], change: Any
    ) -> None:
        head, body, signature = session["access_token"].split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        # Also with none changed, but written anew.
        altered = f"{head}.{encoded({'extra': 1, **claims, **change})}.{signature}"
        assert told(service, altered) == ["UNAUTHENTICATED"]

    def test_cut_and_damaged(self, service: Service, session: dict[str, str]) -> None:
        token = session["access_token"]
        head, body, signature = token.split(".")
        for rubbish in (
            token[:-2],
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{head}..{signature}",
            f".{body}.{signature}",
            f"{token}.{token}",
            f"{head}.{body}.{signature[::-1]}",
            token.swapcase(),
            "a.b.c",
            "...",
            "\xe9.\xe9.\xe9",
            encoded(b"[" * 50_000) + ".e30.",
            encoded(b'{"alg": ' * 50_000) + ".e30.",
            encoded({"alg": "HS256", "kid": "1" * 36}) + ".e30.x",
            "x" * 1_000_000,
            "orc_" + "x" * 1_000_000,
            "orc_",
            "orc_\ud800",
        ):
            assert told(service, rubbish) == ["UNAUTHENTICATED"]


class TestTime:
    def test_an_access_token_ends(self, service: Service, session: dict[str, str], clock: Clock) -> None:
        assert told(service, session["access_token"]) == []
        clock.time += dt.timedelta(seconds=service.settings.access_token_seconds - 1)
        assert told(service, session["access_token"]) == []
        clock.time += dt.timedelta(seconds=1)
        assert told(service, session["access_token"]) == ["UNAUTHENTICATED"]

    def test_a_refresh_token_ends(self, service: Service, session: dict[str, str], clock: Clock) -> None:
        clock.time += dt.timedelta(seconds=service.settings.refresh_token_seconds)
        refresher = Asker(service, session["refresh_token"])
        query = "mutation($t: String!) { refresh_token(input: {access_token: $t}) { access_token } }"
        assert codes(refresher.answer(query, {"t": session["access_token"]})) == ["UNAUTHENTICATED"]

    def test_an_api_token_ends_and_its_sessions_with_it(
        self, service: Service, admin: Asker, clock: Clock
    ) -> None:
        end = (clock.time + dt.timedelta(seconds=30)).isoformat()
        token = admin.do("create_api_token", "token", name="t", scope="USER", expires_at=end)["token"]
        holder = Asker(service, token)
        tenant = holder("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"]
        pair = holder.do("switch_tenant", PAIR, tenant_id=tenant)
        child = holder.do("create_api_token", "token expires_at", name="c", scope="TENANT")
        assert child["expires_at"] is not None
        clock.time += dt.timedelta(seconds=30)
        for each in (token, pair["access_token"], pair["refresh_token"], child["token"]):
            assert told(service, each) == ["UNAUTHENTICATED"]


class TestRevoked:
    @pytest.mark.parametrize("scope", ["USER", "TENANT", "RUNNER"])
    def test_a_deleted_token_ends_at_once(self, service: Service, admin: Asker, scope: str) -> None:
        made = admin.do("create_api_token", "id token", name="t", scope=scope)
        assert told(service, made["token"]) == []
        admin.do("delete_api_token", token_id=made["id"])
        assert told(service, made["token"]) == ["UNAUTHENTICATED"]

    def test_and_so_do_the_sessions_it_opened(self, service: Service, admin: Asker) -> None:
        made = admin.do("create_api_token", "id token", name="t", scope="USER")
        holder = Asker(service, made["token"])
        tenant = holder("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"]
        pair = holder.do("switch_tenant", PAIR, tenant_id=tenant)
        refreshed = Asker(service, pair["refresh_token"]).do(
            "refresh_token", PAIR, access_token=pair["access_token"]
        )
        for token in (pair["access_token"], refreshed["access_token"]):
            assert told(service, token) == []
        admin.do("delete_api_token", token_id=made["id"])
        for token in (*pair.values(), *refreshed.values()):
            assert told(service, token) == ["UNAUTHENTICATED"]
            query = "mutation($t: String!) { refresh_token(input: {access_token: $t}) { access_token } }"
            assert told(service, token, query, t=pair["access_token"]) == ["UNAUTHENTICATED"]

    def test_a_run_that_is_deleted_takes_its_token_along(self, service: Service, admin: Asker) -> None:
        flow_id = admin.do("create_flow", "id", serialized_flow={"name": "f"})["id"]
        run = admin.do("create_flow_run", "id", flow_id=flow_id)["id"]
        token = admin.do("create_api_token", "token", name="t", scope="RUNNER", flow_run_id=run)["token"]
        assert told(service, token) == []
        admin.do("delete_flow_run", flow_run_id=run)
        assert told(service, token) == ["UNAUTHENTICATED"]


class TestOtherUses:
    def test_a_refresh_token_is_no_access_token_and_the_other_way_round(
        self, service: Service, session: dict[str, str]
    ) -> None:
        query = "mutation($t: String!) { refresh_token(input: {access_token: $t}) { access_token } }"
        access, refresh = session["access_token"], session["refresh_token"]
        assert told(service, refresh) == ["UNAUTHENTICATED"]
        assert told(service, refresh, "{ __schema { queryType { name } } }") == ["UNAUTHENTICATED"]
        assert told(service, refresh, "{ __typename }") == ["UNAUTHENTICATED"]
        assert told(service, access, query, t=access) == ["UNAUTHENTICATED"]
        assert told(service, access, query, t=refresh) == ["UNAUTHENTICATED"]
        assert told(service, refresh, query, t=refresh) == ["UNAUTHENTICATED"]
        assert told(service, refresh, query, t="rubbish") == ["UNAUTHENTICATED"]
        assert told(service, refresh, query, t=access) == []

    def test_tokens_of_two_sessions_do_not_mix(
        self, service: Service, admin: Asker, session: dict[str, str]
    ) -> None:
        tenant = admin.do("create_tenant", "id", name="Other", slug="other")["id"]
        other = admin.do("switch_tenant", PAIR, tenant_id=tenant)
        query = "mutation($t: String!) { refresh_token(input: {access_token: $t}) { access_token } }"
        assert told(service, session["refresh_token"], query, t=other["access_token"]) == ["UNAUTHENTICATED"]

    def test_a_session_stays_in_its_tenant(
        self, service: Service, admin: Asker, session: dict[str, str]
    ) -> None:
        tenant = admin.do("create_tenant", "id", name="Other", slug="other")["id"]
        for asked in (tenant, tenant.upper(), UNKNOWN, "rubbish", "\0", "x" * 1_000_000):
            asker = Asker(service, session["access_token"], {"tenant_id": asked})
            assert codes(asker.answer(HELLO)) == ["FORBIDDEN"]

    def test_the_digest_of_a_token_is_no_token(self, service: Service, admin: Asker) -> None:
        digest = hashlib.sha256((admin.token or "").encode()).hexdigest()
        for token in (digest, f"orc_{digest}", (admin.token or "").removeprefix("orc_")):
            assert told(service, token) == ["UNAUTHENTICATED"]

    def test_no_answer_tells_a_token(self, service: Service, admin: Asker, session: dict[str, str]) -> None:
        text = json.dumps(
            admin(
                "{ api_token { id name scope } auth_api_key { id name } auth_info { api_token_id } user { username } }"
            )
        )
        assert (admin.token or "") not in text
        # Also where a token was put in the wrong place.
        for wrong in (admin.token, session["access_token"]):
            for query in (
                f'{{ project_by_pk(id: "{wrong}") {{ id }} }}',
                "{{ {} }}".format((wrong or "").replace(".", "_").replace("-", "_")),
                f'mutation {{ delete_project(input: {{project_id: "{wrong}"}}) {{ success }} }}',
                f'mutation {{ delete_secret(input: {{name: "{wrong}"}}) {{ success }} }}',
                f'mutation {{ set_flow_group_schedule(input: {{flow_group_id: "{UNKNOWN}", timezone: "{wrong}"}}) {{ success }} }}',
            ):
                assert (wrong or "") not in json.dumps(admin.answer(query).body)
