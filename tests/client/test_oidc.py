"""Both clients as a CI job: they find their token, log in by it, and are the job from then on."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn

from orchestra_client import AsyncClient, Client
from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    ConfigurationError,
    NotFound,
    PermissionDenied,
    ServerError,
    UniquenessViolation,
)
from orchestra_client.server.app import create_app
from orchestra_client.server.resolvers import info
from orchestra_client.server.service import Service
from orchestra_client.testing import MemoryServer
from orchestra_client.transport import RetryPolicy
from tests.ci_issuer import Issuer
from tests.client.conftest import InLoop
from tests.client.test_older_servers import OURS, open_older

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "orc_" + "t" * 43
ONCE = RetryPolicy(max_attempts=1)
CLAIMS = {"repository": "acme/flows", "ref": "refs/heads/*"}


class Clock:
    """The server's and the issuer's."""

    def __init__(self) -> None:
        self.ahead = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def url(clock: Clock) -> Iterator[str]:
    service = Service.open("memory:", token=TOKEN, clock=clock)
    server = uvicorn.Server(uvicorn.Config(create_app(service), port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    with Issuer(lambda: clock().timestamp()) as issuer:
        yield issuer


@pytest.fixture
def admin(url: str) -> Iterator[Client]:
    with Client(url, TOKEN) as admin:
        yield admin
        for trust in admin.trusts():
            admin.delete_trust(trust.id)


@pytest.fixture
def open_job(colour: str, url: str) -> Iterator[Any]:
    """Opens clients without any credential, as in a fresh CI job."""
    made: list[Any] = []

    def open_job(**options: Any) -> Any:
        options = {"retry": ONCE, **options}
        made.append(
            Client(url, **options) if colour == "sync" else InLoop(lambda: AsyncClient(url, **options))
        )
        return made[-1]

    yield open_job
    for client in made:
        client.close() if colour == "sync" else client.end()


@pytest.fixture
def job(open_job: Any) -> Any:
    return open_job()


def trust(admin: Client, issuer: Issuer, **more: Any) -> Any:
    return admin.create_trust("ci", **{"issuer": issuer.url, "claims": CLAIMS, **more})


class TestLogin:
    def test_a_misconfigured_issuer_is_told_without_trying_again(
        self, admin: Client, issuer: Issuer, open_job: Any
    ) -> None:
        trust(admin, issuer)
        token = issuer.token(aud=admin.api_server.removesuffix("/graphql"))
        issuer.answers["/.well-known/openid-configuration"] = lambda: (404, {}, b"")
        started = time.monotonic()

        with pytest.raises(AuthenticationError, match="HTTP status 404"):
            open_job(retry=RetryPolicy(budget=30)).login_with_oidc(token)

        assert time.monotonic() - started < 5

    def test_the_client_is_the_job_from_then_on(
        self, admin: Client, issuer: Issuer, job: Any, url: str
    ) -> None:
        trust(admin, issuer)

        login = job.login_with_oidc(issuer.token(aud=url))

        assert (login.tenant_slug, login.scope, login.trust) == ("default", "TENANT", "ci")
        assert job.tenant_id == login.tenant_id
        assert job.get_auth_token() == login.access_token
        assert job.create_project("by a job")
        assert job.get_default_tenant_slug(as_user=False) == "default"

    def test_the_token_is_shown_nowhere(
        self, admin: Client, issuer: Issuer, job: Any, url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        trust(admin, issuer)
        token = issuer.token(aud=url)

        login = job.login_with_oidc(token)

        shown = f"{login!r} {login} {job!r} {caplog.text}"
        assert token not in shown
        assert login.access_token not in shown
        assert "the login by OIDC" in repr(job)

    def test_when_it_has_ended_the_error_says_to_log_in_again(
        self, admin: Client, issuer: Issuer, job: Any, url: str, clock: Clock
    ) -> None:
        trust(admin, issuer, lifetime=60)
        job.login_with_oidc(issuer.token(aud=url))

        clock.ahead += dt.timedelta(seconds=61)

        with pytest.raises(AuthenticationError, match=r"log in again.*the login by OIDC"):
            job.key_names()
        assert job.login_with_oidc(issuer.token(aud=url))
        assert job.key_names() is not None

    def test_a_login_that_fails_changes_nothing(
        self, admin: Client, issuer: Issuer, job: Any, url: str
    ) -> None:
        trust(admin, issuer)
        job.login_with_oidc(issuer.token(aud=url))
        before = job.get_auth_token()

        with pytest.raises(AuthenticationError, match=r"'repository' is 'evil/flows', expected 'acme/flows'"):
            job.login_with_oidc(issuer.token(aud=url, repository="evil/flows"))

        assert job.get_auth_token() == before

    def test_a_token_is_good_for_one_login(self, admin: Client, issuer: Issuer, job: Any, url: str) -> None:
        trust(admin, issuer)
        token = issuer.token(aud=url)
        job.login_with_oidc(token)

        with pytest.raises(AuthenticationError, match="used before"):
            job.login_with_oidc(token)

    def test_it_needs_no_good_credential(
        self, admin: Client, issuer: Issuer, open_job: Any, url: str
    ) -> None:
        trust(admin, issuer)
        job = open_job(api_token="orc_" + "x" * 43)

        assert job.login_with_oidc(issuer.token(aud=url))
        assert job.key_names() is not None

    def test_the_login_can_be_saved_for_the_steps_that_follow(
        self, admin: Client, issuer: Issuer, job: Any, url: str, open_job: Any
    ) -> None:
        trust(admin, issuer)
        job.login_with_oidc(issuer.token(aud=url))

        job.save_api_token()

        step = open_job()
        assert step.get_auth_token() == job.get_auth_token()
        assert step.create_project("by a later step")

    def test_a_tenant_can_be_named_in_every_way(
        self,
        admin: Client,
        issuer: Issuer,
        open_job: Any,
        url: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        trust(admin, issuer)
        [default] = [tenant for tenant in admin.get_available_tenants() if tenant.slug == "default"]
        named = open_job(tenant_slug="default")
        monkeypatch.setenv("ORCHESTRA_TENANT", default.id)

        for job, tenant in ((named, None), (open_job(), None), (open_job(), "default")):
            login = job.login_with_oidc(issuer.token(aud=url), tenant=tenant)
            assert login.tenant_id == default.id
            assert job.key_names() is not None
        with pytest.raises(AuthenticationError, match="'nobody' trusts no tokens"):
            open_job().login_with_oidc(issuer.token(aud=url), tenant="nobody")

    def test_a_runner_stays_one(self, admin: Client, issuer: Issuer, job: Any, url: str) -> None:
        trust(admin, issuer, scope="RUNNER")

        assert job.login_with_oidc(issuer.token(aud=url)).scope == "RUNNER"
        with pytest.raises(PermissionDenied):
            job.create_project("by a runner")

    def test_an_issuer_that_is_down_is_told(self, admin: Client, issuer: Issuer, job: Any, url: str) -> None:
        trust(admin, issuer)
        token = issuer.token(aud=url)
        issuer.stop()

        with pytest.raises(ServerError, match="could not be reached"):
            job.login_with_oidc(token)

    def test_a_server_that_lets_no_jobs_in_is_told(self, open_client: Any, colour: str) -> None:
        with MemoryServer(auth="token") as server:
            older = open_older(open_client, server, colour, [*OURS, "exchange_oidc_token"])
            with pytest.raises(ConfigurationError, match=r"lets no CI jobs in .* capability oidc"):
                older.login_with_oidc("a.b.c")


class TestGitHub:
    """Given what GitHub Actions puts into the environment of a job that may ask for tokens."""

    @pytest.fixture(autouse=True)
    def runner(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        def answer() -> dict[str, Any]:
            query = parse_qs(urlsplit(issuer.asked[-1]).query)
            assert query["api-version"] == ["2.0"]
            if (given := issuer.headers[-1].get("authorization", "")) != "Bearer bearer-of-the-job":
                return (401, {}, f"refused: {given}".encode())  # type: ignore[return-value]
            return {"count": 1, "value": issuer.token(aud=query["audience"][0])}

        issuer.answers["/_apis/token"] = answer
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{issuer.url}/_apis/token?api-version=2.0")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer-of-the-job")

    def test_a_token_for_this_server_is_asked_for_and_used(
        self, admin: Client, issuer: Issuer, job: Any, url: str
    ) -> None:
        assert trust(admin, issuer).audience == url

        assert job.login_with_oidc().trust == "ci"
        # Each login has its own.
        assert job.login_with_oidc().trust == "ci"

    def test_the_audience_can_be_another(
        self, admin: Client, issuer: Issuer, job: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trust(admin, issuer, audience="acme")
        with pytest.raises(AuthenticationError, match=r"its audience is 'http.*expected 'acme'"):
            job.login_with_oidc()

        assert job.login_with_oidc(audience="acme")
        monkeypatch.setenv("ORCHESTRA_OIDC_AUDIENCE", "acme")
        assert job.login_with_oidc()

    def test_a_refusal_of_github_is_told(
        self, admin: Client, issuer: Issuer, job: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trust(admin, issuer)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another-bearer-of-a-job")

        with pytest.raises(
            AuthenticationError,
            match=r"GET the job's OIDC token was answered with HTTP 401: refused: Bearer …-job",
        ):
            job.login_with_oidc()

    def test_our_own_credential_does_not_go_to_github(
        self, admin: Client, issuer: Issuer, open_job: Any
    ) -> None:
        trust(admin, issuer)

        open_job(api_token=TOKEN).login_with_oidc()

        assert TOKEN not in str(issuer.headers)


class TestGitLab:
    def test_the_token_that_the_job_asked_for_is_used(
        self, admin: Client, issuer: Issuer, job: Any, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trust(admin, issuer, claims={"project_path": "acme/flows", "ref_protected": "true"})
        monkeypatch.setenv("GITLAB_CI", "true")
        token = issuer.token(aud=url, project_path="acme/flows", ref_protected="true")
        monkeypatch.setenv("ORCHESTRA_OIDC_TOKEN", token)

        assert job.login_with_oidc().trust == "ci"

    def test_without_one_nothing_is_sent(self, job: Any) -> None:
        with pytest.raises(ConfigurationError, match="There is no OIDC token of a CI here"):
            job.login_with_oidc()


class TestTrusts:
    @pytest.fixture
    def chief(self, open_job: Any) -> Any:
        return open_job(api_token=TOKEN)

    def test_they_are_made_listed_and_deleted(
        self, admin: Client, chief: Any, issuer: Issuer, url: str
    ) -> None:
        made = chief.create_trust("ci", issuer=issuer.url, claims=CLAIMS, scope="RUNNER", lifetime=60)

        assert (made.audience, made.scope, made.lifetime, made.claims) == (url, "RUNNER", 60, CLAIMS)
        listed = chief.trusts()
        assert [trust.id for trust in listed] == [made.id]
        assert listed[0].created.tzinfo is not None
        assert {name: listed[0][name] for name in ("name", "issuer", "audience", "claims", "scope")} == {
            name: made[name] for name in ("name", "issuer", "audience", "claims", "scope")
        }
        assert chief.delete_trust(made.id) is True
        assert chief.trusts() == []
        with pytest.raises(NotFound):
            admin.delete_trust(made.id)

    def test_deleting_one_ends_its_logins(
        self, admin: Client, chief: Any, issuer: Issuer, job: Any, url: str
    ) -> None:
        made = trust(admin, issuer)
        job.login_with_oidc(issuer.token(aud=url))

        chief.delete_trust(made.id)

        with pytest.raises(AuthenticationError, match="gone"):
            job.key_names()

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"scope": "USER"}, "scope must be one of TENANT, RUNNER, not 'USER'"),
            ({"lifetime": 3601}, "lifetime must be from 60 to 3600"),
            ({"claims": {}}, "at least one claim"),
            ({"claims": {"repository": ""}}, "pattern of claim 'repository' must not be empty"),
            ({"claims": {"repository": "*"}}, "nothing but wildcards"),
            ({"issuer": "http://issuer.example"}, "https URL"),
            ({"issuer": " "}, "issuer must not be empty"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, admin: Client, chief: Any, issuer: Issuer, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(BadInput, match=message):
            chief.create_trust("ci", **{"issuer": issuer.url, "claims": CLAIMS, **changes})
        assert admin.trusts() == []

    def test_a_name_is_given_once(self, admin: Client, chief: Any, issuer: Issuer) -> None:
        trust(admin, issuer)

        with pytest.raises(UniquenessViolation):
            chief.create_trust("ci", issuer=issuer.url, claims=CLAIMS)

    def test_an_older_server_is_told_apart(
        self, chief: Any, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(info, "CAPABILITIES", ())

        with pytest.raises(ConfigurationError, match="capability oidc"):
            chief.create_trust("ci", issuer=issuer.url, claims=CLAIMS)
        with pytest.raises(ConfigurationError, match="capability oidc"):
            chief.trusts()
