from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from orchestra_client.errors import AuthenticationError, PermissionDenied
from orchestra_client.server.context import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Clock, Server

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def session(server: Server) -> dict[str, str]:
    """A session of the admin in the default tenant."""
    answer: dict[str, str] = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)
    return answer


def unverified(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def forged(server: Server, token: str, key: bytes | None = None, **changes: Any) -> str:
    """The token with other claims, None for none, signed as the server would unless another key is given."""
    claims = {**unverified(token), **changes}
    kid = jwt.get_unverified_header(token)["kid"]
    if key is None:
        with server.database.connect(write=False) as connection:
            key = server.access.keys.find(connection, kid)
    assert key
    payload = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(payload, key, "HS256", headers={"kid": kid})


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class TestSwitchTenant:
    def test_the_session_acts_in_the_tenant(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        session = server.mutate("switch_tenant", server.token, tenant_id=team)

        principal = server.who(session["access_token"])
        assert (principal.role, principal.tenant_id, principal.user_id) == (
            "USER",
            team,
            server.start.user_id,
        )
        assert principal.token_id == server.who(server.token).token_id
        assert set(principal.tenant_ids) == {team, server.start.tenant_id}

    def test_the_answer_tells_the_end_of_the_access_token(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        assert session["expires_at"] == clock.at(minutes=10)
        assert server.who(session["access_token"]).expires_at == session["expires_at"]

    def test_a_session_can_switch_on(self, server: Server, session: dict[str, str]) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        onward = server.mutate("switch_tenant", session["access_token"], tenant_id=team)

        assert server.who(onward["access_token"]).tenant_id == team

    def test_a_tenant_of_others_is_refused(self, server: Server) -> None:
        with pytest.raises(PermissionDenied, match="not a member"):
            server.mutate("switch_tenant", server.token, tenant_id=server.new_tenant())

    @pytest.mark.parametrize("scope", ["TENANT", "RUNNER"])
    def test_only_a_user_can_switch(self, server: Server, scope: str) -> None:
        with pytest.raises(PermissionDenied, match="only a user"):
            server.mutate("switch_tenant", server.new_token(scope), tenant_id=server.start.tenant_id)

    def test_a_session_does_not_outlive_its_api_token(self, server: Server, clock: Clock) -> None:
        token = server.new_token("USER", expires_at=clock.at(minutes=5))

        session = server.mutate("switch_tenant", token, tenant_id=server.start.tenant_id)

        assert session["expires_at"] == clock.at(minutes=5)
        assert unverified(session["refresh_token"])["exp"] == unverified(session["access_token"])["exp"]

    def test_lifetimes_are_the_settings(self, tmp_path: Any, clock: Clock, server: Server) -> None:
        settings = Settings(access_token_seconds=7, refresh_token_seconds=70)
        short = type(server)(tmp_path / "short.db", clock, settings)

        session = short.mutate("switch_tenant", short.token, tenant_id=short.start.tenant_id)

        assert session["expires_at"] == clock.at(seconds=7)
        assert unverified(session["refresh_token"])["exp"] == clock.time.timestamp() + 70


class TestAccessToken:
    def test_it_works_until_the_moment_it_expires(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        clock.advance(minutes=10, microseconds=-1)
        server.who(session["access_token"])

        clock.advance(microseconds=1)

        with pytest.raises(AuthenticationError, match="access token expired; refresh it"):
            server.who(session["access_token"])

    def test_it_ends_with_its_api_token(self, server: Server) -> None:
        token = server.new_token("USER")
        session = server.mutate("switch_tenant", token, tenant_id=server.start.tenant_id)

        server.mutate("delete_api_token", server.token, token_id=server.who(token).token_id)

        for jwt_of_session in (session["access_token"], session["refresh_token"]):
            with pytest.raises(AuthenticationError, match="gone"):
                server.who(jwt_of_session)

    def test_it_ends_with_the_expiry_of_its_api_token(self, server: Server, session: dict[str, str]) -> None:
        server.sql("UPDATE api_token SET expires_at = '2029-12-31T00:00:00.000000+00:00'")

        with pytest.raises(AuthenticationError, match="API token expired"):
            server.who(session["access_token"])

    def test_it_ends_with_the_membership(self, server: Server, session: dict[str, str]) -> None:
        server.sql("DELETE FROM membership")

        with pytest.raises(PermissionDenied):
            server.who(session["access_token"])

    def test_it_is_not_for_another_tenant(self, server: Server, session: dict[str, str]) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        assert server.who(session["access_token"], (server.start.tenant_id or "").upper())
        with pytest.raises(PermissionDenied, match="switch"):
            server.who(session["access_token"], team)

    def test_another_process_takes_it(self, server: Server, session: dict[str, str], clock: Clock) -> None:
        second = type(server)(server.path, clock, vault=server.vault)

        assert second.who(session["access_token"]) == server.who(session["access_token"])

    def test_it_carries_the_claims_that_clients_read(self, server: Server, session: dict[str, str]) -> None:
        claims = unverified(session["access_token"])

        assert claims.keys() == {"typ", "sub", "tenant_id", "token_id", "role", "iat", "exp", "jti", "aud"}
        assert (claims["typ"], claims["aud"], claims["role"]) == ("access", "orchestra", "USER")


FORGERIES: dict[str, Callable[[Server, str], str]] = {
    "altered, or signed by another server": lambda server, token: forged(server, token, key=b"k" * 32),
    "lacks the claim 'aud'": lambda server, token: forged(server, token, aud=None),
    "another service": lambda server, token: forged(server, token, aud="orchestra-staging"),
    "cannot be read": lambda server, token: forged(server, token, sub=7),
    "another kind": lambda server, token: forged(server, token, typ="id"),
    "issued in the future": lambda server, token: forged(server, token, iat=4_000_000_000),
}


class TestForgery:
    @pytest.mark.parametrize("fault", FORGERIES)
    def test_a_forged_token_is_refused_with_its_fault(
        self, server: Server, session: dict[str, str], fault: str
    ) -> None:
        token = FORGERIES[fault](server, session["access_token"])

        with pytest.raises(AuthenticationError, match=fault) as refusal:
            server.who(token)
        assert token not in str(refusal.value)

    @pytest.mark.parametrize(
        "claim", ["typ", "sub", "tenant_id", "token_id", "role", "iat", "exp", "jti", "aud"]
    )
    def test_every_claim_is_required(self, server: Server, session: dict[str, str], claim: str) -> None:
        with pytest.raises(AuthenticationError, match=f"lacks the claim '{claim}'"):
            server.who(forged(server, session["access_token"], **{claim: None}))

    @pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "RS256", "", None, 7])
    def test_another_algorithm_is_refused(
        self, server: Server, session: dict[str, str], algorithm: Any
    ) -> None:
        kid = jwt.get_unverified_header(session["access_token"])["kid"]
        header, payload, signature = session["access_token"].split(".")
        header = part({"alg": algorithm, "typ": "JWT", "kid": kid})

        for last in ("", signature):
            with pytest.raises(AuthenticationError):
                server.who(f"{header}.{payload}.{last}")

    @pytest.mark.parametrize("position", [0, 1, 2])
    def test_a_single_altered_character_is_refused(
        self, server: Server, session: dict[str, str], position: int
    ) -> None:
        parts = session["access_token"].split(".")
        middle = len(parts[position]) // 2
        other = "B" if parts[position][middle] == "A" else "A"
        parts[position] = parts[position][:middle] + other + parts[position][middle + 1 :]

        with pytest.raises(AuthenticationError):
            server.who(".".join(parts))

    @pytest.mark.parametrize(
        "header",
        [
            {},
            {"kid": None},
            {"kid": 7},
            {"kid": "\ud800"},
            {"kid": "\0" * 36},
            {"kid": "' OR 1=1 --"},
            {"kid": NOBODY},
            [],
            "kid",
            None,
        ],
    )
    def test_a_key_that_is_not_ours_is_refused(self, server: Server, header: Any) -> None:
        if isinstance(header, dict):
            header = {"alg": "HS256", **header}

        with pytest.raises(AuthenticationError, match="neither an API token"):
            server.who(f"{part(header)}.{part({})}.c2lnbmF0dXJl")

    @pytest.mark.parametrize("text", ["[" * 30_000, '{"kid": ' + "9" * 5000 + "}", '{"a":' * 20_000, "\xff"])
    def test_a_header_that_is_no_sound_json_is_refused(self, server: Server, text: str) -> None:
        header = base64.urlsafe_b64encode(text.encode("latin-1")).rstrip(b"=").decode()

        with pytest.raises(AuthenticationError):
            server.who(f"{header}.e30.c2lnbmF0dXJl")


class TestRefresh:
    def refresh(self, server: Server, session: dict[str, str], **other: str) -> dict[str, str]:
        tokens = {**session, **other}
        answer: dict[str, str] = server.mutate(
            "refresh_token", tokens["refresh_token"], access_token=tokens["access_token"]
        )
        return answer

    def test_an_expired_session_goes_on(self, server: Server, session: dict[str, str], clock: Clock) -> None:
        clock.advance(hours=2)

        renewed = self.refresh(server, session)

        assert renewed["expires_at"] == clock.at(minutes=10)
        assert server.who(renewed["access_token"]).tenant_id == server.start.tenant_id

    def test_one_refresh_token_serves_several_processes(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        clock.advance(hours=2)

        first, second = self.refresh(server, session), self.refresh(server, session)

        assert server.who(first["access_token"]).tenant_id == server.who(second["access_token"]).tenant_id
        assert unverified(first["access_token"])["jti"] != unverified(second["access_token"])["jti"]

    def test_the_new_refresh_token_lives_on_from_now(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        clock.advance(days=6)
        renewed = self.refresh(server, session)
        clock.advance(days=6)

        assert self.refresh(server, renewed)

    def test_a_refresh_token_expires(self, server: Server, session: dict[str, str], clock: Clock) -> None:
        clock.advance(days=7)

        with pytest.raises(AuthenticationError, match="refresh token expired; log in again"):
            self.refresh(server, session)

    def test_a_refresh_token_says_what_it_is_and_reaches_nothing(
        self, server: Server, session: dict[str, str]
    ) -> None:
        principal = server.who(session["refresh_token"])

        assert principal.is_refresh
        assert (principal.scope.tenant_id, principal.scope.tenant_ids) == (None, ())

    def test_an_access_token_cannot_refresh(self, server: Server, session: dict[str, str]) -> None:
        with pytest.raises(AuthenticationError, match="refresh token as the bearer"):
            self.refresh(server, session, refresh_token=session["access_token"])

    def test_an_api_token_cannot_refresh(self, server: Server, session: dict[str, str]) -> None:
        with pytest.raises(AuthenticationError, match="refresh token as the bearer"):
            self.refresh(server, session, refresh_token=server.token)

    def test_the_refresh_token_cannot_stand_for_the_access_token(
        self, server: Server, session: dict[str, str]
    ) -> None:
        with pytest.raises(AuthenticationError, match="send a session's access token here"):
            self.refresh(server, session, access_token=session["refresh_token"])

    def test_the_access_token_of_another_tenant_is_refused(
        self, server: Server, session: dict[str, str]
    ) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]
        other = server.mutate("switch_tenant", server.token, tenant_id=team)

        with pytest.raises(AuthenticationError, match="two sessions"):
            self.refresh(server, session, access_token=other["access_token"])

    def test_the_access_token_of_another_api_token_is_refused(
        self, server: Server, session: dict[str, str]
    ) -> None:
        token = server.new_token("USER")
        other = server.mutate("switch_tenant", token, tenant_id=server.start.tenant_id)

        with pytest.raises(AuthenticationError, match="two sessions"):
            self.refresh(server, session, access_token=other["access_token"])

    @pytest.mark.parametrize("access_token", ["", "orc_x", "a.b.c"])
    def test_nonsense_for_the_access_token_is_refused(
        self, server: Server, session: dict[str, str], access_token: str
    ) -> None:
        with pytest.raises(AuthenticationError):
            self.refresh(server, session, access_token=access_token)

    def test_a_forged_access_token_is_refused(self, server: Server, session: dict[str, str]) -> None:
        with pytest.raises(AuthenticationError, match="altered"):
            self.refresh(server, session, access_token=forged(server, session["access_token"], key=b"k" * 32))


class TestSigningKeys:
    def test_a_removed_key_ends_its_sessions_on_a_new_start(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        server.sql("DELETE FROM signing_key")
        restarted = type(server)(server.path, clock, vault=server.vault)

        with pytest.raises(AuthenticationError, match="log in again"):
            restarted.who(session["access_token"])

    def test_a_newer_key_signs_and_the_older_still_verifies(
        self, server: Server, session: dict[str, str], clock: Clock
    ) -> None:
        server.sql(
            "INSERT INTO signing_key (id, created, ciphertext) VALUES (:id, :created, :ciphertext)",
            id=NOBODY,
            created=clock.at(seconds=1),
            ciphertext=server.vault.encrypt(b"n" * 32),
        )

        newer = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)

        assert jwt.get_unverified_header(newer["access_token"])["kid"] == NOBODY
        assert server.who(newer["access_token"]) == server.who(session["access_token"])

    def test_no_key_stands_in_the_database_in_plain(self, server: Server, session: dict[str, str]) -> None:
        kid = jwt.get_unverified_header(session["access_token"])["kid"]
        with server.database.connect(write=False) as connection:
            key = server.access.keys.find(connection, kid)

        assert key
        assert kid.encode() in server.raw()
        assert key not in server.raw()
