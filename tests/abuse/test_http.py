"""What is wrong before GraphQL even begins: bodies, headers and connections, sent to a real server process."""

from __future__ import annotations

import gzip
import json
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from .processes import TOKEN, Server, at_once, head, receive
from .world import codes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

MEGABYTE = 1024 * 1024
HELLO = b'{"query": "{ hello }"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server") / "here", arguments=("--log-level", "warning")) as server:
        for _ in range(3):
            server.data("{ hello }")
        yield server
        assert "Traceback" not in server.log()


@pytest.fixture(autouse=True)
def nobody_is_disturbed(server: Server) -> Iterator[None]:
    yield
    assert server.data("{ hello }") == {"hello": "Hello from orchestra"}


def send(server: Server, *parts: bytes) -> tuple[int, dict[str, Any]]:
    with server.connect() as connection:
        for part in parts:
            connection.sendall(part)
        return receive(connection)


def post(server: Server, body: bytes, *headers: str) -> tuple[int, dict[str, Any]]:
    return send(server, head(len(body), *headers), body)


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b" ",
            b"{",
            b"null",
            b"7",
            b'"{ hello }"',
            b"[]",
            b'[{"query": "{ hello }"}]',
            b"{}",
            b'{"query": null}',
            b'{"query": 7}',
            b'{"query": ["{ hello }"]}',
            b'{"query": "{ hello }", "variables": 7}',
            b'{"query": "{ hello }", "variables": []}',
            b'{"query": "{ hello }", "variables": "rubbish"}',
            b'{"query": "{ hello }", "variables": "[1]"}',
            b'{"query": "{ hello }", "operationName": 7}',
            b'{"query": "{ hello }", "variables": {"a": NaN}}',
            b'{"query": "{ hello }", "variables": {"a": Infinity}}',
            b'{"query": "{ hello }", "variables": {"a": -Infinity}}',
            b'{"query": "{ hello }", "variables": {"a": 1e999}}',
            b'{"query": "{ hello }", "variables": "{\\"a\\": NaN}"}',
            b'{"query": "{ hello }", "variables": {"a": ' + b"9" * 5000 + b"}}",
            b'{"query": "{ hello }",}',
            b"{'query': '{ hello }'}",
            b'{"query": "{ hello }"} and more',
            b'{"query": "\xff\xfe"}',
            b'\xef\xbb\xbf{"query": "{ hello }"}',
            '{"query": "{ hello }"}'.encode("utf-16"),
            b'{"query": "\xed\xa0\x80"}',
            b'{"query": "a\x00b"}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
            b"query=%7B+hello+%7D",
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_what_is_no_request_is_400(self, server: Server, body: bytes) -> None:
        status, answer = post(server, body)
        assert (status, codes(answer), answer["data"]) == (400, ["BAD_USER_INPUT"], None)

    @pytest.mark.parametrize(
        "media_type",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonx",
            "*/*",
        ],
    )
    def test_another_media_type_is_415(self, server: Server, media_type: str) -> None:
        request = head(len(HELLO)).replace(
            b"Content-Type: application/json", f"Content-Type: {media_type}".encode()
        )
        status, answer = send(server, request, HELLO)
        assert (status, codes(answer)) == (415, ["BAD_USER_INPUT"])

    @pytest.mark.parametrize("length", [100 * MEGABYTE, None], ids=["declared", "chunked"])
    @pytest.mark.parametrize("token", [TOKEN, "orc_wrong", None])
    def test_a_hundred_megabytes_are_refused_and_never_held(
        self, server: Server, length: int | None, token: str | None
    ) -> None:
        before = server.resident_bytes()
        server.forget_peak()
        piece = b"x" * MEGABYTE
        chunk = piece if length else b"%x\r\n%s\r\n" % (MEGABYTE, piece)
        status, answer = send(
            server, head(length, token=token), *[chunk] * 100, b"" if length else b"0\r\n\r\n"
        )
        assert status == 200
        assert codes(answer) == ["PAYLOAD_TOO_LARGE" if token == TOKEN else "UNAUTHENTICATED"]
        # What is still within the limit is read; a stranger's is not.
        allowed = 80 if token == TOKEN else 8
        assert server.peak_bytes() - before < allowed * MEGABYTE

    def test_who_waits_for_leave_to_send_it_is_told_at_once(self, server: Server) -> None:
        request = head(100 * MEGABYTE, "Expect: 100-continue")
        assert codes(send(server, request)[1]) == ["PAYLOAD_TOO_LARGE"]

    @pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "rubbish", "zstd"])
    def test_an_unknown_encoding_is_refused(self, server: Server, encoding: str) -> None:
        status, answer = post(server, HELLO, f"Content-Encoding: {encoding}")
        assert (status, codes(answer)) == (400, ["BAD_USER_INPUT"])

    @pytest.mark.parametrize(
        "body",
        [b"", HELLO, gzip.compress(HELLO)[:-5], gzip.compress(HELLO) + b"more", gzip.compress(b"{")],
        ids=["empty", "plain", "cut off", "more", "no JSON"],
    )
    def test_unsound_gzip_is_refused(self, server: Server, body: bytes) -> None:
        status, answer = post(server, body, "Content-Encoding: gzip")
        assert (status, codes(answer)) == (400, ["BAD_USER_INPUT"])

    def test_a_bomb_of_gzip_is_refused_and_never_held(self, server: Server) -> None:
        bomb = gzip.compress(b" " * (1000 * MEGABYTE), compresslevel=1)
        before = server.resident_bytes()
        server.forget_peak()
        status, answer = post(server, bomb, "Content-Encoding: gzip")
        assert (status, codes(answer)) == (200, ["PAYLOAD_TOO_LARGE"])
        assert server.peak_bytes() - before < 150 * MEGABYTE

    @pytest.mark.parametrize("token", ["orc_wrong", None])
    def test_a_strangers_json_is_not_even_read(self, server: Server, token: str | None) -> None:
        """32 MiB of it would become 700 MB of Python objects."""
        text = b'{"query": "{ hello }", "variables": {"a": [' + b"[]," * (10 * MEGABYTE) + b"1]}}"
        before = server.resident_bytes()
        server.forget_peak()
        for body, headers in ((gzip.compress(text, 1), ("Content-Encoding: gzip",)), (text, ())):
            status, answer = send(server, head(len(body), *headers, token=token), body)
            assert (status, codes(answer)) == (200, ["UNAUTHENTICATED"])
        assert server.peak_bytes() - before < 20 * MEGABYTE


class TestHeaders:
    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            "Bearer",
            "Bearer ",
            "Basic dXNlcjpwYXNz",
            TOKEN,
            f"Token {TOKEN}",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN.upper()}",
            f"Bearer {TOKEN} {TOKEN}",
            f"Bearer Bearer {TOKEN}",
            f"Bearer '{TOKEN}'",
            "Bearer \xff\xfe\xe9",
            "Bearer eyJ.eyJ.x",
            "Bearer ..",
            "Bearer " + "a." * 30_000,
        ],
        ids=lambda text: text[:24].encode("unicode_escape").decode(),
    )
    def test_an_authorization_that_is_none(self, server: Server, authorization: str) -> None:
        status, answer = send(server, head(len(HELLO), f"Authorization: {authorization}", token=None), HELLO)
        assert (status, codes(answer), answer["data"]) == (200, ["UNAUTHENTICATED"], None)
        assert TOKEN not in json.dumps(answer)

    def test_two_authorizations_are_none(self, server: Server) -> None:
        """Who stands between might have read the other one."""
        for first, second in ((TOKEN, "orc_other"), ("orc_other", TOKEN)):
            request = head(len(HELLO), f"Authorization: Bearer {first}", token=second)
            assert codes(send(server, request, HELLO)[1]) == ["UNAUTHENTICATED"]

    @pytest.mark.parametrize(
        "tenant", ["rubbish", "00000000-0000-4000-8000-000000000000", "\xff", "' OR 1=1 --", "x" * 9000]
    )
    @pytest.mark.parametrize("name", ["X-Orchestra-Tenant-Id", "X-PREFECT-TENANT-ID"])
    def test_a_tenant_that_is_not_ones_own(self, server: Server, name: str, tenant: str) -> None:
        assert codes(post(server, HELLO, f"{name}: {tenant}")[1]) == ["FORBIDDEN"]

    def test_two_tenants_are_none(self, server: Server) -> None:
        own = server.data("{ auth_info { tenant_id } }")["auth_info"]["tenant_id"]
        headers = [
            f"X-Orchestra-Tenant-Id: {own}",
            "X-Orchestra-Tenant-Id: 00000000-0000-4000-8000-000000000000",
        ]
        for order in (headers, headers[::-1]):
            assert codes(post(server, HELLO, *order)[1]) == ["FORBIDDEN"]

    @pytest.mark.parametrize("value", ["", "x" * 300, "\xff", "a\tb", "'; DROP TABLE flow; --"])
    @pytest.mark.parametrize(
        "name",
        [
            "X-Orchestra-Agent-Id",
            "X-Orchestra-Client-Version",
            "X-Request-Id",
            "Idempotency-Key",
            "Accept",
            "Cookie",
        ],
    )
    def test_rubbish_in_other_headers_does_no_harm(self, server: Server, name: str, value: str) -> None:
        body = json.dumps(
            {
                "query": 'mutation { register_agent(input: {type: "local"}) { id } get_runs_in_queue(input: {}) { flow_run_ids } }'
            }
        ).encode()
        status, answer = post(server, body, f"{name}: {value}")
        assert status == 200
        assert set(codes(answer)) <= {"BAD_USER_INPUT"}

    def test_a_header_of_megabytes_is_cut_off(self, server: Server) -> None:
        before = server.resident_bytes()
        server.forget_peak()
        with server.connect() as connection, suppress(ConnectionError):
            connection.sendall(head(len(HELLO), token=None)[:-2] + b"Authorization: Bearer ")
            for _ in range(50):
                connection.sendall(b"x" * MEGABYTE)
            pytest.fail("the server took fifty megabytes of a header")
        assert server.peak_bytes() - before < 20 * MEGABYTE

    def test_what_is_no_http_is_told_so(self, server: Server) -> None:
        for rubbish in (
            b"rubbish\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"POST /graphql HTTP/9.9\r\n\r\n",
            b"\0" * 100,
        ):
            with server.connect() as connection:
                connection.sendall(rubbish)
                assert connection.recv(1000).startswith((b"HTTP/1.1 400", b""))

    @pytest.mark.parametrize(
        "framing",
        [
            "Content-Length: -1",
            "Content-Length: x",
            "Content-Length: 99999999999999999999999999",
            "Content-Length: 22\r\nContent-Length: 23",
            "Content-Length: 22\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: rubbish",
        ],
    )
    def test_an_unclear_length_is_refused(self, server: Server, framing: str) -> None:
        request = head(len(HELLO)).replace(f"Content-Length: {len(HELLO)}".encode(), framing.encode())
        with server.connect() as connection:
            connection.sendall(request + HELLO)
            connection.settimeout(5)
            assert connection.recv(1000)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 411", b"HTTP/1.1 501")

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "HELLO"])
    def test_other_methods(self, server: Server, method: str) -> None:
        with server.connect() as connection:
            connection.sendall(head(len(HELLO)).replace(b"POST", method.encode(), 1) + HELLO)
            assert connection.recv(1000)[:10] == b"HTTP/1.1 4"

    @pytest.mark.parametrize(
        "path",
        [
            "/graphiql/../../../etc/passwd",
            "/graphiql/..%2f..%2fschema.py",
            "/graphiql/%00",
            "/nothing",
            "/graphql/%ff",
            "//",
            "/graphql?" + "x" * 60_000,
        ],
    )
    def test_paths_lead_nowhere_else(self, server: Server, path: str) -> None:
        with server.connect() as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()
            )
            received = b""
            while piece := connection.recv(65536):
                received += piece
        assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200", b"HTTP/1.1 3"))
        assert b"root:" not in received
        assert b"import " not in received


class TestConnections:
    def test_half_sent_requests_hold_nobody_up(self, server: Server) -> None:
        """Given a hundred clients that never finish, more than the server answers at once."""
        halves = [head(None), head(len(HELLO)) + HELLO[:9], head(100)[:50], b"POST", head(None) + b"ff\r\nx"]
        connections = []
        for number in range(100):
            connection = server.connect()
            connection.sendall(halves[number % len(halves)])
            connections.append(connection)
        started = time.monotonic()
        for _ in range(20):
            server.data("{ hello }")
        assert time.monotonic() - started < 5
        for connection in connections:
            connection.close()

    def test_half_sent_requests_are_given_up(self, tmp_path: Path) -> None:
        with Server(tmp_path / "here", arguments=("--request-timeout", "1")) as impatient:
            halves = [head(None), head(len(HELLO)) + HELLO[:9], head(100)[:50], head(100, token=None)]
            connections = [impatient.connect() for _ in halves]
            for connection, half in zip(connections, halves, strict=True):
                connection.sendall(half)
            for connection in connections:
                with connection:
                    assert connection.recv(100).startswith(b"HTTP/1.1 408 ")

    def test_who_leaves_amid_a_request_leaves_nothing_behind(self, server: Server) -> None:
        name = "left amid the request"
        query = json.dumps(
            {"query": f'mutation {{ create_project(input: {{name: "{name}"}}) {{ id }} }}'}
        ).encode()
        for cut in (0, 1, len(query) // 2, len(query) - 1):
            with server.connect() as connection:
                connection.sendall(head(len(query)) + query[:cut])
        assert server.data("query($n: String) { project(where: {name: {_eq: $n}}) { id } }", n=name) == {
            "project": []
        }

    def test_who_leaves_before_the_answer_has_it_done_once(self, server: Server) -> None:
        name = "left before the answer"
        query = json.dumps(
            {"query": f'mutation {{ create_project(input: {{name: "{name}"}}) {{ id }} }}'}
        ).encode()
        with server.connect() as connection:
            connection.sendall(head(len(query)) + query)
            connection.shutdown(socket.SHUT_WR)
        find = "query($n: String) { project(where: {name: {_eq: $n}}) { id } }"
        deadline = time.monotonic() + 5
        while not (found := server.data(find, n=name)["project"]) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(found) <= 1

    def test_several_requests_in_one_breath_are_answered_in_order(self, server: Server) -> None:
        bodies = [json.dumps({"query": f"{{ a{n}: hello }}"}).encode() for n in range(20)]
        with server.connect() as connection:
            connection.sendall(b"".join(head(len(body)) + body for body in bodies[:1]))
            assert list(receive(connection)[1]["data"]) == ["a0"]
        with server.connect() as connection:
            connection.sendall(b"".join(head(len(body)) + body for body in bodies))
            stream = connection.makefile("rb")
            for n in range(20):
                length = 0
                while (line := stream.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split()[1])
                assert list(json.loads(stream.read(length))["data"]) == [f"a{n}"]
            stream.close()

    def test_a_good_request_beside_the_worst_ones(self, server: Server) -> None:
        """Given bombs under way, when an honest client asks, then it is answered soon."""
        bomb = gzip.compress(b" " * (200 * MEGABYTE), 1)
        document = json.dumps({"query": "{ flow { " + "id " * 4000 + "} }"}).encode()
        waits: list[float] = []

        def honest() -> None:
            with server.client() as client:
                for _ in range(20):
                    started = time.monotonic()
                    server.data("{ hello }", client)
                    waits.append(time.monotonic() - started)

        at_once(
            honest,
            *[lambda: post(server, bomb, "Content-Encoding: gzip")] * 4,
            *[lambda: post(server, document)] * 4,
        )
        assert max(waits) < 5
