"""The server inside the process."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.errors import BadInput, ClientClosed, ConfigurationError, MissingExtra
from orchestra_client.transport import Request, Response, embedded
from orchestra_client.transport.embedded import AsyncEmbeddedTransport, EmbeddedTransport
from orchestra_client.transport.leases import Leases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = Request("{ hello }")
CREATE = "mutation($name: String!) { create_project(input: {name: $name}) { id } }"
NAMES = Request("{ project(order_by: {name: asc}) { name } }")


def create(name: str, **headers: str) -> Request:
    return Request(CREATE, {"name": name}, headers=headers)


def names(transport: EmbeddedTransport) -> list[str]:
    return [project["name"] for project in transport.send(NAMES).body["data"]["project"]]


@pytest.fixture
def memory() -> Iterator[EmbeddedTransport]:
    transport = EmbeddedTransport("memory:")
    yield transport
    transport.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


class TestRequests:
    def test_are_answered_as_over_http(self, memory):
        response = memory.send(HELLO)
        assert (response.status, list(response.body)) == (200, ["data"])
        assert response.elapsed > 0

    def test_that_do_not_fit_the_contract_are_refused_with_400(self, memory):
        response = memory.send(Request("{ nonsense }"))
        assert (response.status, response.body["data"]) == (400, None)

    def test_choose_among_operations(self, memory):
        assert memory.send(Request("query A { hello } query B { nope: hello }", operation_name="B")).body[
            "data"
        ].keys() == {"nope"}

    def test_act_as_the_admin_without_a_token(self, memory):
        assert memory.send(create("mine")).body["data"]["create_project"]["id"]
        assert names(memory) == ["mine"]

    def test_carry_their_idempotency_key_in_whatever_case(self, memory):
        key = str(uuid.uuid4())
        first = memory.send(create("mine", **{"Idempotency-Key": key}))
        again = memory.send(create("mine", **{"IDEMPOTENCY-KEY": key}))
        assert first.body == again.body
        assert names(memory) == ["mine"]

    def test_with_variables_that_are_no_json_are_refused(self, memory):
        with pytest.raises(BadInput):
            memory.send(Request(CREATE, {"name": object()}))

    def test_do_not_share_their_variables_with_the_store(self, memory):
        value = {"list": [1]}
        text = 'mutation($v: JSON!) { set_key_value(input: {key: "k", value: $v}) { id } }'
        memory.send(Request(text, {"v": value}))
        value["list"].append(2)
        assert memory.send(Request("{ key_value { value } }")).body["data"]["key_value"] == [
            {"value": {"list": [1]}}
        ]

    def test_are_answered_to_a_coroutine_too(self):
        async def main() -> Response:
            transport = AsyncEmbeddedTransport("memory:")
            try:
                return await transport.send(HELLO)
            finally:
                await transport.close()

        assert asyncio.run(main()).status == 200

    def test_do_not_block_the_event_loop(self, url):
        async def main() -> int:
            transport, ticks = AsyncEmbeddedTransport(url), 0
            requests = asyncio.gather(*(transport.send(create(f"p{n}")) for n in range(20)))
            while not requests.done():
                await asyncio.sleep(0)
                ticks += 1
            await transport.close()
            return ticks

        assert asyncio.run(main()) > 20


class TestStores:
    def test_in_memory_are_private(self, memory):
        other = EmbeddedTransport("memory:")
        other.send(create("theirs"))
        assert names(memory) == []
        other.close()

    def test_in_a_file_are_kept(self, url):
        first = EmbeddedTransport(url)
        first.send(create("kept"))
        first.close()
        second = EmbeddedTransport(url)
        assert names(second) == ["kept"]
        second.close()

    def test_in_a_file_are_opened_once_for_all_clients(self, url, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path)
        first, second = EmbeddedTransport(url), EmbeddedTransport(url.replace("runs.db", "link/runs.db"))
        assert first._lease._subject is second._lease._subject
        first.close()
        assert second.send(HELLO).status == 200
        second.close()
        assert embedded._leases._shares == {}

    def test_that_are_passed_open_are_left_open(self, memory):
        service = memory._lease._subject
        borrowing = EmbeddedTransport(service)
        borrowing.send(create("shared"))
        borrowing.close()
        assert names(memory) == ["shared"]

    def test_keep_their_key_in_a_private_home(self, url, isolated_environment):
        EmbeddedTransport(url).close()
        assert isolated_environment.stat().st_mode & 0o777 == 0o700

    def test_in_memory_leave_nothing_behind(self, memory, isolated_environment):
        memory.send(create("gone"))
        assert not isolated_environment.exists()

    def test_that_cannot_be_opened_are_explained_and_not_remembered(self, tmp_path):
        with pytest.raises(ConfigurationError, match="no folder"):
            EmbeddedTransport(f"sqlite:///{tmp_path}/missing/runs.db")
        assert embedded._leases._shares == {}

    def test_need_the_servers_dependencies(self, monkeypatch):
        embedded._server.cache_clear()
        for name in [name for name in sys.modules if name.startswith("orchestra_client.server")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        with pytest.raises(MissingExtra, match=r"orchestra-client\[server\]"):
            EmbeddedTransport("memory:")
        embedded._server.cache_clear()


class TestSharing:
    def test_many_threads_share_one_transport(self, url):
        transport = EmbeddedTransport(url)
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: transport.send(create(f"p{n:03}")), range(100)))
        assert not [answer.body for answer in answers if "errors" in answer.body]
        assert names(transport) == [f"p{n:03}" for n in range(100)]
        transport.close()

    def test_a_closed_transport_says_so(self):
        transport = EmbeddedTransport("memory:")
        transport.close()
        transport.close()
        with pytest.raises(ClientClosed, match="is closed"):
            transport.send(HELLO)

    @pytest.mark.slow
    def test_a_forked_child_opens_its_own(self, url):
        transport = EmbeddedTransport(url)
        transport.send(create("parent"))
        receiver, sender = multiprocessing.Pipe(duplex=False)

        def child() -> None:
            try:
                transport.send(HELLO)
            except ClientClosed as error:
                sender.send(str(error))
            transport.close()
            own = EmbeddedTransport(url)
            own.send(create("child"))
            sender.send(names(own))
            own.close()

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(20)
        assert "forked child" in receiver.recv()
        assert receiver.recv() == ["child", "parent"]
        assert names(transport) == ["child", "parent"]
        transport.close()


class Store:
    """Something that takes a moment to open and to close, and must not be used outside."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        time.sleep(0.001)
        log.append("open")

    def close(self) -> None:
        time.sleep(0.001)
        self.log.append("close")


class TestLeases:
    def test_open_and_close_alternate_however_many_threads_come_and_go(self):
        log: list[str] = []
        leases = Leases(lambda _key: Store(log))

        def come_and_go(_: int) -> None:
            lease = leases.acquire("key")
            with lease.use():
                assert log[-1] == "open"
            lease.release()

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(come_and_go, range(300)))
        assert log[::2] == ["open"] * (len(log) // 2)
        assert log[1::2] == ["close"] * (len(log) // 2)

    def test_release_waits_for_what_is_under_way(self):
        log: list[str] = []
        lease: Any = Leases(lambda _key: Store(log)).acquire("key")
        entered, leave = threading.Event(), threading.Event()

        def use() -> None:
            with lease.use():
                entered.set()
                leave.wait(5)
                log.append("used")

        user, closer = threading.Thread(target=use), threading.Thread(target=lease.release)
        user.start()
        entered.wait(5)
        closer.start()
        time.sleep(0.02)
        assert log == ["open"]
        leave.set()
        user.join()
        closer.join()
        assert log == ["open", "used", "close"]

    def test_a_failure_to_open_is_not_remembered(self):
        log: list[str] = []
        attempts = iter([ConfigurationError("no"), None])

        def open_store(_key: str) -> Store:
            if error := next(attempts):
                raise error
            return Store(log)

        leases = Leases(open_store)
        with pytest.raises(ConfigurationError):
            leases.acquire("key")
        leases.acquire("key").release()
        assert log == ["open", "close"]
