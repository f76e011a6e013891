"""Requests and answers over a real connection, and everything that can go wrong on it; sync and async alike."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import multiprocessing
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from orchestra_client.errors import (
    BadInput,
    ClientClosed,
    ConfigurationError,
    MissingExtra,
    TransportConnectionError,
    TransportError,
    TransportProtocolError,
    TransportTimeout,
)
from orchestra_client.transport import Request, Response
from orchestra_client.transport.http import AsyncHTTPTransport, HTTPOptions, HTTPTransport, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Response]

HELLO = Request("{ hello }")
IMPATIENT = HTTPOptions(Timeouts(connect=0.2, read=0.2, write=0.2, pool=0.2))


def run_sync(
    url: str, method: str, *arguments: Any, options: HTTPOptions | None = None, **named: Any
) -> Response:
    transport = HTTPTransport(url, options)
    try:
        return getattr(transport, method)(*arguments, **named)
    finally:
        transport.close()


def run_async(
    url: str, method: str, *arguments: Any, options: HTTPOptions | None = None, **named: Any
) -> Response:
    async def main() -> Response:
        transport = AsyncHTTPTransport(url, options)
        try:
            return await getattr(transport, method)(*arguments, **named)
        finally:
            await transport.close()

    return asyncio.run(main())


@pytest.fixture(params=[run_sync, run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


class TestRequests:
    def test_carry_query_variables_and_operation_name(self, run, wire):
        run(wire.url, "send", Request("query A { a }", {"x": 1}, "A"))
        assert json.loads(wire.last_body) == {
            "query": "query A { a }",
            "variables": {"x": 1},
            "operationName": "A",
        }
        assert wire.last_head.startswith("POST /graphql HTTP/1.1")

    def test_carry_their_headers_which_win_over_the_usual_ones(self, run, wire):
        run(wire.url, "send", Request("{a}", headers={"Authorization": "Bearer t", "User-Agent": "mine"}))
        lines = wire.last_head.lower().split("\r\n")
        assert "authorization: bearer t" in lines
        assert [line for line in lines if line.startswith("user-agent")] == ["user-agent: mine"]
        assert "content-type: application/json" in lines

    def test_bring_back_status_headers_and_body(self, run, wire):
        wire.answer(b'{"errors":[]}', 400, "Retry-After: 3\r\n")
        response = run(wire.url, "send", HELLO)
        assert (response.status, response.body, response.headers["retry-after"]) == (400, {"errors": []}, "3")
        assert 0 < response.elapsed < 30

    def test_bring_back_the_start_of_what_is_no_json(self, run, wire):
        wire.answer(b"<html>Bad\n gateway</html>", 502)
        response = run(wire.url, "send", HELLO)
        assert (response.status, response.body, response.excerpt) == (502, None, "<html>Bad gateway</html>")

    def test_do_not_follow_a_redirect_with_the_token(self, run, wire):
        wire.answer(b"", 302, f"Location: http://127.0.0.1:{wire.port}/elsewhere\r\n")
        assert run(wire.url, "send", HELLO).status == 302
        assert len(wire.requests) == 1

    @pytest.mark.parametrize("value", ["Bearer abc\n", "Bearer a\r\nX: y", "Bearer \x00"])
    def test_refuse_a_header_that_http_cannot_carry_without_showing_it(self, run, wire, value):
        with pytest.raises(BadInput, match="header") as caught:
            run(wire.url, "send", Request("{a}", headers={"Authorization": value}))
        assert caught.value.__cause__ is None
        assert "Bearer" not in str(caught.value)
        assert wire.requests == []

    @pytest.mark.parametrize("headers", [{"x": None}, {"x": 1}, {1: "x"}, {"x": "\ud800"}])
    def test_refuse_headers_that_are_no_text(self, run, wire, headers):
        with pytest.raises(BadInput, match="both strings"):
            run(wire.url, "send", Request("{a}", headers=headers))

    def test_refuse_variables_that_are_no_json(self, run, wire):
        with pytest.raises(BadInput, match="object"):
            run(wire.url, "send", Request("{a}", {"x": object()}))
        assert wire.requests == []

    def test_reuse_the_connection(self, wire):
        transport = HTTPTransport(wire.url)
        for _ in range(3):
            transport.send(HELLO)
        transport.close()
        assert wire.connections == 1


class TestFaults:
    def test_nobody_listening(self, run, closed_port):
        with pytest.raises(TransportConnectionError, match="orchestra server start") as caught:
            run(f"http://127.0.0.1:{closed_port}/graphql", "send", HELLO)
        assert caught.value.was_sent is False

    def test_no_such_host(self, run, monkeypatch):
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(TransportConnectionError, match=r"server\.invalid") as caught:
            run("http://server.invalid/graphql", "send", HELLO)
        assert caught.value.was_sent is False
        assert "orchestra server start" not in str(caught.value)

    def test_reset(self, run, wire):
        wire.reset()
        with pytest.raises(TransportConnectionError) as caught:
            run(wire.url, "send", HELLO)
        assert caught.value.was_sent is True

    def test_hung_up_before_the_answer(self, run, wire):
        wire.hang_up()
        with pytest.raises(TransportConnectionError, match="hung up") as caught:
            run(wire.url, "send", HELLO)
        assert caught.value.was_sent is True

    def test_hung_up_within_the_answer(self, run, wire):
        wire.send(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data"', then_close=True)
        with pytest.raises(TransportConnectionError, match="hung up") as caught:
            run(wire.url, "send", HELLO)
        assert caught.value.was_sent is True

    def test_hung_up_within_a_chunk(self, run, wire):
        wire.send(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"data"', then_close=True)
        with pytest.raises(TransportConnectionError, match="hung up"):
            run(wire.url, "send", HELLO)

    def test_no_answer_in_time(self, run, wire):
        wire.stall()
        with pytest.raises(TransportTimeout, match="did not answer in time") as caught:
            run(wire.url, "send", HELLO, options=IMPATIENT)
        assert caught.value.was_sent is True

    def test_no_answer_in_the_requests_own_time(self, run, wire):
        wire.stall()
        with pytest.raises(TransportTimeout):
            run(wire.url, "send", Request("{a}", timeout=0.1))

    def test_no_connection_in_time(self, run):
        with socket.socket() as deaf:
            # A full backlog leaves further connections without an answer.
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            port = deaf.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            with pytest.raises(TransportTimeout, match="accept a connection") as caught:
                run(f"http://127.0.0.1:{port}/graphql", "send", HELLO, options=IMPATIENT)
            for filler in fillers:
                filler.close()
        assert caught.value.was_sent is False

    @pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"\x00\x01\x02\r\n\r\n"])
    def test_an_answer_that_is_not_http(self, run, wire, garbage):
        wire.send(garbage, then_close=True)
        with pytest.raises(TransportProtocolError, match="not HTTP"):
            run(wire.url, "send", HELLO)

    def test_an_answer_that_cannot_be_decompressed(self, run, wire):
        wire.answer(b"no gzip", headers="Content-Encoding: gzip\r\n")
        with pytest.raises(TransportProtocolError, match="decompressed"):
            run(wire.url, "send", HELLO)

    def test_no_tls_on_the_other_side(self, run, wire):
        wire.greeting = b"220 mail.example ESMTP\r\n"
        with pytest.raises(TransportProtocolError, match="No secure connection") as caught:
            run(wire.url.replace("http", "https"), "send", HELLO)
        assert caught.value.was_sent is False

    def test_a_proxy_that_refuses(self, run, wire):
        wire.answer(b"", 407)
        with pytest.raises(TransportConnectionError, match="407") as caught:
            run("https://api.example/graphql", "send", HELLO, options=HTTPOptions(proxy=wire.url))
        assert caught.value.was_sent is False

    @respx.mock
    def test_an_error_that_httpx_may_learn_one_day(self, run):
        respx.post("http://host/graphql").mock(side_effect=httpx.ReadError(""))
        with pytest.raises(TransportConnectionError, match="ReadError"):
            run("http://host/graphql", "send", HELLO)

    def test_all_are_transport_errors(self):
        assert issubclass(TransportTimeout, TransportError)
        assert issubclass(TransportTimeout, TimeoutError)


class TestRawRequests:
    @pytest.mark.parametrize(
        ("server", "path", "target"),
        [
            ("/graphql", "health", "/health"),
            ("/graphql/alpha", "/v1/auth/login", "/v1/auth/login"),
            ("/", "health", "/health"),
            ("/orchestra/graphql?x=1", "health", "/orchestra/health"),
        ],
    )
    def test_count_from_the_root_of_the_server(self, run, wire, server, path, target):
        run(f"http://127.0.0.1:{wire.port}{server}", "request", "get", path)
        assert wire.last_head.startswith(f"GET {target} HTTP/1.1")

    def test_carry_query_body_and_headers(self, run, wire):
        run(wire.url, "request", "POST", "x", params={"a": "b c"}, json={"k": 1}, headers={"X-Mine": "1"})
        assert wire.last_head.startswith("POST /x?a=b+c HTTP/1.1")
        assert "x-mine: 1" in wire.last_head
        assert json.loads(wire.last_body) == {"k": 1}

    def test_can_go_to_another_server(self, run, wire):
        run("http://127.0.0.1:9/graphql", "request", "GET", "health", server=f"http://127.0.0.1:{wire.port}")
        assert wire.last_head.startswith("GET /health HTTP/1.1")

    @pytest.mark.parametrize("server", ["memory:", "host", "http://", "ftp://host"])
    def test_refuse_a_server_that_is_none(self, run, wire, server):
        with pytest.raises(ConfigurationError, match="URL"):
            run(wire.url, "request", "GET", "health", server=server)


class TestOptions:
    def test_http2_that_is_not_installed_names_the_extra(self, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra, match=r"orchestra-client\[http2\]"):
            HTTPTransport("http://host/graphql", HTTPOptions(http2=True))

    def test_http2_can_be_asked_for(self, run, wire):
        # Without TLS nothing is negotiated, and a server that speaks 1.1 is still understood.
        assert run(wire.url, "send", HELLO, options=HTTPOptions(http2=True)).status == 200

    @pytest.mark.parametrize("proxy", ["host:3128", "ftp://me:hunter2@host", "http://host:port"])
    def test_a_proxy_that_makes_no_sense_is_refused_without_its_password(self, proxy):
        with pytest.raises(ConfigurationError, match="proxy") as caught:
            HTTPTransport("http://host/graphql", HTTPOptions(proxy=proxy))
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_a_proxy_from_the_environment_is_used(self, run, wire, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{wire.port}")
        run("http://server.invalid/graphql", "send", HELLO)
        assert wire.last_head.startswith("POST http://server.invalid/graphql HTTP/1.1")

    @pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "example.com,127.0.0.1"])
    def test_a_server_can_be_exempt_from_the_proxy_of_the_environment(self, run, wire, monkeypatch, exempt):
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", exempt)
        assert run(wire.url, "send", HELLO).status == 200

    def test_each_server_has_its_own_way(self, run, wire, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{wire.port}")
        monkeypatch.setenv("NO_PROXY", "host.invalid")
        run("http://host.invalid/graphql", "request", "GET", "health", server="http://other.invalid")
        assert wire.last_head.startswith("GET http://other.invalid/health HTTP/1.1")

    def test_a_proxy_from_the_environment_can_be_ignored(self, run, wire, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        assert run(wire.url, "send", HELLO, options=HTTPOptions(trust_env=False)).status == 200

    def test_a_ca_bundle_that_is_none_is_refused(self, tmp_path):
        (tmp_path / "ca.pem").write_text("nonsense")
        for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
            with pytest.raises(ConfigurationError, match="CA certificates"):
                HTTPTransport("https://host/graphql", HTTPOptions(verify=str(path)))

    def test_a_ca_bundle_of_the_environment_that_is_missing_is_explained(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            HTTPTransport("https://host/graphql")

    def test_certificates_are_not_read_where_there_is_no_tls(self, run, wire, tmp_path, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        assert run(wire.url, "send", HELLO).status == 200
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            run(wire.url, "request", "GET", "health", server="https://other.invalid")

    def test_a_folder_of_certificates_is_accepted(self, tmp_path):
        HTTPTransport("https://host/graphql", HTTPOptions(verify=str(tmp_path))).close()

    def test_repr_shows_no_proxy_password(self):
        assert "hunter2" not in repr(HTTPOptions(proxy="http://me:hunter2@host"))


class TestSharing:
    def test_many_threads_share_one_transport(self, wire):
        transport = HTTPTransport(wire.url)
        with ThreadPoolExecutor(32) as pool:
            statuses = list(pool.map(lambda _: transport.send(HELLO).status, range(400)))
        transport.close()
        assert statuses == [200] * 400
        assert wire.connections <= 32

    def test_many_tasks_share_one_transport(self, wire):
        async def main() -> list[Response]:
            transport = AsyncHTTPTransport(wire.url)
            try:
                return await asyncio.gather(*(transport.send(HELLO) for _ in range(200)))
            finally:
                await transport.close()

        assert {response.status for response in asyncio.run(main())} == {200}

    @pytest.mark.slow
    def test_a_connection_is_given_up_before_common_servers_hang_up_on_it(self, wire):
        """They do after five idle seconds, and a request may be lost on the way to them just then."""
        transport = HTTPTransport(wire.url)
        transport.send(HELLO)
        time.sleep(4.5)
        transport.send(HELLO)
        transport.close()
        assert wire.connections == 2

    def test_a_closed_transport_says_so(self, wire):
        transport = HTTPTransport(wire.url)
        transport.close()
        transport.close()
        with pytest.raises(ClientClosed, match="is closed"):
            transport.send(HELLO)

    def test_closing_while_threads_send_lets_each_answer_come_and_refuses_the_next_request(self, wire):
        transport = HTTPTransport(wire.url)

        def send_until_refused(_: int) -> str:
            try:
                while True:
                    transport.send(HELLO)
            except ClientClosed as error:
                return str(error)

        with ThreadPoolExecutor(8) as pool:
            outcomes = pool.map(send_until_refused, range(8))
            threading.Timer(0.1, transport.close).start()
            assert all("is closed" in outcome for outcome in outcomes)

    def test_another_event_loop_is_told_to_open_its_own(self, wire):
        transport = AsyncHTTPTransport(wire.url)
        with asyncio.Runner() as owner, asyncio.Runner() as other:
            owner.run(transport.send(HELLO))
            with pytest.raises(ClientClosed, match="another event loop"):
                other.run(transport.send(HELLO))
            owner.run(transport.close())

    def test_closing_in_another_event_loop_does_no_harm(self, wire):
        transport = AsyncHTTPTransport(wire.url)
        with asyncio.Runner() as owner, asyncio.Runner() as other:
            owner.run(transport.send(HELLO))
            other.run(transport.close())
            with pytest.raises(ClientClosed, match="is closed"):
                owner.run(transport.send(HELLO))
            owner.run(transport._pool.aclose())

    @pytest.mark.slow
    def test_a_forked_child_is_told_to_open_its_own(self, wire):
        transport = HTTPTransport(wire.url)
        transport.send(HELLO)
        receiver, sender = multiprocessing.Pipe(duplex=False)

        def child() -> None:
            try:
                transport.send(HELLO)
            except ClientClosed as error:
                sender.send(str(error))
            transport.close()

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(10)
        assert "forked child" in receiver.recv()
        assert transport.send(HELLO).status == 200
        transport.close()
