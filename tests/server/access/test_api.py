"""Credentials as the API answers them: codes, roles, what a session may and what survives a repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.service import GraphQLRequest, Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Clock

SWITCH = (
    "mutation($t: UUID!) { switch_tenant(input: {tenant_id: $t}) { access_token expires_at refresh_token } }"
)
REFRESH = "mutation($a: String!) { refresh_token(input: {access_token: $a}) { access_token refresh_token } }"
CREATE = "mutation($i: create_api_token_input!) { create_api_token(input: $i) { id token expires_at } }"
DELETE = "mutation($id: UUID!) { delete_api_token(input: {token_id: $id}) { success } }"
SET_SECRET = "mutation($n: String!, $v: JSON) { set_secret(input: {name: $n, value: $v}) { success } }"
SECRET = "query($n: String!) { secret_value(name: $n) }"
WHO = "{ auth_info { tenant_id user_id api_token_scope api_token_id expires_at } }"


class Api:
    """A service, asked by one credential after another."""

    def __init__(self, service: Service) -> None:
        self.service = service
        assert service.bootstrapped
        self.token = service.bootstrapped.token
        self.tenant_id = service.bootstrapped.tenant_id

    def ask(
        self,
        query: str,
        token: str | None,
        *,
        tenant_id: str | None = None,
        key: str | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        credentials = Credentials(token, tenant_id=tenant_id, idempotency_key=key)
        answer = self.service.execute(GraphQLRequest(query, variables), credentials)
        assert answer.status == 200
        return answer.body

    def data(self, query: str, token: str | None, **options: Any) -> Any:
        """The value of the only field, which must not have failed."""
        body = self.ask(query, token, **options)
        assert "errors" not in body, body["errors"]
        [value] = body["data"].values()
        return value

    def refusal(self, query: str, token: str | None, **options: Any) -> str:
        """The code of the only error."""
        [error] = self.ask(query, token, **options)["errors"]
        code: str = error["extensions"]["code"]
        return code

    def new_token(self, **values: Any) -> str:
        token: str = self.data(CREATE, self.token, i={"name": "token", **values})["token"]
        return token

    def session(self) -> dict[str, str]:
        pair: dict[str, str] = self.data(SWITCH, self.token, t=self.tenant_id)
        return pair


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Iterator[Api]:
    service = Service.open(f"sqlite:///{tmp_path / 'api.db'}", home=tmp_path / "home", clock=clock)
    yield Api(service)
    service.close()


class TestCodes:
    @pytest.mark.parametrize("token", [None, "", "orc_unknown", "a.b.c"])
    def test_no_good_credential_is_unauthenticated(self, api: Api, token: str | None) -> None:
        assert api.refusal("{ hello }", token) == "UNAUTHENTICATED"

    def test_a_tenant_of_others_is_forbidden(self, api: Api) -> None:
        assert api.refusal("{ hello }", api.token, tenant_id=str(uuid4())) == "FORBIDDEN"

    def test_an_expired_session_is_unauthenticated(self, api: Api, clock: Clock) -> None:
        session = api.session()
        clock.advance(minutes=10)

        assert api.refusal("{ hello }", session["access_token"]) == "UNAUTHENTICATED"

    def test_a_missing_secret_is_not_found_in_the_words_old_clients_know(self, api: Api) -> None:
        [error] = api.ask(SECRET, api.token, n="KEY")["errors"]

        assert error["message"] == "No value found for the requested key"
        assert error["extensions"]["code"] == "NOT_FOUND"

    def test_a_slug_that_is_taken_is_a_uniqueness_violation(self, api: Api) -> None:
        create = 'mutation { create_tenant(input: {name: "Mine", slug: "default"}) { id } }'

        assert api.refusal(create, api.token) == "UNIQUENESS_VIOLATION"


class TestSessions:
    def test_a_session_works_where_it_was_opened(self, api: Api) -> None:
        assert api.data(WHO, api.session()["access_token"])["tenant_id"] == api.tenant_id

    def test_a_refresh_continues_an_expired_session(self, api: Api, clock: Clock) -> None:
        session = api.session()
        clock.advance(hours=1)

        renewed = api.data(REFRESH, session["refresh_token"], a=session["access_token"])

        assert api.data(WHO, renewed["access_token"])["tenant_id"] == api.tenant_id

    @pytest.mark.parametrize(
        "query", ["{ hello }", WHO, "{ tenant { id } }", "{ api_token { id } }", "{ user { id } }"]
    )
    def test_a_refresh_token_asks_nothing(self, api: Api, query: str) -> None:
        assert api.refusal(query, api.session()["refresh_token"]) == "UNAUTHENTICATED"

    def test_a_refresh_token_changes_nothing(self, api: Api) -> None:
        refresh_token = api.session()["refresh_token"]

        assert api.refusal(SWITCH, refresh_token, t=api.tenant_id) == "UNAUTHENTICATED"
        assert api.refusal(CREATE, refresh_token, i={"name": "x", "scope": "USER"}) == "UNAUTHENTICATED"

    def test_an_access_token_does_not_refresh(self, api: Api) -> None:
        access_token = api.session()["access_token"]

        assert api.refusal(REFRESH, access_token, a=access_token) == "UNAUTHENTICATED"

    def test_a_deleted_api_token_ends_its_sessions_at_once(self, api: Api) -> None:
        token = api.new_token(scope="USER")
        session = api.data(SWITCH, token, t=api.tenant_id)
        token_id = api.data(WHO, session["access_token"])["api_token_id"]

        assert api.data(DELETE, api.token, id=token_id) == {"success": True}

        for ended in (token, session["access_token"], session["refresh_token"]):
            assert api.refusal("{ hello }", ended) == "UNAUTHENTICATED"

    def test_a_token_can_delete_itself(self, api: Api) -> None:
        token = api.new_token(scope="TENANT")
        api.data(DELETE, token, id=api.data(WHO, token)["api_token_id"])

        assert api.refusal("{ hello }", token) == "UNAUTHENTICATED"


class TestRoles:
    @pytest.mark.parametrize("scope", ["TENANT", "RUNNER"])
    def test_only_a_user_switches_tenants(self, api: Api, scope: str) -> None:
        assert api.refusal(SWITCH, api.new_token(scope=scope), t=api.tenant_id) == "FORBIDDEN"

    def test_a_runner_reads_secrets_and_sets_none(self, api: Api) -> None:
        runner = api.new_token(scope="RUNNER")
        api.data(SET_SECRET, api.token, n="KEY", v={"a": 1})

        assert api.data(SECRET, runner, n="KEY") == {"a": 1}
        assert api.refusal(SET_SECRET, runner, n="KEY", v="mine") == "FORBIDDEN"
        assert api.refusal("{ secret_names }", runner) == "FORBIDDEN"
        assert api.data(SECRET, api.token, n="KEY") == {"a": 1}

    def test_a_runner_neither_makes_nor_sees_tokens_like_its_own(self, api: Api) -> None:
        runner = api.new_token(scope="RUNNER")

        assert api.refusal(CREATE, runner, i={"name": "x", "scope": "RUNNER"}) == "FORBIDDEN"
        assert api.data("{ api_token { id } }", runner) == []

    def test_a_tenant_token_makes_no_user_token(self, api: Api) -> None:
        token = api.new_token(scope="TENANT")

        assert api.refusal(CREATE, token, i={"name": "x", "scope": "USER"}) == "FORBIDDEN"


class TestUser:
    def test_the_default_tenant_as_old_clients_ask_for_it(self, api: Api) -> None:
        query = "{ user { default_membership { tenant { slug } } } }"

        assert api.data(query, api.token) == [{"default_membership": {"tenant": {"slug": "default"}}}]

    def test_every_field_of_the_account(self, api: Api) -> None:
        query = (
            "{ user { id username created memberships { id user_id tenant_id "
            "tenant { id created updated name slug settings } } } }"
        )

        [account] = api.data(query, api.token)

        assert account["memberships"][0]["tenant"]["id"] == api.tenant_id

    def test_every_field_of_a_token(self, api: Api) -> None:
        query = "{ api_token { id name scope tenant_id user_id flow_run_id created expires_at } }"

        [token] = api.data(query, api.token)

        assert (token["name"], token["scope"], token["expires_at"]) == ("bootstrap", "USER", None)


class TestRepeats:
    def test_a_repeated_creation_answers_the_same_token(self, api: Api) -> None:
        values = {"name": "ci", "scope": "TENANT"}

        first, second = (api.data(CREATE, api.token, key="one request", i=values) for _ in range(2))

        assert first == second
        assert len(api.data("{ api_token { id } }", api.token)) == 2

    def test_the_kept_answer_shows_no_token_on_disk(self, api: Api, tmp_path: Path) -> None:
        token = api.data(CREATE, api.token, key="one request", i={"name": "ci", "scope": "TENANT"})["token"]

        raw = b"".join(path.read_bytes() for path in tmp_path.glob("api.db*"))
        assert b"ci" in raw
        assert token.removeprefix("orc_").encode() not in raw

    def test_a_repeated_tenant_is_made_once(self, api: Api) -> None:
        create = 'mutation { create_tenant(input: {name: "Team", slug: "team"}) { id } }'

        first, second = (api.data(create, api.token, key="one request") for _ in range(2))

        assert first == second


class TestStarts:
    def test_the_same_home_opens_the_same_secrets(self, api: Api, tmp_path: Path) -> None:
        api.data(SET_SECRET, api.token, n="KEY", v="value")

        again = Service.open(f"sqlite:///{tmp_path / 'api.db'}", home=tmp_path / "home")
        answer = again.execute(GraphQLRequest(SECRET, {"n": "KEY"}), Credentials(api.token))
        again.close()

        assert answer.body == {"data": {"secret_value": "value"}}

    def test_a_server_without_login_takes_a_session_for_its_tenant(self) -> None:
        service = Service.open("memory:", settings=Settings(auth="none"))
        api = Api(service)
        create = 'mutation { create_tenant(input: {name: "Team", slug: "team"}) { id } }'
        team = api.data(create, None)["id"]

        session = api.data(SWITCH, None, t=team)

        assert api.data(WHO, session["access_token"])["tenant_id"] == team
        assert api.data(WHO, "orc_of-another-server")["tenant_id"] == api.tenant_id
        service.close()
