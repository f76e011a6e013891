from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.errors import AuthenticationError, PermissionDenied

if TYPE_CHECKING:
    from .conftest import Clock, Server

NOBODY = "00000000-0000-4000-8000-000000000000"
STRANGE_TOKEN = "orc_" + "x" * 43


class TestApiTokens:
    def test_a_user_token_acts_in_the_default_tenant(self, server: Server) -> None:
        principal = server.who(server.token)

        assert principal.role == "USER"
        assert principal.tenant_id == server.start.tenant_id
        assert principal.user_id == server.start.user_id

    def test_a_user_token_acts_in_the_tenant_asked_for(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        principal = server.who(server.token, team.upper())

        assert principal.tenant_id == team
        assert principal.tenant_ids == (server.start.tenant_id, team)

    @pytest.mark.parametrize("asked", [NOBODY, "default", "'; DROP TABLE tenant; --", "\ud800", "\0"])
    def test_a_tenant_that_does_not_exist_is_refused(self, server: Server, asked: str) -> None:
        with pytest.raises(PermissionDenied, match="no access to tenant") as refusal:
            server.who(server.token, asked)
        str(refusal.value).encode()

    def test_a_tenant_of_others_is_refused_as_one_that_does_not_exist(self, server: Server) -> None:
        with pytest.raises(PermissionDenied, match="may not exist"):
            server.who(server.token, server.new_tenant())

    def test_a_lost_membership_counts_from_the_next_request(self, server: Server) -> None:
        server.sql("DELETE FROM membership")

        assert server.who(server.token).tenant_id is None
        assert server.who(server.token).scope.tenant_ids == ()
        with pytest.raises(PermissionDenied):
            server.who(server.token, server.start.tenant_id)

    def test_a_tenant_token_acts_in_its_tenant_alone(self, server: Server) -> None:
        other = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]
        token = server.new_token("TENANT")

        principal = server.who(token, server.start.tenant_id)

        assert (principal.role, principal.tenant_id, principal.user_id) == (
            "TENANT",
            server.start.tenant_id,
            None,
        )
        assert principal.tenant_ids == (server.start.tenant_id,)
        with pytest.raises(PermissionDenied):
            server.who(token, other)

    def test_a_runner_token_carries_its_run(self, server: Server, flow_run_id: str) -> None:
        principal = server.who(server.new_token("RUNNER", flow_run_id=flow_run_id))

        assert (principal.role, principal.flow_run_id) == ("RUNNER", flow_run_id)
        assert principal.scope.flow_run_id == flow_run_id

    def test_an_expired_token_is_refused_from_the_very_moment(self, server: Server, clock: Clock) -> None:
        token = server.new_token("TENANT", expires_at=clock.at(hours=1))
        clock.advance(hours=1, microseconds=-1)
        server.who(token)

        clock.advance(microseconds=1)

        with pytest.raises(AuthenticationError, match=r"expired at 2030-01-01T13:00:00\.000000\+00:00"):
            server.who(token)

    def test_a_deleted_token_is_refused_at_once(self, server: Server) -> None:
        token = server.new_token("USER")
        server.mutate("delete_api_token", server.token, token_id=server.who(token).token_id)

        with pytest.raises(AuthenticationError, match="deleted"):
            server.who(token)

    @pytest.mark.parametrize("token", [None, ""])
    def test_a_request_without_a_token_is_told_what_to_send(self, server: Server, token: str | None) -> None:
        with pytest.raises(AuthenticationError, match="Authorization: Bearer"):
            server.who(token)

    @pytest.mark.parametrize(
        "token",
        [
            "orc_",
            "orc_\0",
            "orc_\ud800",
            STRANGE_TOKEN,
            "x",
            ".",
            "..",
            "a.b.c",
            "\ud800",
            "\0",
            "ey" * 50_000,
        ],
    )
    def test_nonsense_is_refused_and_not_repeated(self, server: Server, token: str) -> None:
        with pytest.raises(AuthenticationError) as refusal:
            server.who(token)
        assert len(token) < 4 or token not in str(refusal.value)


class TestWithoutLogin:
    def test_anybody_is_the_admin(self, open_server: Server) -> None:
        principal = open_server.who(None)

        assert (principal.role, principal.user_id, principal.token_id) == (
            "USER",
            open_server.start.user_id,
            None,
        )
        assert principal.tenant_id == open_server.start.tenant_id

    def test_the_tenant_asked_for_is_respected(self, open_server: Server) -> None:
        team = open_server.mutate("create_tenant", None, name="Team", slug="team")["id"]

        assert open_server.who(None, team).tenant_id == team

    def test_a_tenant_that_does_not_exist_is_refused(self, open_server: Server) -> None:
        with pytest.raises(PermissionDenied):
            open_server.who(None, NOBODY)

    @pytest.mark.parametrize(
        "token", [STRANGE_TOKEN, "a token of another product", "eyJhbGciOiJIUzI1NiJ9.e30.x", ""]
    )
    def test_a_token_of_another_server_does_no_harm(self, open_server: Server, token: str) -> None:
        assert open_server.who(token) == open_server.who(None)

    def test_a_session_acts_in_the_tenant_it_was_opened_for(self, open_server: Server) -> None:
        team = open_server.mutate("create_tenant", None, name="Team", slug="team")["id"]
        session = open_server.mutate("switch_tenant", None, tenant_id=team)

        assert open_server.who(session["access_token"]).tenant_id == team

    def test_an_expired_session_is_refused_and_not_taken_to_another_tenant(
        self, open_server: Server, clock: Clock
    ) -> None:
        session = open_server.mutate("switch_tenant", None, tenant_id=open_server.start.tenant_id)
        clock.advance(hours=1)

        with pytest.raises(AuthenticationError, match="expired"):
            open_server.who(session["access_token"])

    def test_its_sessions_end_when_a_login_is_asked_for(self, open_server: Server, clock: Clock) -> None:
        session = open_server.mutate("switch_tenant", None, tenant_id=open_server.start.tenant_id)
        strict = type(open_server)(open_server.path, clock, vault=open_server.vault)

        with pytest.raises(AuthenticationError, match="gone"):
            strict.who(session["access_token"])
