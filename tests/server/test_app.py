"""The server over HTTP: paths, headers, bodies, and what is not GraphQL."""

from __future__ import annotations

import gzip
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from orchestra_client.server import bodies
from orchestra_client.server.app import PATHS, READERS, create_app
from orchestra_client.server.context import Settings
from orchestra_client.server.hosts import LoopbackNames
from orchestra_client.server.service import Service
from tests.server.resolvers.conftest import Asker, flow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from httpx import Response
    from starlette.types import ASGIApp

HELLO = {"data": {"hello": "Hello from orchestra"}}
CREATE = "mutation Create($name: String!) { create_project(input: {name: $name}) { id } }"
LIMIT = 100_000


@pytest.fixture
def service() -> Service:
    return Service.open("memory:", settings=Settings(max_body_bytes=LIMIT))


class Http:
    """Sends requests to an application, without a socket."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.transport = httpx.ASGITransport(app)
        self.headers = {"Authorization": f"Bearer {token}"}

    def request(self, method: str, path: str, *, headers: dict[str, str], content: Any = None) -> Response:
        async def send() -> Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://test") as client:
                return await client.request(method, path, headers=self.headers | headers, content=content)

        return anyio.run(send)

    def get(self, path: str, **headers: str) -> Response:
        return self.request("GET", path, headers=headers)


@pytest.fixture
def http(service: Service) -> Iterator[Http]:
    assert service.bootstrapped is not None
    yield Http(create_app(service), service.bootstrapped.token)
    service.close()


def post(http: Http, body: Any, path: str = "/graphql", **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.request(
        "POST", path, content=content, headers={"Content-Type": "application/json", **headers}
    )


def code(response: Response) -> str:
    found: str = response.json()["errors"][0]["extensions"]["code"]
    return found


class TestRequests:
    @pytest.mark.parametrize("path", PATHS)
    def test_every_path_of_older_clients_is_answered(self, http: Http, path: str) -> None:
        assert post(http, {"query": "{ hello }"}, path).json() == HELLO

    @pytest.mark.parametrize("variables", [None, {}, "null", "", "{}", ' {"unused": 1} '])
    def test_variables_may_be_left_out_or_be_json_text(self, http: Http, variables: Any) -> None:
        assert post(http, {"query": "{ hello }", "variables": variables}).json() == HELLO

    @pytest.mark.parametrize("variables", [{"name": "x"}, '{"name": "x"}'])
    def test_variables_are_used_in_either_form(self, http: Http, variables: Any) -> None:
        assert "errors" not in post(http, {"query": CREATE, "variables": variables}).json()

    @pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "application/graphql+json"])
    def test_json_is_taken_under_each_of_its_names(self, http: Http, media_type: str) -> None:
        assert post(http, {"query": "{ hello }"}, **{"Content-Type": media_type}).json() == HELLO

    def test_a_compressed_body_is_read(self, http: Http) -> None:
        body = gzip.compress(b'{"query": "{ hello }"}')
        assert post(http, body, **{"Content-Encoding": "gzip"}).json() == HELLO

    def test_an_operation_is_chosen(self, http: Http) -> None:
        body = {"query": "query A { hello } query B { api { mode } }", "operationName": "A"}
        assert post(http, body).json() == HELLO


class TestHeaders:
    @pytest.mark.parametrize("name", ["X-Orchestra-Tenant-Id", "X-PREFECT-TENANT-ID"])
    def test_the_tenant_is_read_in_either_spelling(self, http: Http, name: str) -> None:
        create = 'mutation { create_tenant(input: {name: "Other", slug: "other"}) { id } }'
        tenant_id = post(http, {"query": create}).json()["data"]["create_tenant"]["id"]
        answer = post(http, {"query": "{ auth_info { tenant_id } }"}, **{name: tenant_id})
        assert answer.json()["data"]["auth_info"]["tenant_id"] == tenant_id

    def test_a_repeat_is_recognised_by_its_key(self, http: Http) -> None:
        body = {"query": CREATE, "variables": {"name": "x"}}
        first, second = (post(http, body, **{"Idempotency-Key": "k"}).json() for _ in range(2))
        assert first == second
        assert "errors" not in first

    def test_the_request_id_is_echoed(self, http: Http) -> None:
        answer = post(http, {"query": "{ hello }"}, **{"X-Request-Id": "abc-1"})
        assert answer.headers["X-Request-Id"] == "abc-1"

    @pytest.mark.parametrize("given", ["", "a b", "x" * 200, "<script>"])
    def test_a_request_id_that_cannot_be_logged_is_replaced(self, http: Http, given: str) -> None:
        answer = post(http, {"query": "{ hello }"}, **{"X-Request-Id": given})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])

    @pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense"])
    def test_without_a_good_token_the_answer_is_200_with_a_code(self, http: Http, authorization: str) -> None:
        answer = post(http, {"query": "{ hello }"}, Authorization=authorization)
        assert (answer.status_code, code(answer)) == (200, "UNAUTHENTICATED")

    def test_the_scheme_of_a_token_is_read_in_any_case(self, http: Http) -> None:
        token = http.headers["Authorization"].split()[1]
        assert post(http, {"query": "{ hello }"}, Authorization=f"bearer {token}").json() == HELLO


class TestRefusals:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b'"text"',
            b"[]",
            b'[{"query": "{ hello }"}]',
            b"{}",
            b'{"query": 7}',
            b'{"query": "{ hello }", "variables": 7}',
            b'{"query": "{ hello }", "variables": "[1]"}',
            b'{"query": "{ hello }", "variables": "{"}',
            b'{"query": "{ hello }", "operationName": 7}',
            b'{"query": "{ hello }", "variables": {"a": NaN}}',
            b'{"query": "\xff"}',
            b'{"query": "{ hello }", "variables": {"a": "\xed\xa0\x80"}}',
            b'{"a":' * 20_000,
            b"[" * 90_000,
            b"9" * 10_000,
        ],
    )
    def test_what_is_no_request_is_400_and_says_why(self, http: Http, body: bytes) -> None:
        answer = post(http, body)
        assert (answer.status_code, code(answer), answer.json()["data"]) == (400, "BAD_USER_INPUT", None)
        assert answer.json()["errors"][0]["message"]

    @pytest.mark.parametrize("media_type", ["text/plain", "application/graphql", "multipart/form-data", ""])
    def test_other_media_types_are_refused(self, http: Http, media_type: str) -> None:
        answer = post(http, {"query": "{ hello }"}, **{"Content-Type": media_type})
        assert (answer.status_code, code(answer)) == (415, "BAD_USER_INPUT")

    def test_half_of_a_surrogate_pair_is_refused_where_it_stands(self, http: Http) -> None:
        answer = post(http, json.dumps({"query": CREATE, "variables": {"name": "\ud800"}}).encode())
        assert (answer.status_code, code(answer)) == (200, "BAD_USER_INPUT")

    def test_an_error_that_quotes_it_is_still_json(self, http: Http) -> None:
        answer = post(http, json.dumps({"query": "{ \ud800 }"}).encode())
        assert answer.status_code == 400
        assert answer.json()["errors"]

    @pytest.mark.parametrize("encoding", ["br", "deflate"])
    def test_other_encodings_are_refused(self, http: Http, encoding: str) -> None:
        assert post(http, b"x", **{"Content-Encoding": encoding}).status_code == 400

    @pytest.mark.parametrize("body", [b"x", gzip.compress(b'{"query": "{ hello }"}', mtime=0)[:-9]])
    def test_damaged_compression_is_refused(self, http: Http, body: bytes) -> None:
        assert post(http, body, **{"Content-Encoding": "gzip"}).status_code == 400

    def test_other_methods_are_refused(self, http: Http) -> None:
        assert http.request("PUT", "/graphql", headers={}).status_code == 405

    def test_a_browserless_get_is_told_to_post(self, http: Http) -> None:
        answer = http.get("/graphql", Accept="application/json")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


class TestSize:
    def test_a_body_as_long_as_allowed_is_read(self, http: Http) -> None:
        body = b'{"query": "{ hello }"}'
        assert post(http, body + b" " * (LIMIT - len(body))).json() == HELLO

    def test_a_longer_one_is_refused(self, http: Http) -> None:
        answer = post(http, b" " * (LIMIT + 1))
        assert (answer.status_code, code(answer)) == (200, "PAYLOAD_TOO_LARGE")

    def test_a_longer_one_that_does_not_say_so_is_refused(self, http: Http) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b" " * LIMIT
            yield b" "

        answer = http.request(
            "POST", "/graphql", content=chunks(), headers={"Content-Type": "application/json"}
        )
        assert code(answer) == "PAYLOAD_TOO_LARGE"

    def test_one_of_many_small_values_is_refused(self, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "MAX_VALUES", 100)

        def body(values: int) -> bytes:
            return b'{"query": "{ hello }", "variables": {"a": [' + b"[]," * (values // 2) + b"1]}}"

        assert post(http, body(80)).json() == HELLO
        assert code(post(http, body(120))) == "PAYLOAD_TOO_LARGE"

    def test_decompression_stops_at_the_limit(self, http: Http) -> None:
        bomb = gzip.compress(b" " * 100 * LIMIT)
        assert code(post(http, bomb, **{"Content-Encoding": "gzip"})) == "PAYLOAD_TOO_LARGE"

    @pytest.mark.anyio
    async def test_of_a_100_mb_body_little_is_kept(self, service: Service) -> None:
        chunk, sent, answered = b" " * 1_000_000, 0, []

        async def receive() -> dict[str, Any]:
            nonlocal sent
            sent += 1
            return {"type": "http.request", "body": chunk, "more_body": sent < 100}

        async def send(message: Any) -> None:
            answered.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"100000000"),
                # A stranger's body would not even be begun.
                (b"authorization", f"Bearer {service.bootstrapped and service.bootstrapped.token}".encode()),
            ],
        }
        await create_app(service)(scope, receive, send)
        assert b"PAYLOAD_TOO_LARGE" in answered[1]["body"]
        assert sent < 10
        service.close()


class TestOtherPages:
    def test_health_is_told_to_anyone(self, http: Http) -> None:
        answer = http.get("/health", Authorization="")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "version": "0.1.0",
            "database": "reachable",
            "services": {},
        }

    @pytest.mark.parametrize("path", PATHS)
    def test_a_browser_gets_graphiql_from_this_server_alone(self, http: Http, path: str) -> None:
        page = http.get(path, Accept="text/html,*/*")
        assert "default-src 'none'; script-src 'self'" in page.headers["Content-Security-Policy"]
        files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert "/graphiql/graphiql.min.js" in files
        for file in files:
            assert file == "data:," or http.get(file).status_code == 200

    def test_the_pages_files_are_not_a_way_to_others(self, http: Http) -> None:
        assert http.get("/graphiql/..%2f..%2fapp.py").status_code == 404


class TestLoopbackNames:
    """A server without login, seen from a browser that opened a page of someone else."""

    @pytest.fixture
    def http(self, service: Service) -> Http:
        return Http(LoopbackNames(create_app(service)), None)

    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:4200", "127.0.0.1:4200", "[::1]:4200", "LOCALHOST"]
    )
    def test_its_own_names_are_answered(self, http: Http, host: str) -> None:
        assert http.get("/health", Host=host).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:4200", "192.0.2.1", "", "localhost.evil.example", "["]
    )
    def test_others_are_not(self, http: Http, host: str) -> None:
        answer = post(http, {"query": "{ hello }"}, Host=host)
        assert (answer.status_code, code(answer)) == (421, "FORBIDDEN")


class TestLog:
    def test_each_request_is_logged_once_and_without_secrets(
        self, http: Http, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "orchestra_client.server.access")
        post(http, {"query": CREATE, "variables": {"name": "hush"}}, **{"X-Request-Id": "abc-1"})
        [message] = [record.getMessage() for record in caplog.records if "abc-1" in record.getMessage()]
        assert re.fullmatch(r"abc-1 Create 200 \d+\.\d ms", message)

    def test_a_name_cannot_forge_a_line(self, http: Http, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "orchestra_client.server.access")
        post(http, {"query": "{ hello }", "operationName": "x\n2030-01-01 forged"})
        assert "\n" not in caplog.records[-1].getMessage()


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_mutation_does_not_wait_for_slow_queries(tmp_path: Path) -> None:
    """Given more queries that take long than are answered at once, a state is set before any of them has ended."""
    settings = Settings(auth="none", query_timeout=2)
    service = Service.open(f"sqlite:///{tmp_path / 'store.db'}", home=tmp_path, settings=settings)
    ask = Asker(service)
    flow_id = ask.do("create_flow", "id", serialized_flow=flow())["id"]
    for _ in range(100):
        ask.do("create_flow_run", "id", flow_id=flow_id)
    where = '{name: {_ilike: "%nobody%"}}'
    for _ in range(3):
        where = f"{{flow: {{flow_runs: {where}}}}}"
    slow = {"query": f"{{ flow_run_aggregate(where: {where}) {{ aggregate {{ count }} }} }}"}
    ended: list[str] = []

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(service)), base_url="http://test", timeout=60
    ) as client:

        async def send(name: str, body: dict[str, Any]) -> None:
            answer = (await client.post("/graphql", json=body)).json()
            ended.append(name)
            assert ("errors" in answer) is (name == "query"), answer

        async with anyio.create_task_group() as group:
            for _ in range(READERS + 4):
                group.start_soon(send, "query", slow)
            await anyio.sleep(0.3)
            mutation = {"variables": {"name": "p"}, "query": f"\n  {CREATE}"}
            group.start_soon(send, "mutation", mutation)
    service.close()

    assert ended[0] == "mutation"
