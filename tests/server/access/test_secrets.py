from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import BadInput, ConfigurationError, NotFound
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    from .conftest import Server


class TestSecrets:
    @pytest.mark.parametrize(
        "value", ["text", "", 0, False, 2**70, [1, None], {"a": {"b": [1.5]}}, "\0", "\ud800"]
    )
    def test_a_value_comes_back_as_it_was(self, server: Server, value: Any) -> None:
        assert server.mutate("set_secret", server.token, name="KEY", value=value) == {"success": True}

        assert server.call("secret_value", server.token, name="KEY") == value

    def test_setting_again_replaces(self, server: Server) -> None:
        for value in ("old", "new"):
            server.mutate("set_secret", server.token, name="KEY", value=value)

        assert server.call("secret_value", server.token, name=" KEY ") == "new"
        assert server.call("secret_names", server.token) == ["KEY"]

    @pytest.mark.parametrize("values", [{}, {"value": None}])
    def test_null_is_refused_and_the_old_value_stays(self, server: Server, values: dict[str, Any]) -> None:
        server.mutate("set_secret", server.token, name="KEY", value="old")

        with pytest.raises(BadInput, match="use delete_secret"):
            server.mutate("set_secret", server.token, name="KEY", **values)
        assert server.call("secret_value", server.token, name="KEY") == "old"

    @pytest.mark.parametrize("name", ["", " ", "x" * 256])
    def test_a_name_is_needed(self, server: Server, name: str) -> None:
        with pytest.raises(BadInput):
            server.mutate("set_secret", server.token, name=name, value="v")

    def test_a_miss_says_what_old_clients_look_for(self, server: Server) -> None:
        with pytest.raises(NotFound, match=r"^No value found for the requested key$"):
            server.call("secret_value", server.token, name="KEY")

    def test_a_deleted_secret_is_gone(self, server: Server) -> None:
        server.mutate("set_secret", server.token, name="KEY", value="v")

        assert server.mutate("delete_secret", server.token, name="KEY") == {"success": True}

        assert server.call("secret_names", server.token) == []
        with pytest.raises(NotFound, match="No secret has this name"):
            server.mutate("delete_secret", server.token, name="KEY")

    def test_names_are_in_order(self, server: Server) -> None:
        for name in ("b", "a", "c"):
            server.mutate("set_secret", server.token, name=name, value=1)

        assert server.call("secret_names", server.token) == ["a", "b", "c"]

    def test_each_tenant_has_its_own(self, server: Server) -> None:
        team = server.mutate("create_tenant", server.token, name="Team", slug="team")["id"]
        server.mutate("set_secret", server.token, name="KEY", value="ours")
        server.mutate("set_secret", server.token, acting_in=team, name="KEY", value="theirs")
        server.mutate("delete_secret", server.token, acting_in=team, name="KEY")

        assert server.call("secret_value", server.token, name="KEY") == "ours"
        with pytest.raises(NotFound):
            server.call("secret_value", server.token, acting_in=team, name="KEY")

    def test_a_run_reads_its_tenants_secrets(self, server: Server, flow_run_id: str) -> None:
        server.mutate("set_secret", server.token, name="KEY", value="v")

        assert (
            server.call("secret_value", server.new_token("RUNNER", flow_run_id=flow_run_id), name="KEY")
            == "v"
        )

    def test_a_refresh_token_reads_none(self, server: Server) -> None:
        server.mutate("set_secret", server.token, name="KEY", value="v")
        session = server.mutate("switch_tenant", server.token, tenant_id=server.start.tenant_id)

        with pytest.raises(NotFound):
            server.call("secret_value", session["refresh_token"], name="KEY")


class TestAtRest:
    def test_no_value_stands_in_the_database_in_plain(self, server: Server) -> None:
        server.mutate(
            "set_secret", server.token, name="DATABASE_PASSWORD", value={"password": "hunter2-hunter2"}
        )

        assert b"DATABASE_PASSWORD" in server.raw()
        assert b"hunter2" not in server.raw()

    def test_a_new_key_before_the_old_one_reads_what_is_there(self, server: Server, clock: Any) -> None:
        keyed = type(server)(server.path.with_name("keyed.db"), clock, vault=vault("the old passphrase"))
        keyed.mutate("set_secret", keyed.token, name="KEY", value="v")

        rotated = type(server)(keyed.path, clock, vault=vault("the new passphrase,the old passphrase"))

        assert rotated.call("secret_value", keyed.token, name="KEY") == "v"
        with pytest.raises(ConfigurationError, match="NEW,OLD"):
            type(server)(keyed.path, clock, vault=vault("the new passphrase"))


def vault(keys: str) -> Vault:
    return Vault.open(None, {"ORCHESTRA_SECRET_KEY": keys})
