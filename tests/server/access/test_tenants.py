from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.errors import BadInput, PermissionDenied, UniquenessViolation

if TYPE_CHECKING:
    from .conftest import Clock, Server


class TestCreateTenant:
    def test_the_creator_is_a_member(self, server: Server, clock: Clock) -> None:
        clock.advance(seconds=1)
        team = server.mutate("create_tenant", server.token, name=" Team ", slug="my-team-2")["id"]

        [account] = server.call("user", server.token)
        [_, membership] = account["memberships"]
        assert membership["tenant_id"] == membership["tenant"]["id"] == team
        assert (membership["tenant"]["name"], membership["tenant"]["slug"]) == ("Team", "my-team-2")

    def test_the_default_tenant_stays(self, server: Server) -> None:
        server.mutate("create_tenant", server.token, name="Team", slug="team")

        assert server.who(server.token).tenant_id == server.start.tenant_id

    def test_a_user_in_no_tenant_gets_a_default_one(self, server: Server) -> None:
        server.sql("DELETE FROM membership")

        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]

        [account] = server.call("user", server.token)
        assert account["default_membership"]["tenant_id"] == team

    @pytest.mark.parametrize(
        "slug",
        ["", "Team", "my team", "-team", "team-", "a--b", "a_b", "tëam", "team\n", "x" * 256, "\0", "\ud800"],
    )
    def test_a_slug_has_its_form(self, server: Server, slug: str) -> None:
        with pytest.raises(BadInput, match="slug must be lower-case letters and digits"):
            server.mutate("create_tenant", server.token, name="Team", slug=slug)

    def test_a_name_is_needed(self, server: Server) -> None:
        with pytest.raises(BadInput, match="name must not be empty"):
            server.mutate("create_tenant", server.token, name=" ", slug="team")

    def test_a_slug_that_is_taken_is_refused_and_nothing_changes(self, server: Server) -> None:
        with pytest.raises(UniquenessViolation, match="slug 'default' exists already"):
            server.mutate("create_tenant", server.token, name="Mine", slug="default")

        assert len(server.sql("SELECT * FROM tenant")) == len(server.sql("SELECT * FROM membership")) == 1

    @pytest.mark.parametrize("scope", ["TENANT", "RUNNER"])
    def test_only_a_user_can(self, server: Server, scope: str) -> None:
        with pytest.raises(PermissionDenied, match="a USER token can"):
            server.mutate("create_tenant", server.new_token(scope), name="Team", slug="team")


class TestUser:
    def test_a_token_without_a_user_has_none(self, server: Server) -> None:
        assert server.call("user", server.new_token("TENANT")) == []

    def test_a_user_in_no_tenant_has_no_memberships(self, server: Server) -> None:
        server.sql("DELETE FROM membership")

        [account] = server.call("user", server.token)
        assert (account["memberships"], account["default_membership"]) == ([], None)
