"""`orchestra auth`: a login is checked before it is saved, shown without its token, and forgotten."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow

UNKNOWN = "orc_" + "u" * 43
DEAD_SERVER = "http://127.0.0.1:9/graphql"


@pytest.fixture
def newcomer(orchestra: Orchestra) -> Orchestra:
    """The command of somebody who has not logged in."""
    del orchestra.environ["ORCHESTRA_API_SERVER"], orchestra.environ["ORCHESTRA_API_TOKEN"]
    return orchestra


@pytest.fixture
def token(client: Client, unique: Callable[[str], str]) -> str:
    """A token of the default tenant, for one test."""
    made = client.create_api_token(unique("cli"), scope="TENANT", expires_in=timedelta(hours=1)).token
    assert made
    return made


@pytest.fixture
def member(newcomer: Orchestra, server_url: str, token: str) -> Orchestra:
    """The command of somebody whose login is saved."""
    newcomer("auth", "login", "--api-server", server_url, stdin=token + "\n")
    return newcomer


def saved(orchestra: Orchestra) -> dict[str, Any]:
    return json.loads(logins(orchestra).read_text())


def logins(orchestra: Orchestra) -> Path:
    return orchestra.home / "orchestra" / "credentials.json"


class TestLogin:
    def test_a_token_on_stdin_is_saved_for_its_owner_alone(
        self, newcomer: Orchestra, server_url: str, token: str
    ) -> None:
        done = newcomer("auth", "login", "--api-server", server_url, stdin=token + "\n")

        assert saved(newcomer)["servers"][server_url]["api_token"] == token
        assert stat.S_IMODE(logins(newcomer).stat().st_mode) == 0o600
        assert done.out == ""
        assert f"Logged in to {server_url}, tenant default, with orc_…{token[-4:]}." in done.err
        assert f"Saved in {logins(newcomer)}." in done.err
        newcomer("project", "list")

    def test_at_a_terminal_everything_is_asked_for_and_the_token_is_not_shown(
        self, newcomer: Orchestra, client: Client, server_url: str, unique: Callable[[str], str]
    ) -> None:
        client.create_tenant(unique("another"))
        first = client.get_available_tenants()[0]

        done = newcomer.at_terminal(
            "auth",
            "login",
            answers={
                "Server [http://127.0.0.1:4200]:": server_url,
                "API token:": TOKEN,
                "Which tenant?": "1",
            },
        )

        assert TOKEN not in done.out
        assert f"  1. {first.slug}" in done.out
        assert saved(newcomer)["servers"][server_url]["tenant_slug"] == first.slug

    def test_at_a_terminal_the_tenant_may_be_answered_by_its_slug(
        self, newcomer: Orchestra, client: Client, server_url: str, unique: Callable[[str], str]
    ) -> None:
        slug = unique("another")
        client.create_tenant(slug, slug)

        done = newcomer.at_terminal(
            "auth",
            "login",
            "--api-server",
            server_url,
            answers={"API token:": TOKEN, "Which tenant?": "nowhere", "nor one of these": slug},
        )

        assert "'nowhere' is neither a number from 1 to" in done.out
        assert saved(newcomer)["servers"][server_url]["tenant_slug"] == slug

    def test_the_tenant_may_be_named(self, newcomer: Orchestra, server_url: str) -> None:
        newcomer("auth", "login", "--api-server", server_url, "--tenant", "default", stdin=TOKEN)

        assert newcomer("auth", "status", "--json").json[0]["tenant"] == "default"

    def test_where_nobody_can_choose_the_tenant_nothing_is_saved(
        self, newcomer: Orchestra, client: Client, server_url: str, unique: Callable[[str], str]
    ) -> None:
        client.create_tenant(unique("another"))

        done = newcomer("auth", "login", "--api-server", server_url, stdin=TOKEN, status=2)

        assert "--tenant SLUG" in done.err
        assert not logins(newcomer).exists()

    def test_the_token_may_be_in_the_environment(
        self, newcomer: Orchestra, server_url: str, token: str
    ) -> None:
        done = newcomer("auth", "login", "--api-server", server_url, environ={"ORCHESTRA_API_TOKEN": token})

        assert "ORCHESTRA_API_TOKEN" in done.err
        assert saved(newcomer)["servers"][server_url]["api_token"] == token

    def test_a_token_on_stdin_can_be_insisted_on(
        self, newcomer: Orchestra, server_url: str, token: str
    ) -> None:
        words = ("auth", "login", "--with-token", "--api-server", server_url)

        done = newcomer(*words, stdin=token, environ={"ORCHESTRA_API_TOKEN": UNKNOWN})

        assert saved(newcomer)["servers"][server_url]["api_token"] == token
        assert "ORCHESTRA_API_TOKEN is set to another token, which wins" in done.err

    @pytest.mark.parametrize("wrong", [UNKNOWN, "not-even-a-token"])
    def test_a_refused_token_leaves_the_earlier_login_as_it_is(
        self, member: Orchestra, server_url: str, wrong: str
    ) -> None:
        before = logins(member).read_bytes()

        done = member("auth", "login", "--api-server", server_url, stdin=wrong, status=4)

        assert logins(member).read_bytes() == before
        assert "Nothing was saved." in done.err
        assert wrong not in done.err

    def test_the_login_that_it_replaces_is_named(
        self, newcomer: Orchestra, server_url: str, token: str
    ) -> None:
        words = ("auth", "login", "--api-server", server_url, "--tenant", "default")
        first = newcomer(*words, stdin=TOKEN)
        same = newcomer(*words, stdin=TOKEN)
        other = newcomer(*words, stdin=token)

        assert "replaces" not in first.err + same.err
        assert f"This replaces your saved login for {server_url}, with orc_…tttt." in other.err
        assert "The new one has the scope TENANT instead of USER and expires at" in other.err

    def test_one_that_cannot_be_read_does_not_stand_in_the_way(
        self, newcomer: Orchestra, server_url: str
    ) -> None:
        """Given a login whose token is in the keyring, and no keyring, then a new one takes its place."""
        words = ("auth", "login", "--api-server", server_url, "--tenant", "default")
        newcomer(*words, stdin=TOKEN)
        content = saved(newcomer)
        content["servers"][server_url] |= {"api_token": None, "keyring": True}
        logins(newcomer).write_text(json.dumps(content))

        done = newcomer(*words, stdin=TOKEN)

        assert "that cannot be read" in done.err
        assert saved(newcomer)["servers"][server_url]["api_token"] == TOKEN

    @pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
    def test_at_a_terminal_a_lesser_login_is_not_saved_unasked(
        self, newcomer: Orchestra, server_url: str, token: str, answer: str, status: int
    ) -> None:
        words = ("auth", "login", "--api-server", server_url, "--tenant", "default")
        newcomer(*words, stdin=TOKEN)

        newcomer.at_terminal(*words, answers={"API token:": token, "Replace it?": answer}, status=status)

        assert saved(newcomer)["servers"][server_url]["api_token"] == (token if answer == "y" else TOKEN)
        newcomer.at_terminal(*words, "--yes", answers={"API token:": token})

    def test_an_unknown_tenant_leaves_the_earlier_login_as_it_is(
        self, member: Orchestra, server_url: str
    ) -> None:
        before = logins(member).read_bytes()

        done = member(
            "auth", "login", "--api-server", server_url, "--tenant", "nowhere", stdin=TOKEN, status=1
        )

        assert logins(member).read_bytes() == before
        assert "no tenant 'nowhere'" in done.err

    @pytest.mark.parametrize("words", [("--token", UNKNOWN), (f"--token={UNKNOWN}",), (UNKNOWN,)])
    def test_no_argument_takes_a_token(self, newcomer: Orchestra, words: tuple[str, ...]) -> None:
        done = newcomer("auth", "login", *words, status=2)

        assert UNKNOWN not in done.err
        if words[0].startswith("--"):
            assert "There is no option --token: process lists and shell histories show arguments." in done.err

    def test_without_a_server_it_says_how_to_name_one(self, newcomer: Orchestra) -> None:
        assert "--api-server URL" in newcomer("auth", "login", stdin=TOKEN, status=2).err

    def test_a_store_of_ones_own_asks_for_no_login(self, newcomer: Orchestra) -> None:
        done = newcomer("auth", "login", "--api-server", "sqlite:///runs.db", stdin=TOKEN, status=2)

        assert "asks for no login" in done.err


class TestLogout:
    def test_the_login_is_forgotten_and_its_token_still_works(self, member: Orchestra, token: str) -> None:
        done = member("auth", "logout")

        assert saved(member) == {"version": 1, "active": None, "servers": {}}
        assert "--revoke" in done.err

    def test_a_revoked_token_works_nowhere(
        self, member: Orchestra, client: Client, server_url: str, token: str
    ) -> None:
        member("auth", "logout", "--revoke", "--yes")

        again = member("auth", "login", "--api-server", server_url, stdin=token, status=4)
        assert "deleted" in again.err

    def test_an_unset_variable_names_no_server(self, member: Orchestra) -> None:
        member("auth", "logout", "--api-server", "", status=2)

        member("auth", "status")

    def test_nobody_revokes_by_accident(self, member: Orchestra) -> None:
        member("auth", "logout", "--revoke", status=2)
        member.at_terminal("auth", "logout", "--revoke", answers={"Revoke the API token at": "n"}, status=1)

        member("auth", "status")

    def test_a_token_that_is_revoked_already_is_forgotten(
        self, member: Orchestra, client: Client, token: str
    ) -> None:
        [mine] = [each for each in client.api_tokens() if each.id == _id_of(client, token)]
        client.delete_api_token(mine.id)

        done = member("auth", "logout", "--revoke", "--yes")

        assert "does not take" in done.err
        assert saved(member)["servers"] == {}

    def test_a_token_that_cannot_be_revoked_is_not_forgotten(
        self, member: Orchestra, server_url: str
    ) -> None:
        document = saved(member)
        document["servers"][DEAD_SERVER] = document["servers"].pop(server_url)
        logins(member).write_text(json.dumps(document | {"active": DEAD_SERVER}))

        member("auth", "logout", "--revoke", "--yes", status=1)

        assert DEAD_SERVER in saved(member)["servers"]

    def test_all_logins_are_forgotten_at_once(self, member: Orchestra, server_url: str) -> None:
        document = saved(member)
        document["servers"][DEAD_SERVER] = document["servers"][server_url]
        logins(member).write_text(json.dumps(document))

        member("auth", "logout", "--all")

        assert saved(member)["servers"] == {}

    def test_without_a_login_there_is_nothing_to_forget(self, newcomer: Orchestra) -> None:
        assert "There is no saved login" in newcomer("auth", "logout", status=4).err


class TestStatus:
    def test_it_tells_who_where_from_in_which_tenant_and_until_when(
        self, member: Orchestra, server_url: str, token: str
    ) -> None:
        [told] = member("auth", "status", "--json").json

        assert told["server"] == server_url
        assert told["credential"] == f"orc_…{token[-4:]}"
        assert told["credential_from"] == f"the saved login, {logins(member)}"
        assert (told["tenant"], told["scope"], told["works"]) == ("default", "TENANT", True)
        assert told["expires_at"] > "2026"
        assert told["server_version"]

    def test_at_a_terminal_it_is_said_as_people_say_it(self, member: Orchestra, token: str) -> None:
        done = member.at_terminal("auth", "status")

        assert "until:   in 59 min" in done.out
        assert "tenant:  default" in done.out
        assert token not in done.out

    def test_a_credential_of_the_environment_is_told_apart(self, orchestra: Orchestra) -> None:
        [told] = orchestra("auth", "status", "--json").json

        assert told["credential_from"] == "ORCHESTRA_API_TOKEN"
        assert told["server_from"] == "ORCHESTRA_API_SERVER"
        assert (told["scope"], told["expires_at"]) == ("USER", None)

    def test_a_store_of_ones_own_wants_no_login(self, newcomer: Orchestra) -> None:
        done = newcomer("auth", "status")

        assert "works:   yes" in done.out
        assert "nothing else is configured" in done.out
        assert not (newcomer.home / "orchestra" / "orchestra.db").exists()

    def test_without_a_login_that_the_server_wants_the_status_is_4(
        self, newcomer: Orchestra, server_url: str
    ) -> None:
        assert "works:   no" in newcomer("auth", "status", "--api-server", server_url, status=4).out

    def test_a_token_that_is_no_longer_good_is_status_4(self, member: Orchestra, server_url: str) -> None:
        done = member("auth", "status", environ={"ORCHESTRA_API_TOKEN": UNKNOWN}, status=4)

        assert "works:   no" in done.out
        assert "argument" not in done.out

    def test_a_server_that_does_not_answer_is_status_1(self, member: Orchestra) -> None:
        done = member("auth", "status", "--api-server", DEAD_SERVER, "--json", status=1)

        assert done.json[0]["works"] is False
        assert done.json[0]["is_refused"] is False
        assert "could not be reached" in done.json[0]["problem"] or "refused" in done.json[0]["problem"]

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("ORCHESTRA_API_TOKEN", TOKEN),
            ("ORCHESTRA_API_SERVER", "memory:"),
        ],
    )
    def test_it_warns_of_variables_that_hide_the_saved_login(
        self, member: Orchestra, variable: str, value: str
    ) -> None:
        done = member("auth", "status", environ={variable: value})

        assert f"Warning: {variable} is set, and hides" in done.err

    def test_it_warns_of_a_variable_that_hides_the_saved_tenant(
        self, newcomer: Orchestra, client: Client, server_url: str, unique: Callable[[str], str]
    ) -> None:
        slug = unique("hidden")
        client.create_tenant(slug, slug)
        newcomer("auth", "login", "--api-server", server_url, "--tenant", slug, stdin=TOKEN)

        done = newcomer("auth", "status", environ={"ORCHESTRA_TENANT": "default"})

        assert f"ORCHESTRA_TENANT is set, and hides the tenant of your saved login, {slug}." in done.err

    def test_a_tenant_that_was_saved_by_its_id_alone_is_known_by_its_slug(
        self, newcomer: Orchestra, server_url: str
    ) -> None:
        """As a first start of a server saves it."""
        newcomer("auth", "login", "--api-server", server_url, "--tenant", "default", stdin=TOKEN)
        document = saved(newcomer)
        del document["servers"][server_url]["tenant_slug"]
        logins(newcomer).write_text(json.dumps(document))

        done = newcomer("auth", "status", environ={"ORCHESTRA_TENANT": "default"})

        assert "ORCHESTRA_TENANT is set" not in done.err

    def test_the_doctor_does_not_take_an_option_for_a_variable(
        self, newcomer: Orchestra, server_url: str
    ) -> None:
        newcomer("auth", "login", "--api-server", server_url, "--tenant", "default", stdin=TOKEN)

        done = newcomer("doctor", "--tenant", "elsewhere", status=1)

        assert "ORCHESTRA_TENANT is set" not in done.out

    def test_every_saved_login_is_told_and_the_current_one_decides(
        self, member: Orchestra, server_url: str
    ) -> None:
        document = saved(member)
        document["servers"][DEAD_SERVER] = {"api_token": UNKNOWN}
        logins(member).write_text(json.dumps(document))

        told = member("auth", "status", "--json").json

        assert [(each["server"], each["is_current"], each["works"]) for each in told] == [
            (server_url, True, True),
            (DEAD_SERVER, False, False),
        ]

    def test_the_environments_token_goes_to_no_server_but_the_current(
        self, member: Orchestra, server_url: str
    ) -> None:
        same_by_another_name = server_url.replace("127.0.0.1", "localhost")
        document = saved(member)
        document["servers"][same_by_another_name] = {"api_token": UNKNOWN}
        logins(member).write_text(json.dumps(document))

        told = member("auth", "status", "--json", environ={"ORCHESTRA_API_TOKEN": TOKEN}).json

        assert [(each["credential_from"][:5], each["works"]) for each in told] == [
            ("ORCHE", True),
            ("the s", False),
        ]

    def test_a_damaged_file_is_told_and_left_alone(self, member: Orchestra, token: str) -> None:
        logins(member).write_text(f'{{"servers": "{token}')

        done = member("auth", "status", status=1)

        assert "is damaged" in done.err
        assert token not in done.err
        assert token in logins(member).read_text()

    def test_a_store_of_ones_own_needs_no_login(self, newcomer: Orchestra) -> None:
        [told] = newcomer("auth", "status", "--json", "--api-server", "sqlite:///runs.db").json

        assert told["works"] is True
        assert not (newcomer.directory / "runs.db").exists()

    def test_a_server_without_logins_needs_none(self, newcomer: Orchestra) -> None:
        server = newcomer.start("server", "start", "--auth", "none", "--port", "0", "--log-level", "error")
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("Listening on ").strip()

        [told] = newcomer("auth", "status", "--json", "--api-server", url).json

        assert (told["works"], told["credential"], told["tenant"]) == (True, None, "default")


class TestToken:
    def test_in_a_tenant_it_is_the_sessions_access_token(
        self, newcomer: Orchestra, client: Client, server_url: str
    ) -> None:
        newcomer("auth", "login", "--api-server", server_url, "--tenant", "default", stdin=TOKEN)

        token = newcomer("auth", "token").out.strip()

        assert token.startswith("eyJ")
        assert client.graphql("{ hello }", token=token).data.hello

    def test_otherwise_it_is_the_api_token(self, orchestra: Orchestra) -> None:
        done = orchestra("auth", "token")

        assert (done.out, done.err) == (TOKEN + "\n", "")

    def test_who_sees_it_is_warned(self, orchestra: Orchestra) -> None:
        assert "acts as you" in orchestra.at_terminal("auth", "token").out

    def test_without_a_login_the_status_is_4(self, newcomer: Orchestra) -> None:
        newcomer("auth", "token", status=4)


def _id_of(client: Client, token: str) -> str:
    found: str = client.graphql("{ auth_info { api_token_id } }", token=token).data.auth_info.api_token_id
    return found
