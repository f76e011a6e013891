"""`orchestra tenant trust` and `orchestra auth login --oidc`: an admin trusts a CI, and its jobs need no secret."""

from __future__ import annotations

import json
import stat
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ci_issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client import Client

    from .conftest import Orchestra

pytestmark = pytest.mark.slow

CLAIM = ("--claim", "repository=acme/flows")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(time.time) as issuer:
        yield issuer


@pytest.fixture
def name(client: Client, unique: Callable[[str], str]) -> Iterator[str]:
    """Of a trust that is gone after the test."""
    name = unique("ci")
    yield name
    for trust in client.trusts():
        if trust.name == name:
            client.delete_trust(trust.id)


@pytest.fixture
def job(orchestra: Orchestra, server_url: str, tmp_path: Any) -> Orchestra:
    """The command in a job of a CI that holds no secret; the admin's command is `orchestra`."""
    home = tmp_path / "job"
    home.mkdir()
    environ = {name: value for name, value in orchestra.environ.items() if name != "ORCHESTRA_API_TOKEN"}
    environ |= {"HOME": str(home), "ORCHESTRA_HOME": str(home / "orchestra"), "ORCHESTRA_TENANT": "default"}
    return type(orchestra)(home, orchestra.directory, environ, orchestra.running)


def audience(server_url: str) -> str:
    return server_url.removesuffix("/graphql")


class TestTrust:
    def test_one_is_added_listed_and_deleted(self, orchestra: Orchestra, server_url: str, name: str) -> None:
        added = orchestra("tenant", "trust", "add", name, "--issuer", "github", *CLAIM, "--scope", "runner")

        [listed] = orchestra("tenant", "trust", "list", "--name", name, "--json").json
        assert listed["id"] == added.out.strip()
        assert listed["issuer"] == "https://token.actions.githubusercontent.com"
        assert listed["audience"] == audience(server_url)
        assert (listed["claims"], listed["scope"], listed["lifetime"]) == (
            {"repository": "acme/flows"},
            "RUNNER",
            900,
        )
        assert "can log in as RUNNER when repository=acme/flows: orchestra auth login --oidc" in added.err
        line = orchestra("tenant", "trust", "list", "--name", name).out
        assert "repository=acme/flows" in line.split("\t")
        assert f"Deleted the trust '{name}'" in orchestra("tenant", "trust", "delete", name, "--yes").err
        assert orchestra("tenant", "trust", "list", "--name", name, "--json").json == []

    def test_json_holds_what_was_made(self, orchestra: Orchestra, name: str) -> None:
        words = ("--issuer", "gitlab", "--claim", "project_path=acme/*", "--claim", "ref_protected=true")

        made = orchestra("tenant", "trust", "add", name, *words, "--lifetime", "1 hour", "--json").json

        assert made["claims"] == {"project_path": "acme/*", "ref_protected": "true"}
        assert (made["issuer"], made["lifetime"]) == ("https://gitlab.com", 3600)

    @pytest.mark.parametrize(
        ("words", "status", "message"),
        [
            (("--issuer", "github"), 2, "--claim"),
            (CLAIM, 2, "--issuer"),
            (("--issuer", "github", "--claim", "repository"), 2, "write it as repository=acme/flows"),
            (("--issuer", "github", *CLAIM, "--claim", "repository=b"), 2, "twice; add a second trust"),
            (("--issuer", "github", *CLAIM, "--lifetime", "soon"), 2, "no duration"),
            (("--issuer", "github", *CLAIM, "--lifetime", "2 hours"), 1, "from 60 to 3600"),
            (("--issuer", "github", "--claim", "repository=*"), 1, "nothing but wildcards"),
            (("--issuer", "github", "--claim", "ref=refs/heads/main"), 1, "a claim must tell whose they are"),
            (("--issuer", "http://ci.example", *CLAIM), 1, "https URL"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_what_to_do(
        self, orchestra: Orchestra, name: str, words: tuple[str, ...], status: int, message: str
    ) -> None:
        assert message in orchestra("tenant", "trust", "add", name, *words, status=status).err

    def test_deleting_asks_first(self, orchestra: Orchestra, name: str) -> None:
        orchestra("tenant", "trust", "add", name, "--issuer", "github", *CLAIM)

        assert "say --yes" in orchestra("tenant", "trust", "delete", name, status=2).err
        asked = orchestra.at_terminal("tenant", "trust", "delete", name, answers={"Lock out": "y"})
        assert "Deleted the trust" in asked.out

    def test_an_unknown_one_is_told(self, orchestra: Orchestra) -> None:
        assert "no trust 'nothing'" in orchestra("tenant", "trust", "delete", "nothing", status=1).err


class TestLogin:
    @pytest.fixture(autouse=True)
    def trusted(self, orchestra: Orchestra, issuer: Issuer, name: str) -> None:
        orchestra(
            "tenant", "trust", "add", name, "--issuer", issuer.url, *CLAIM, "--claim", "ref=refs/heads/*"
        )

    @pytest.fixture
    def at_github(self, job: Orchestra, issuer: Issuer) -> Orchestra:
        """The job as GitHub Actions runs it: what it asks is answered by a stand-in of GitHub."""

        def answer() -> Any:
            asked = parse_qs(urlsplit(issuer.asked[-1]).query)
            if issuer.headers[-1]["authorization"] != "Bearer bearer-of-the-job":
                return (401, {}, b"")
            return {"value": issuer.token(aud=asked["audience"][0])}

        issuer.answers["/token"] = answer
        job.environ |= {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer-of-the-job",
        }
        return job

    def test_the_steps_that_follow_act_as_the_job(
        self, at_github: Orchestra, name: str, unique: Callable[[str], str]
    ) -> None:
        done = at_github("auth", "login", "--oidc")

        assert f"tenant default, as TENANT by the trust '{name}', until" in done.err
        assert at_github("project", "create", unique("from-ci")).out.strip()
        [status] = at_github("auth", "status", "--json").json
        assert (status["scope"], status["tenant"], status["works"]) == ("TENANT", "default", True)
        assert status["expires_at"]
        assert status["credential"].startswith("jwt:…")

    def test_the_login_is_saved_for_the_job_alone(self, at_github: Orchestra, server_url: str) -> None:
        done = at_github("auth", "login", "--oidc")

        path = at_github.home / "orchestra" / "credentials.json"
        saved = json.loads(path.read_text())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        token = saved["servers"][server_url]["api_token"]
        assert token.count(".") == 2
        assert token not in done.out + done.err

    def test_each_login_has_a_token_of_its_own(self, at_github: Orchestra) -> None:
        at_github("auth", "login", "--oidc")
        at_github("auth", "login", "--oidc")

    def test_github_makes_the_token_for_whom_it_is_told(self, at_github: Orchestra) -> None:
        done = at_github("auth", "login", "--oidc", "--audience", "somebody-else", status=4)

        assert "its audience is 'somebody-else', expected 'http" in done.err
        assert "Nothing was saved." in done.err
        assert not (at_github.home / "orchestra" / "credentials.json").exists()

    def test_logging_out_can_end_it_at_the_server(self, at_github: Orchestra) -> None:
        at_github("auth", "login", "--oidc")
        token = at_github("auth", "token").out.strip()

        at_github("auth", "logout", "--revoke", "--yes")

        refused = at_github("project", "list", environ={"ORCHESTRA_API_TOKEN": token}, status=4)
        assert "gone" in refused.err

    def test_gitlab_has_put_the_token_into_a_variable(
        self, job: Orchestra, issuer: Issuer, server_url: str
    ) -> None:
        token = issuer.token(aud=audience(server_url))
        job.environ |= {"CI": "true", "GITLAB_CI": "true", "ORCHESTRA_OIDC_TOKEN": token}

        job("auth", "login", "--oidc")

        again = job("auth", "login", "--oidc", status=4)
        assert "used before" in again.err
        assert token not in again.err
        # The first login is as it was.
        assert job("project", "list", "--json").json is not None

    def test_the_token_may_come_through_stdin(self, job: Orchestra, issuer: Issuer, server_url: str) -> None:
        token = issuer.token(aud=audience(server_url))

        assert "Logged in" in job("auth", "login", "--oidc", "--with-token", stdin=token).err

    def test_another_repository_is_refused_with_what_was_expected(
        self, job: Orchestra, issuer: Issuer, server_url: str, name: str
    ) -> None:
        token = issuer.token(aud=audience(server_url), repository="evil/flows")

        done = job("auth", "login", "--oidc", status=4, environ={"ORCHESTRA_OIDC_TOKEN": token})

        assert f"trust '{name}': its claim 'repository' is 'evil/flows', expected 'acme/flows'" in done.err
        assert token not in done.err

    @pytest.mark.parametrize(
        ("variable", "advice"),
        [("GITHUB_ACTIONS", "id-token: write"), ("GITLAB_CI", "id_tokens:"), ("CI", "ORCHESTRA_OIDC_TOKEN")],
    )
    def test_without_a_token_the_settings_that_are_missing_are_named(
        self, job: Orchestra, variable: str, advice: str
    ) -> None:
        assert advice in job("auth", "login", "--oidc", environ={variable: "true"}, status=1).err

    def test_when_the_trust_is_gone_the_steps_that_follow_are_told_to_log_in(
        self, orchestra: Orchestra, at_github: Orchestra, name: str
    ) -> None:
        at_github("auth", "login", "--oidc")

        orchestra("tenant", "trust", "delete", name, "--yes")

        assert "Log in with `orchestra auth login`" in at_github("project", "list", status=4).err
