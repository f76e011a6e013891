"""Both clients against the server on a real port."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from orchestra_client import AsyncClient, Client
from orchestra_client.errors import (
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    NotFound,
    TransportConnectionError,
)
from orchestra_client.server.app import create_app
from orchestra_client.server.context import Settings
from orchestra_client.server.service import Service
from orchestra_client.states import Running, Submitted, Success
from orchestra_client.testing import VirtualClock
from orchestra_client.transport import RetryPolicy
from orchestra_client.watching.plain import PlainDisplay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "orc_" + "t" * 43


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a server that asks for logins."""
    service = Service.open("memory:", settings=Settings(), token=TOKEN)
    server = uvicorn.Server(uvicorn.Config(create_app(service), port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, TOKEN, tenant_slug="default") as client:
        yield client


def test_a_run_from_queue_to_success(client: Client, serialized_flow: dict[str, Any]) -> None:
    client.create_project("http")
    flow_id = client.register(serialized_flow, "http", no_url=True)
    run_id = client.create_flow_run(flow_id, parameters={"day": "1"}, labels=["http"])

    assert client.get_runs_in_queue(labels=["http"]) == [run_id]
    for version, state in enumerate([Submitted(), Running(), Success("done")], start=1):
        client.set_flow_run_state(run_id, version, state)
    client.write_run_logs([{"flow_run_id": run_id, "level": "INFO", "message": "fertig ✓"}])

    run = client.wait_for_flow_run(run_id, timeout=5)
    assert (run.version, run.state.message) == (4, "done")
    assert [record.message for record in client.get_flow_run_logs(run_id)] == ["fertig ✓"]


def test_threads_share_one_client(client: Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda number: client.set_key_value(f"thread-{number}", number), range(64)))

    assert len(set(ids)) == 64


@pytest.mark.anyio
async def test_tasks_share_one_client(url: str) -> None:
    async with AsyncClient(url, TOKEN) as client:
        ids = await asyncio.gather(*(client.set_key_value(f"task-{number}", number) for number in range(64)))

    assert len(set(ids)) == 64


def test_paths_that_are_not_graphql(client: Client) -> None:
    assert client.get("health")["status"] == "ok"
    assert client.post("graphql", params={"query": "{ hello }"})["data"]["hello"]
    with pytest.raises(NotFound, match="HTTP 404"):
        client.get("nothing/here")


@pytest.mark.anyio
async def test_paths_that_are_not_graphql_in_tasks(url: str) -> None:
    async with AsyncClient(url, TOKEN) as client:
        assert (await client.get("health"))["status"] == "ok"


def test_our_token_goes_to_our_server_alone(url: str, client: Client) -> None:
    host = url.replace("127.0.0.1", "localhost")

    answer = client.post("graphql", server=host, params={"query": "{ project { id } }"})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    answer = client.post("graphql", server=host, params={"query": "{ hello }"}, token=TOKEN)
    assert answer["data"]["hello"]


def test_a_wrong_token_is_named(url: str) -> None:
    with (
        Client(url, "orc_" + "w" * 43) as client,
        pytest.raises(AuthenticationError, match="orc_…wwww from the api_token"),
    ):
        client.create_project("p")


def test_the_page_of_a_run(client: Client, url: str) -> None:
    assert client.get_cloud_url("flow-run", "42") == f"{url}/default/flow-run/42"


def test_nobody_there_is_said_after_the_budget() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    clock = VirtualClock()

    with (
        Client(f"http://127.0.0.1:{port}", TOKEN, clock=clock, retry=RetryPolicy(budget=5)) as client,
        pytest.raises(TransportConnectionError) as caught,
    ):
        client.create_project("p")

    assert caught.value.operation == "CreateProject"
    assert caught.value.attempts == len(clock.pauses) + 1 > 2
    assert clock.monotonic() <= 5


def test_a_failing_server_that_is_not_ours_is_named_and_not_advised_to_be_started(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other = f"http://127.0.0.1:{free.getsockname()[1]}"
    clock, retry = VirtualClock(), RetryPolicy(budget=5)

    with (
        Client(url, TOKEN, clock=clock, retry=retry) as client,
        caplog.at_level("WARNING"),
        pytest.raises(TransportConnectionError) as theirs,
    ):
        client.get("token", server=f"{other}/secret?a=b")
    warnings = caplog.text
    with (
        Client(other, TOKEN, clock=clock, retry=retry) as client,
        pytest.raises(TransportConnectionError) as ours,
    ):
        client.create_project("p")

    assert f"GET token at {other} failed" in warnings
    assert url not in warnings
    assert "orchestra server start" not in str(theirs.value)
    assert "orchestra server start" in str(ours.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # just what is tested here
def test_a_forked_child_is_told_to_make_its_own(client: Client) -> None:
    client.set_key_value("before", 1)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            client.set_key_value("in the child", 1)
            told = "nothing"
        except ClientClosed as error:
            told = str(error)
        finally:
            os.write(writer, told.encode())
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)

    assert "forked child" in os.read(reader, 1000).decode()
    assert client.get_key_value("before") == 1


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"tenant_id": "x"}])
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"timeout|tenant_id"):
        Client("http://127.0.0.1:9", **options)


def test_nothing_configured_is_an_error_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(ConfigurationError, match="ORCHESTRA_API_SERVER"):
        Client()


def test_nothing_configured_is_a_store_of_ones_own(isolated_environment: Any) -> None:
    with Client() as first:
        first.set_key_value("k", 1)
    with Client() as second:
        assert second.get_key_value("k") == 1
        assert str(isolated_environment) in second.api_server


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["http", "sqlite", "memory"])
async def test_both_clients_work_inside_a_running_loop(
    place: str, url: str, tmp_path: Path, serialized_flow: dict[str, Any]
) -> None:
    """As in the cell of a notebook, where a loop runs already."""
    server = {"http": url, "sqlite": f"sqlite:///{tmp_path}/runs.db", "memory": "memory:"}[place]
    token = TOKEN if place == "http" else None

    with Client(server, token, tenant_slug="default") as client:
        client.create_project(f"cell of {place}")
        flow_id = client.register(serialized_flow, f"cell of {place}", no_url=True)
        run_id = client.create_flow_run(flow_id, parameters={"day": "1"})
        client.cancel_flow_run(run_id)
        assert client.watch_flow_run(run_id, display=PlainDisplay(io.StringIO())).is_cancelled()
        assert [run.id for run in client.flow_runs(flow_id=flow_id)] == [run_id]
    async with AsyncClient(server, token, tenant_slug="default") as client:
        await asyncio.gather(*(client.set_secret(f"{place}{number}", number) for number in range(5)))
        assert len(set(await client.secret_names())) >= 5
