from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from orchestra_client.errors import AuthenticationError, ConfigurationError
from orchestra_client.server.access import Access, bootstrap
from orchestra_client.server.access.tokens import is_api_token
from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.store.database import Database
from orchestra_client.server.store.tables import metadata
from orchestra_client.server.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Clock, Server

GIVEN = "orc_" + "given-by-the-operator_" * 2


class TestEmptyDatabase:
    def test_it_gets_a_tenant_an_admin_and_a_token_that_works(self, server: Server) -> None:
        [account] = server.call("user", server.token)

        assert account["username"] == "admin"
        assert account["default_membership"]["tenant"]["name"] == "Default"
        assert account["default_membership"]["tenant"]["slug"] == "default"
        assert server.who(server.token).tenant_id == server.start.tenant_id

    def test_the_token_is_named_and_recognisable(self, server: Server) -> None:
        [token] = server.call("api_token", server.token)

        assert (token["name"], token["scope"], token["expires_at"]) == ("bootstrap", "USER", None)
        assert is_api_token(server.token)
        assert len(server.token) == len("orc_") + 43

    def test_the_token_is_nowhere_on_disk(self, server: Server) -> None:
        assert server.token.encode() not in server.raw()
        assert server.token.removeprefix("orc_").encode() not in server.raw()
        assert b"bootstrap" in server.raw()

    def test_a_server_without_login_makes_no_token(self, open_server: Server) -> None:
        assert open_server.start.token is None
        assert open_server.call("api_token", None) == []


class TestLaterStarts:
    def test_a_second_start_changes_nothing(self, server: Server) -> None:
        before = server.sql("SELECT * FROM api_token"), server.sql("SELECT * FROM signing_key")

        again = server.bootstrap()

        assert again.token is None
        assert (again.tenant_id, again.user_id) == (server.start.tenant_id, server.start.user_id)
        assert before == (server.sql("SELECT * FROM api_token"), server.sql("SELECT * FROM signing_key"))

    def test_the_first_start_with_login_makes_a_token(self, open_server: Server, clock: Clock) -> None:
        strict = type(open_server)(open_server.path, clock, vault=open_server.vault)

        assert strict.who(strict.token).user_id == open_server.start.user_id

    def test_a_start_makes_a_token_when_all_have_expired(self, server: Server, clock: Clock) -> None:
        server.sql("UPDATE api_token SET expires_at = :end", end=clock.at(hours=1))
        clock.advance(hours=1)

        again = server.bootstrap()

        assert server.who(again.token).user_id == server.start.user_id

    def test_another_key_of_the_vault_shows_at_the_start(self, server: Server) -> None:
        with pytest.raises(ConfigurationError, match="Start with the key that encrypted them"):
            bootstrap(server.database, Vault.ephemeral(), server.settings)

    def test_a_start_survives_an_admin_in_no_tenant(self, server: Server) -> None:
        server.sql("DELETE FROM membership")

        assert server.bootstrap().tenant_id is None


class TestGivenToken:
    def test_it_works_on_an_empty_database(self, tmp_path: Path, clock: Clock) -> None:
        database = Database(f"sqlite:///{tmp_path / 'given.db'}", clock=clock)
        with database.connect(write=True) as connection:
            metadata.create_all(connection)
        vault, settings = Vault.ephemeral(), Settings()

        start = bootstrap(database, vault, settings, token=GIVEN)

        assert start.token == GIVEN
        access = Access(database, vault, settings)
        assert access.authenticate(Credentials(GIVEN)).user_id == start.user_id

    def test_a_new_one_is_added_to_an_existing_database_once(self, server: Server) -> None:
        assert server.bootstrap(GIVEN).token == GIVEN
        assert server.bootstrap(GIVEN).token is None
        assert server.who(GIVEN).user_id == server.start.user_id
        assert server.who(server.token)
        assert len(server.call("api_token", GIVEN)) == 2

    def test_a_deleted_one_works_again_after_a_start(self, server: Server) -> None:
        server.bootstrap(GIVEN)
        server.mutate("delete_api_token", GIVEN, token_id=server.who(GIVEN).token_id)
        with pytest.raises(AuthenticationError):
            server.who(GIVEN)

        server.bootstrap(GIVEN)

        assert server.who(GIVEN)

    def test_it_is_added_for_a_server_without_login_too(self, open_server: Server) -> None:
        assert open_server.bootstrap(GIVEN).token == GIVEN

    @pytest.mark.parametrize(
        "token", ["", "orc_", "orc_short", "x" * 60, "orc_" + " " * 40, "orc_" + "ü" * 40, GIVEN + "\n"]
    )
    def test_a_weak_one_is_refused_before_anything_is_written(
        self, tmp_path: Path, clock: Clock, token: str
    ) -> None:
        database = Database(f"sqlite:///{tmp_path / 'given.db'}", clock=clock)

        with pytest.raises(ConfigurationError, match="ORCHESTRA_BOOTSTRAP_TOKEN must be orc_") as refusal:
            bootstrap(database, Vault.ephemeral(), Settings(), token=token)
        assert len(token) < 5 or token not in str(refusal.value)

    def test_one_that_is_a_lesser_token_is_refused(self, server: Server) -> None:
        with pytest.raises(ConfigurationError, match="already the TENANT token"):
            server.bootstrap(server.new_token("TENANT"))

    def test_one_that_expires_is_refused(self, server: Server, clock: Clock) -> None:
        with pytest.raises(ConfigurationError, match="already the USER token"):
            server.bootstrap(server.new_token("USER", expires_at=clock.at(hours=1)))


class TestRaces:
    def test_threads_that_start_at_once_agree(self, tmp_path: Path, clock: Clock) -> None:
        database = Database(f"sqlite:///{tmp_path / 'race.db'}", clock=clock)
        with database.connect(write=True) as connection:
            metadata.create_all(connection)
        vault = Vault.ephemeral()

        with ThreadPoolExecutor(8) as pool:
            starts = list(pool.map(lambda _: bootstrap(database, vault, Settings()), range(8)))

        assert len({(start.tenant_id, start.user_id) for start in starts}) == 1
        assert len([start for start in starts if start.token]) == 1

    @pytest.mark.slow
    def test_processes_that_start_at_once_agree(self, tmp_path: Path) -> None:
        path = tmp_path / "race.db"
        database = Database(f"sqlite:///{path}")
        with database.connect(write=True) as connection:
            metadata.create_all(connection)
        program = (
            "import sys, pathlib\n"
            "from orchestra_client.server.access import bootstrap\n"
            "from orchestra_client.server.context import Settings\n"
            "from orchestra_client.server.store.database import Database\n"
            "from orchestra_client.server.vault import Vault\n"
            "print('ready', flush=True)\n"
            "sys.stdin.readline()\n"
            "path = pathlib.Path(sys.argv[1])\n"
            "start = bootstrap(Database(f'sqlite:///{path}'), Vault.open(path.parent, {}), Settings())\n"
            "print(start.tenant_id, start.user_id, start.token)"
        )
        starters = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        assert [starter.stdout.readline() for starter in starters if starter.stdout] == ["ready\n"] * 4
        for starter in starters:
            assert starter.stdin
            starter.stdin.write("go\n")
            starter.stdin.flush()
        answers = [starter.communicate(timeout=60)[0].split() for starter in starters]

        assert len({(tenant, user) for tenant, user, _ in answers}) == 1
        [token] = [token for _, _, token in answers if token != "None"]
        access = Access(database, Vault.open(tmp_path, {}), Settings())
        assert access.authenticate(Credentials(token)).user_id == answers[0][1]
