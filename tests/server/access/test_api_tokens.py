from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import AuthenticationError, BadInput, NotFound, PermissionDenied

if TYPE_CHECKING:
    from .conftest import Clock, Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def names(tokens: list[dict[str, Any]]) -> set[str]:
    return {token["name"] for token in tokens}


class TestCreate:
    @pytest.mark.parametrize("scope", ["USER", "TENANT", "RUNNER"])
    def test_a_token_works_and_has_its_scope(self, server: Server, scope: str) -> None:
        made = server.mutate("create_api_token", server.token, name="ci", scope=scope)

        principal = server.who(made["token"])
        assert (principal.role, principal.token_id) == (scope, made["id"])
        assert made["expires_at"] is None

    def test_it_is_nowhere_on_disk(self, server: Server) -> None:
        token = server.new_token("TENANT")

        assert token.removeprefix("orc_").encode() not in server.raw()
        assert b"tenant" in server.raw()

    @pytest.mark.parametrize(
        ("own", "wanted"),
        [("TENANT", "USER"), ("RUNNER", "USER"), ("RUNNER", "TENANT")],
    )
    def test_nobody_makes_a_stronger_token(self, server: Server, own: str, wanted: str) -> None:
        token = server.new_token(own)

        with pytest.raises(PermissionDenied, match=f"A {own} token cannot create a {wanted} token"):
            server.new_token(wanted, by=token)

    def test_a_runner_token_makes_tokens_for_single_runs_only(self, server: Server, flow_run_id: str) -> None:
        runner = server.new_token("RUNNER")

        made = server.new_token("RUNNER", by=runner, flow_run_id=flow_run_id)
        assert server.who(made).flow_run_id == flow_run_id
        with pytest.raises(PermissionDenied, match="name the run in flow_run_id"):
            server.new_token("RUNNER", by=runner)

    def test_a_runner_token_makes_none_for_a_foreign_run(
        self, server: Server, foreign_flow_run_id: str
    ) -> None:
        with pytest.raises(NotFound):
            server.new_token("RUNNER", by=server.new_token("RUNNER"), flow_run_id=foreign_flow_run_id)

    @pytest.mark.parametrize("wanted", ["TENANT", "RUNNER"])
    def test_a_tenant_token_makes_tokens_of_its_tenant(self, server: Server, wanted: str) -> None:
        made = server.new_token(wanted, by=server.new_token("TENANT"))

        assert server.who(made).tenant_id == server.start.tenant_id

    def test_it_belongs_to_the_tenant_that_the_request_acts_in(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        made = server.mutate("create_api_token", server.token, acting_in=team, name="ci", scope="TENANT")

        assert server.who(made["token"]).tenant_id == team

    def test_it_belongs_to_the_tenant_named(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        assert server.who(server.new_token("TENANT", tenant_id=team)).tenant_id == team

    @pytest.mark.parametrize("own", ["USER", "TENANT"])
    def test_a_tenant_of_others_is_refused(self, server: Server, own: str) -> None:
        foreign = server.new_tenant()

        with pytest.raises(PermissionDenied, match="no access to tenant"):
            server.new_token("TENANT", by=server.new_token(own), tenant_id=foreign)

    def test_a_user_token_names_no_tenant(self, server: Server) -> None:
        with pytest.raises(BadInput, match="leave out tenant_id"):
            server.new_token("USER", tenant_id=server.start.tenant_id)

    def test_a_user_in_no_tenant_is_told_what_to_do(self, server: Server) -> None:
        server.sql("DELETE FROM membership")

        with pytest.raises(BadInput, match="create one first"):
            server.new_token("TENANT")

    def test_a_run_binds_only_a_runner_token(self, server: Server, flow_run_id: str) -> None:
        with pytest.raises(BadInput, match="leave out flow_run_id"):
            server.new_token("TENANT", flow_run_id=flow_run_id)

    def test_a_run_of_others_counts_as_none(self, server: Server, foreign_flow_run_id: str) -> None:
        for flow_run_id in (foreign_flow_run_id, NOBODY):
            with pytest.raises(NotFound, match=f"No flow run has the ID {flow_run_id}"):
                server.new_token("RUNNER", flow_run_id=flow_run_id)

    @pytest.mark.parametrize("name", ["", "  ", "x" * 256])
    def test_a_name_is_needed(self, server: Server, name: str) -> None:
        with pytest.raises(BadInput):
            server.mutate("create_api_token", server.token, name=name, scope="TENANT")


class TestExpiry:
    def test_a_time_that_has_passed_is_refused(self, server: Server, clock: Clock) -> None:
        for moment in (clock.at(), clock.at(days=-1)):
            with pytest.raises(BadInput, match="must lie in the future"):
                server.new_token("TENANT", expires_at=moment)

    def test_a_token_cannot_outlive_the_one_it_is_made_with(self, server: Server, clock: Clock) -> None:
        brief = server.new_token("USER", expires_at=clock.at(hours=1))

        with pytest.raises(BadInput, match="cannot outlive"):
            server.new_token("USER", by=brief, expires_at=clock.at(hours=2))

    def test_unset_it_ends_with_the_one_it_is_made_with(self, server: Server, clock: Clock) -> None:
        brief = server.new_token("USER", expires_at=clock.at(hours=1))

        made = server.mutate("create_api_token", brief, name="ci", scope="RUNNER")

        assert made["expires_at"] == clock.at(hours=1)

    def test_a_session_makes_what_its_api_token_could(self, server: Server, clock: Clock) -> None:
        session = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)

        made = server.mutate("create_api_token", session["access_token"], name="ci", scope="TENANT")

        assert made["expires_at"] is None


class TestDelete:
    def test_what_cannot_be_seen_cannot_be_deleted(self, server: Server) -> None:
        bootstrap_id = server.who(server.token).token_id

        for token_id in (bootstrap_id, NOBODY):
            with pytest.raises(NotFound, match=f"No API token has the ID {token_id}"):
                server.mutate("delete_api_token", server.new_token("TENANT"), token_id=token_id)
        assert server.who(server.token)

    def test_a_token_of_another_tenant_cannot_be_deleted(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]
        theirs, ours = server.new_token("TENANT", tenant_id=team), server.new_token("TENANT")

        with pytest.raises(NotFound):
            server.mutate("delete_api_token", ours, token_id=server.who(theirs).token_id)
        assert server.who(theirs)

    def test_a_tenant_token_deletes_its_fellows(self, server: Server) -> None:
        token, fellow = server.new_token("TENANT"), server.new_token("RUNNER")

        assert server.mutate("delete_api_token", token, token_id=server.who(fellow).token_id) == {
            "success": True
        }
        with pytest.raises(AuthenticationError):
            server.who(fellow)

    def test_a_second_delete_finds_nothing(self, server: Server) -> None:
        token_id = server.who(server.new_token("RUNNER")).token_id
        server.mutate("delete_api_token", server.token, token_id=token_id)

        with pytest.raises(NotFound):
            server.mutate("delete_api_token", server.token, token_id=token_id)


class TestList:
    @pytest.mark.parametrize("root_field", ["api_token", "auth_api_key"])
    def test_a_user_sees_their_own_and_the_tenants(self, server: Server, root_field: str) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]
        server.mutate("create_api_token", server.token, name="ours", scope="RUNNER")
        server.mutate("create_api_token", server.token, name="theirs", scope="RUNNER", tenant_id=team)

        assert names(server.call(root_field, server.token)) == {"bootstrap", "ours"}
        assert names(server.call(root_field, server.token, acting_in=team)) == {"bootstrap", "theirs"}

    def test_nobody_sees_the_tokens_of_another_user(self, server: Server) -> None:
        server.sql(
            "INSERT INTO user (id, created, updated, username) VALUES (:id, '', '', 'else')", id=NOBODY
        )
        server.mutate("create_api_token", server.token, name="theirs", scope="USER")
        server.sql("UPDATE api_token SET user_id = :user WHERE name = 'theirs'", user=NOBODY)

        assert names(server.call("api_token", server.token)) == {"bootstrap"}
        server.sql("DELETE FROM membership")
        assert names(server.call("api_token", server.token)) == {"bootstrap"}

    def test_a_tenant_token_sees_no_users(self, server: Server) -> None:
        assert names(server.call("api_token", server.new_token("TENANT"))) == {"tenant"}

    def test_a_refresh_token_sees_none_of_the_tenants(self, server: Server) -> None:
        server.new_token("RUNNER")
        session = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)

        assert names(server.call("api_token", session["refresh_token"])) == {"bootstrap"}

    def test_nothing_secret_is_shown(self, server: Server) -> None:
        [shown] = server.call("api_token", server.token)

        assert shown.keys() == {
            "id", "name", "scope", "tenant_id", "user_id", "flow_run_id", "created", "expires_at",
            "oidc_trust_id",
        }  # fmt: skip


class TestApiKeys:
    def test_a_key_is_a_user_token(self, server: Server, clock: Clock) -> None:
        made = server.mutate("create_api_key", server.token, name="laptop", expires_at=clock.at(days=1))

        assert made.keys() == {"id", "key", "expires_at"}
        assert (server.who(made["key"]).role, made["expires_at"]) == ("USER", clock.at(days=1))

    def test_a_key_for_oneself_by_id(self, server: Server) -> None:
        assert server.mutate("create_api_key", server.token, name="laptop", user_id=server.start.user_id)

    def test_a_key_for_somebody_else_is_refused(self, server: Server) -> None:
        with pytest.raises(PermissionDenied, match="leave out user_id"):
            server.mutate("create_api_key", server.token, name="laptop", user_id=NOBODY)

    def test_a_tenant_token_makes_no_keys(self, server: Server) -> None:
        with pytest.raises(PermissionDenied):
            server.mutate("create_api_key", server.new_token("TENANT"), name="laptop")

    def test_a_deleted_key_ends_at_once(self, server: Server) -> None:
        made = server.mutate("create_api_key", server.token, name="laptop")

        server.mutate("delete_api_key", server.token, key_id=made["id"])

        with pytest.raises(AuthenticationError):
            server.who(made["key"])


class TestAuthInfo:
    def test_an_api_token_is_told_what_it_is(self, server: Server, clock: Clock) -> None:
        token = server.new_token("TENANT", expires_at=clock.at(days=1))

        assert server.call("auth_info", token) == {
            "tenant_id": server.start.tenant_id,
            "user_id": None,
            "api_token_scope": "TENANT",
            "api_token_id": server.who(token).token_id,
            "expires_at": clock.at(days=1),
        }

    def test_a_session_is_told_when_it_ends(self, server: Server, clock: Clock) -> None:
        session = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)

        info = server.call("auth_info", session["access_token"])

        assert info["expires_at"] == clock.at(minutes=10)
        assert info["user_id"] == server.start.user_id
