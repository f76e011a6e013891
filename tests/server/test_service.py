"""The service: who may ask what, transactions, repeats, and what is told of failures."""

from __future__ import annotations

import datetime as dt
import itertools
import multiprocessing
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLObjectType
from sqlalchemy import text

from orchestra_client.errors import ConfigurationError, MissingExtra
from orchestra_client.server.answers import FORGETTING, FORGOTTEN_AT_ONCE
from orchestra_client.server.context import Credentials, Settings
from orchestra_client.server.registry import RESOLVERS
from orchestra_client.server.schema import api
from orchestra_client.server.service import Answer, GraphQLRequest, Service
from orchestra_client.server.store import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CREATE = "mutation Create($name: String!) { create_project(input: {name: $name}) { id } }"
FOREIGN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service.open("memory:", settings=Settings(auth="token"))
    yield service
    service.close()


@pytest.fixture
def token(service: Service) -> str:
    assert service.bootstrapped is not None
    assert service.bootstrapped.token is not None
    return service.bootstrapped.token


class Asking:
    """Asks a service as one credential."""

    def __init__(self, service: Service, token: str | None) -> None:
        self.service = service
        self.token = token

    def __call__(self, query: str, *, key: str | None = None, **variables: Any) -> Answer:
        credentials = Credentials(token=self.token, idempotency_key=key)
        return self.service.execute(GraphQLRequest(query, variables, request_id="r-1"), credentials)

    def sql(self, statement: str) -> None:
        with self.service.database.connect(write=True) as connection:
            connection.exec_driver_sql(statement)

    def projects(self) -> int:
        with self.service.database.connect(write=False) as connection:
            count: int = connection.scalar(text("SELECT count(*) FROM project")) or 0
            return count


@pytest.fixture
def ask(service: Service, token: str) -> Asking:
    return Asking(service, token)


def code(answer: Answer) -> str:
    found: str = answer.body["errors"][0]["extensions"]["code"]
    return found


class TestContract:
    def test_every_root_field_has_a_resolver_and_every_resolver_a_field(self) -> None:
        schema = api().schema
        fields = {
            (type_.name, name)
            for type_ in (schema.query_type, schema.mutation_type)
            if isinstance(type_, GraphQLObjectType)
            for name in type_.fields
        }
        assert set(api().fields) == fields
        assert set(RESOLVERS) <= {name for _, name in fields}

    def test_what_writes_is_a_mutation(self) -> None:
        assert all(
            (parent == "Mutation") == field.resolver.writes for (parent, _), field in api().fields.items()
        )

    def test_the_schema_is_built_once(self) -> None:
        assert api() is api()


class TestAnswers:
    def test_just_what_was_selected_is_answered_under_its_alias(self, ask: Asking) -> None:
        answer = ask("{ me: api { v: version __typename } __typename }")
        assert answer.status == 200
        assert answer.body == {
            "data": {"me": {"v": "0.1.0", "__typename": "api_info"}, "__typename": "Query"}
        }

    def test_fragments_and_conditions_are_followed(self, ask: Asking) -> None:
        query = """query ($no: Boolean!) { ...Some ... @include(if: $no) { hello } api { mode @skip(if: $no) } }
                   fragment Some on Query { api { backend } }"""
        assert ask(query, no=False).body["data"] == {"api": {"backend": "SERVER", "mode": "normal"}}
        assert ask(query, no=True).body["data"] == {
            "api": {"backend": "SERVER"},
            "hello": "Hello from orchestra",
        }

    def test_an_operation_is_chosen_by_its_name(self, service: Service, token: str) -> None:
        request = GraphQLRequest("query A { hello } query B { api { mode } }", operation_name="B")
        answer = service.execute(request, Credentials(token))
        assert answer.body == {"data": {"api": {"mode": "normal"}}}

    def test_the_schema_describes_itself(self, ask: Asking) -> None:
        query = (
            "query ($name: String!) { kind: __type(name: $name) { name } __schema { queryType { name } } }"
        )
        assert ask(query, name="flow").body["data"] == {
            "kind": {"name": "flow"},
            "__schema": {"queryType": {"name": "Query"}},
        }

    def test_the_capabilities_are_announced(self, ask: Asking) -> None:
        announced = ask("{ api { capabilities } }").body["data"]["api"]["capabilities"]
        assert {"transition_id", "update_heartbeats", "idempotency_key_header"} <= set(announced)

    def test_the_tree_of_states_is_told(self, ask: Asking) -> None:
        data = ask("{ reference_data { state_hierarchy state_info } }").body["data"]["reference_data"]
        assert data["state_hierarchy"]["State"]["Pending"]["Scheduled"]["Retrying"] == {}
        assert data["state_info"]["TimedOut"]["ancestors"] == ["Failed", "Finished", "State"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [("{", "GRAPHQL_PARSE_FAILED"), ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED")],
    )
    def test_what_does_not_parse_or_validate_is_400(self, ask: Asking, query: str, expected: str) -> None:
        answer = ask(query)
        assert (answer.status, code(answer), answer.body["data"]) == (400, expected, None)

    @pytest.mark.parametrize("name", [None, 7, ["x"], {"a": 1}])
    def test_variables_of_a_wrong_type_are_refused(self, ask: Asking, name: Any) -> None:
        answer = ask(CREATE, name=name)
        assert (answer.status, code(answer)) == (200, "BAD_USER_INPUT")
        assert ask.projects() == 0

    @pytest.mark.parametrize("given", ["rubbish", 7])
    def test_a_wrong_uuid_is_refused(self, ask: Asking, given: Any) -> None:
        query = "mutation ($id: uuid!) { delete_project(input: {project_id: $id}) { success } }"
        assert code(ask(query, id=given)) == "BAD_USER_INPUT"

    def test_a_wrong_uuid_within_the_document_is_refused(self, ask: Asking) -> None:
        assert code(ask('{ project_by_pk(id: "rubbish") { id } }')) == "BAD_USER_INPUT"

    def test_too_much_is_refused_before_anything_runs(self, ask: Asking) -> None:
        fields = " ".join(f"a{n}: create_project(input: {{name: $name}}) {{ id }}" for n in range(1001))
        answer = ask(f"mutation ($name: String!) {{ {fields} }}", name="x")
        assert code(answer) == "PAYLOAD_TOO_LARGE"
        assert ask.projects() == 0

    @pytest.mark.parametrize("character", ["\0", "\ud800"])
    def test_characters_that_cannot_be_stored_are_refused_with_their_place(
        self, ask: Asking, character: str
    ) -> None:
        answer = ask(CREATE, name=f"a{character}b")
        assert code(answer) == "BAD_USER_INPUT"
        assert answer.body["errors"][0]["message"].startswith("input.name holds")
        assert ask.projects() == 0

    def test_they_are_refused_within_the_document_and_in_keys_too(self, ask: Asking) -> None:
        for value in ('"a\\u0000b"', '{list: [1, {deep: "\\u0000"}]}'):
            answer = ask(f'mutation {{ set_key_value(input: {{key: "k", value: {value}}}) {{ id }} }}')
            assert code(answer) == "BAD_USER_INPUT"
        query = 'mutation ($v: JSON) { set_key_value(input: {key: "k", value: $v}) { id } }'
        assert code(ask(query, v={"bad\0key": 1})) == "BAD_USER_INPUT"

    def test_whole_characters_beyond_the_basic_plane_are_kept(self, ask: Asking) -> None:
        assert "errors" not in ask(CREATE, name="a 😀 project").body

    @pytest.mark.parametrize("levels", [300, 2000, 100_000])
    def test_values_nested_too_deeply_are_refused(self, ask: Asking, levels: int) -> None:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        query = 'mutation ($v: JSON) { set_key_value(input: {key: "k", value: $v}) { id } }'
        assert code(ask(query, v=value)) == "BAD_USER_INPUT"

    def test_integers_beyond_64_bits_are_kept(self, ask: Asking) -> None:
        query = 'mutation ($v: JSON) { set_key_value(input: {key: "k", value: $v}) { id } }'
        assert "errors" not in ask(query, v={"big": 2**70}).body


class TestFailures:
    def test_one_field_fails_and_its_neighbours_do_not(self, ask: Asking) -> None:
        answer = ask("""mutation { a: create_project(input: {name: "x"}) { id }
                                   b: create_project(input: {name: "x"}) { id }
                                   c: create_project(input: {name: "y"}) { id } }""")
        [error] = answer.body["errors"]
        assert (error["message"], error["path"]) == ("Uniqueness violation.", ["b"])
        assert error["extensions"]["code"] == "UNIQUENESS_VIOLATION"
        assert answer.body["data"]["b"] is None
        assert ask.projects() == 2

    def test_another_tenants_id_is_not_found(self, ask: Asking) -> None:
        answer = ask(f'mutation {{ delete_project(input: {{project_id: "{FOREIGN}"}}) {{ success }} }}')
        assert code(answer) == "NOT_FOUND"

    def test_what_nobody_expected_is_logged_and_not_told(
        self, ask: Asking, caplog: pytest.LogCaptureFixture
    ) -> None:
        ask.sql("DROP TABLE project")
        answer = ask(CREATE, name="orc_abcdefghijklmnopqrstuvwxyz")
        assert code(answer) == "INTERNAL_SERVER_ERROR"
        assert "r-1" in answer.body["errors"][0]["message"]
        assert "table" not in str(answer.body)
        assert "no such table" in caplog.text
        assert "r-1" in caplog.text
        assert "abcdefghijklmnopqrstuvwxyz" not in caplog.text

    def test_a_failed_field_leaves_nothing_behind(
        self, ask: Asking, caplog: pytest.LogCaptureFixture
    ) -> None:
        ask.sql("CREATE TRIGGER full BEFORE INSERT ON answer BEGIN SELECT RAISE(ABORT, 'full'); END")
        assert code(ask(CREATE, key="k", name="x")) == "INTERNAL_SERVER_ERROR"
        assert ask.projects() == 0
        assert "full" in caplog.text

    def test_a_database_that_is_busy_is_a_passing_error(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        url = f"sqlite:///{tmp_path}/runs.db"
        with_lock = Service.open(url, home=tmp_path, settings=Settings(auth="none"))
        asking = Service.open(url, home=tmp_path, settings=Settings(auth="none"))
        with asking.database.connect(write=False) as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
        try:
            with with_lock.database.connect(write=True):
                answer = asking.execute(GraphQLRequest(CREATE, {"name": "x"}), Credentials())
            assert code(answer) == "API_ERROR"
            assert not caplog.records
        finally:
            asking.close()
            with_lock.close()


class TestLogins:
    def test_without_a_token_nothing_is_answered(self, service: Service) -> None:
        answer = Asking(service, None)("{ hello }")
        assert (answer.status, code(answer), answer.body["data"]) == (200, "UNAUTHENTICATED", None)

    def test_strangers_do_not_even_get_their_documents_read(self, service: Service) -> None:
        assert code(Asking(service, None)("{ nonsense }")) == "UNAUTHENTICATED"

    def test_a_server_without_login_takes_everyone(self) -> None:
        service = Service.open("memory:", settings=Settings(auth="none"))
        assert Asking(service, None)("{ hello }").body == {"data": {"hello": "Hello from orchestra"}}
        service.close()


class TestRoles:
    @pytest.fixture
    def runner(self, ask: Asking) -> Asking:
        query = 'mutation { create_api_token(input: {name: "run", scope: RUNNER}) { token } }'
        return Asking(ask.service, ask(query).body["data"]["create_api_token"]["token"])

    def test_a_role_may_ask_for_what_the_contract_allows_it(self, runner: Asking) -> None:
        assert "errors" not in runner("{ hello reference_data { state_info } }").body

    def test_and_for_nothing_else(self, runner: Asking) -> None:
        answer = runner(CREATE, name="x")
        assert (code(answer), answer.body["data"]) == ("FORBIDDEN", None)

    def test_nothing_runs_when_one_field_is_forbidden(self, runner: Asking) -> None:
        answer = runner(
            """mutation { kept: set_key_value(input: {key: "k", value: 1}) { id }
                          create_project(input: {name: "x"}) { id } }"""
        )
        assert [error["path"] for error in answer.body["errors"]] == [["create_project"]]
        with runner.service.database.connect(write=False) as connection:
            assert connection.scalar(text("SELECT count(*) FROM key_value")) == 0

    def test_a_refresh_token_is_good_for_refreshing_alone(self, ask: Asking) -> None:
        tenant = ask("{ auth_info { tenant_id } }").body["data"]["auth_info"]["tenant_id"]
        pair = "access_token refresh_token"
        login = f"mutation ($id: UUID!) {{ switch_tenant(input: {{tenant_id: $id}}) {{ {pair} }} }}"
        first = ask(login, id=tenant).body["data"]["switch_tenant"]
        refresher = Asking(ask.service, first["refresh_token"])
        for query in ("{ hello }", "{ __schema { queryType { name } } }", CREATE):
            assert code(refresher(query, name="x")) == "UNAUTHENTICATED"
        refresh = (
            f"mutation ($token: String!) {{ refresh_token(input: {{access_token: $token}}) {{ {pair} }} }}"
        )
        assert "errors" not in refresher(refresh, token=first["access_token"]).body


class TestTenants:
    def test_without_a_tenant_nothing_is_seen_and_the_way_to_one_is_told(self, ask: Asking) -> None:
        ask.sql("DELETE FROM membership")
        assert ask("{ project { id } }").body == {"data": {"project": []}}
        answer = ask(CREATE, name="x")
        assert code(answer) == "BAD_USER_INPUT"
        assert "create_tenant" in answer.body["errors"][0]["message"]


class TestRepeats:
    def test_a_repeated_creation_is_answered_as_the_first(self, ask: Asking) -> None:
        first, second = (ask(CREATE, key="k", name="x") for _ in range(2))
        assert first.body == second.body
        assert ask.projects() == 1

    def test_other_fields_can_be_selected_of_it(self, ask: Asking) -> None:
        ask(CREATE, key="k", name="x")
        again = CREATE.replace("{ id }", "{ id __typename }").replace(
            "create_project(", "create_project: create_project("
        )
        assert ask(again, key="k", name="x").body["data"]["create_project"]["__typename"] == "id_payload"

    def test_each_alias_is_a_creation_of_its_own(self, ask: Asking) -> None:
        batch = 'mutation { a: create_project(input: {name: "a"}) { id } b: create_project(input: {name: "b"}) { id } }'
        first, second = (ask(batch, key="k") for _ in range(2))
        assert first.body == second.body
        assert first.body["data"]["a"] != first.body["data"]["b"]
        assert ask.projects() == 2

    def test_a_key_is_good_for_one_request(self, ask: Asking) -> None:
        ask(CREATE, key="k", name="x")
        assert code(ask(CREATE, key="k", name="y")) == "BAD_USER_INPUT"
        assert ask.projects() == 1

    def test_what_failed_is_tried_again(self, ask: Asking) -> None:
        ask(CREATE, name="x")
        assert code(ask(CREATE, key="k", name="x")) == "UNIQUENESS_VIOLATION"
        ask.sql("DELETE FROM project")
        assert "errors" not in ask(CREATE, key="k", name="x").body

    def test_keys_of_two_credentials_have_nothing_to_do_with_each_other(self, ask: Asking) -> None:
        query = 'mutation { create_api_token(input: {name: "other", scope: TENANT}) { token } }'
        other = Asking(ask.service, ask(query).body["data"]["create_api_token"]["token"])
        ask(CREATE, key="k", name="x")
        assert "errors" not in other(CREATE, key="k", name="y").body

    def test_answers_are_encrypted(self, ask: Asking) -> None:
        query = 'mutation { create_api_token(input: {name: "secret", scope: TENANT}) { token } }'
        token = ask(query, key="k").body["data"]["create_api_token"]["token"]
        with ask.service.database.connect(write=False) as connection:
            kept = connection.execute(t.answer.select()).one()
        assert token.encode() not in b"".join(str(value).encode() for value in kept)

    def test_answers_are_forgotten_after_a_day_never_many_at_once(self) -> None:
        """Given more old answers than one request deletes, when requests come in, then all go, a bit at a time."""
        clock = Clock()
        service = Service.open("memory:", settings=Settings(auth="none"), clock=clock)
        ask = Asking(service, None)
        ask(CREATE, key="recent", name="recent")
        old = service.database.now()
        with service.database.connect(write=True) as connection:
            columns = {"principal": "somebody", "created": old, "ciphertext": b""}
            connection.execute(
                t.answer.insert(), [{**columns, "key": str(n)} for n in range(2 * FORGOTTEN_AT_ONCE)]
            )

        def count() -> int:
            with service.database.connect(write=False) as connection:
                return int(connection.scalar(text("SELECT count(*) FROM answer")) or 0)

        clock.time += dt.timedelta(hours=25)
        counts = [count()]
        for n in range(3 * FORGETTING):
            ask(CREATE, key=f"k{n}", name=f"p{n}")
            counts.append(count())
        service.close()

        assert max(before - after for before, after in itertools.pairwise(counts)) < FORGOTTEN_AT_ONCE + 1
        assert counts[-1] == 3 * FORGETTING

    def test_a_key_has_a_bound(self, ask: Asking) -> None:
        assert code(ask(CREATE, key="k" * 256, name="x")) == "BAD_USER_INPUT"

    def test_of_many_at_once_one_creates(self, tmp_path: Path) -> None:
        service = Service.open(f"sqlite:///{tmp_path}/runs.db", home=tmp_path, settings=Settings(auth="none"))
        ask = Asking(service, None)
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda: answers.append(ask(CREATE, key="k", name="x"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({str(answer.body) for answer in answers}) == 1
        assert "errors" not in answers[0].body
        service.close()


class TestOpening:
    def test_what_was_written_is_there_when_it_is_opened_again(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/runs.db"
        first = Service.open(url, home=tmp_path, settings=Settings(auth="none"))
        Asking(first, None)(CREATE, name="x")
        first.close()
        second = Service.open(url, home=tmp_path, settings=Settings(auth="none"))
        assert Asking(second, None).projects() == 1
        second.close()

    def test_a_database_that_cannot_be_opened_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=f"{tmp_path} cannot be opened"):
            Service.open(f"sqlite:///{tmp_path}", home=tmp_path)

    def test_a_server_out_of_reach_is_named_without_its_password(self, tmp_path: Path) -> None:
        pytest.importorskip("psycopg")
        with pytest.raises(ConfigurationError, match=r"x:\*\*\*@127.0.0.1:1/y cannot be opened") as caught:
            Service.open("postgresql+psycopg://x:hunter2@127.0.0.1:1/y", home=tmp_path)
        assert "hunter2" not in str(caught.value)

    def test_a_missing_driver_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(MissingExtra, match="postgres"):
            Service.open("postgresql+psycopg://x@127.0.0.1/y", home=tmp_path)

    def test_a_service_can_tell_whether_its_database_answers(self, service: Service) -> None:
        assert service.is_reachable()

    @pytest.mark.slow
    def test_a_forked_child_waits_for_no_thread_of_its_parent(self, service: Service, token: str) -> None:
        """What services remember in common is locked while the process forks."""

        def child() -> None:
            own = Service.open("memory:", settings=service.settings, token=token)
            answer = own.execute(GraphQLRequest("{ project { id } }"), Credentials(token))
            sys.exit(0 if answer.body == {"data": {"project": []}} else 1)

        process = multiprocessing.get_context("fork").Process(target=child)
        with service._documents._lock:
            process.start()
        process.join(20)
        process.kill()
        assert process.exitcode == 0


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.time = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.time
