"""Servers that are killed, stopped and started under load: what was answered is there, and nothing is there by half."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from .processes import Server, at_once, head
from .world import flow, state

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

QUIET = ("--log-level", "warning")
CREATE = """mutation($name: String!, $states: [flow_run_state_input!]!) {
    create_project(input: {name: $name}) { id }
    set_flow_run_states(input: {states: $states}) { states { status } } }"""


class Stream:
    """Clients that write without pause until their server is gone, and remember what they were answered."""

    def __init__(self, server: Server, run: str, clients: int = 6) -> None:
        self.server, self.run = server, run
        self.acknowledged: list[str] = []
        self.refused: list[Any] = []
        self.ends: list[Exception] = []
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _write(self, client_number: int) -> None:
        with self.server.client() as client:
            for number in range(100_000):
                name = f"{client_number}-{number}"
                item = {
                    "flow_run_id": self.run,
                    "transition_id": name,
                    "state": state("Scheduled", message=name),
                }
                try:
                    body = self.server.ask(CREATE, client, name=name, states=[item])
                except (httpx.TransportError, ValueError) as end:
                    self.ends.append(end)
                    return
                if "errors" in body:
                    self.refused.append(body)
                else:
                    self.acknowledged.append(name)

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.acknowledged) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.acknowledged) >= number

    def join(self) -> None:
        for thread in self.threads:
            thread.join()


def new_run(server: Server) -> str:
    """A run of a new flow."""
    made = server.data("mutation($f: JSON!) { create_flow(input: {serialized_flow: $f}) { id } }", f=flow())
    query = "mutation($id: UUID) { create_flow_run(input: {flow_id: $id}) { id } }"
    return str(server.data(query, id=made["create_flow"]["id"])["create_flow_run"]["id"])


def check_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def check_kept(server: Server, stream: Stream) -> None:
    """Every acknowledged write is there; of the others, each field is there whole or not at all."""
    data = server.data(
        """query($run: UUID!) { project { name } flow_run_by_pk(id: $run) { version state_message serialized_state
             states(order_by: {version: asc}) { version message serialized_state } } }""",
        run=stream.run,
    )
    projects = [row["name"] for row in data["project"]]
    assert len(set(projects)) == len(projects)
    assert set(stream.acknowledged) <= set(projects)
    run = data["flow_run_by_pk"]
    versions = [row["version"] for row in run["states"]]
    assert versions == list(range(1, run["version"] + 1))
    assert run["states"][-1]["message"] == run["state_message"] == run["serialized_state"]["message"]
    messages = {row["message"] for row in run["states"]}
    assert set(stream.acknowledged) <= messages
    assert messages - {"The flow run was scheduled."} <= set(projects)


def test_what_was_answered_before_kill_9_is_there_afterwards(tmp_path: Path) -> None:
    server = Server(tmp_path / "here", arguments=QUIET)
    with server:
        stream = Stream(server, new_run(server))
        stream.wait_for(60)
        server.kill()
        stream.join()
    assert stream.refused == []
    check_file(tmp_path / "here" / "runs.db")
    with Server(tmp_path / "here", arguments=QUIET) as again:
        check_kept(again, stream)
        check_file(tmp_path / "here" / "runs.db")


def test_a_killed_process_leaves_the_other_one_working(tmp_path: Path) -> None:
    with (
        Server(tmp_path / "here", arguments=QUIET) as victim,
        Server(tmp_path / "here", arguments=QUIET) as other,
    ):
        run = new_run(victim)
        streams = [Stream(victim, run, 3), Stream(other, run, 0)]
        streams[0].wait_for(20)
        victim.kill()
        started = time.monotonic()
        other.data('mutation { set_key_value(input: {key: "after", value: 1}) { id } }')
        assert time.monotonic() - started < 5
        streams[0].join()
        check_kept(other, streams[0])


def test_sigterm_under_load_answers_or_refuses(tmp_path: Path) -> None:
    server = Server(tmp_path / "here", arguments=QUIET)
    with server:
        stream = Stream(server, new_run(server))
        stream.wait_for(60)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
        stream.join()
        assert stream.refused == []
        assert "Traceback" not in (tmp_path / "here" / f"stderr-{id(server)}").read_text()
    check_file(tmp_path / "here" / "runs.db")
    # Whoever got no answer found the door closed before their request was read, so nothing is there unacknowledged.
    with Server(tmp_path / "here", arguments=QUIET) as again:
        check_kept(again, stream)
        names = {row["name"] for row in again.data("{ project { name } }")["project"]}
        assert len(names - set(stream.acknowledged)) <= sum(
            not isinstance(e, httpx.ConnectError) for e in stream.ends
        )


def test_a_client_that_sends_slowly_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with (
        Server(tmp_path / "here", arguments=QUIET) as server,
        server.connect() as slow,
        server.connect() as idle,
    ):
        slow.sendall(head(1000)[:40])
        idle.sendall(b"")
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 5


def test_servers_that_start_together_on_nothing(tmp_path: Path) -> None:
    servers = [Server(tmp_path / "here", arguments=QUIET) for _ in range(3)]
    for server in servers:
        server.start()
    try:
        at_once(*[server.wait_until_ready for server in servers])
        ids = [server.data("{ auth_info { tenant_id user_id api_token_id } }") for server in servers]
        assert all(each == ids[0] for each in ids)
        # They share the key of secrets, and that of sessions.
        servers[0].data('mutation { set_secret(input: {name: "s", value: "v"}) { success } }')
        tenant = ids[0]["auth_info"]["tenant_id"]
        query = "mutation($t: UUID!) { switch_tenant(input: {tenant_id: $t}) { access_token } }"
        session = servers[-1].data(query, t=tenant)["switch_tenant"]["access_token"]
        for server in servers:
            assert server.data('{ secret_value(name: "s") }')["secret_value"] == "v"
            body = {"query": "{ hello }"}
            headers = {"Authorization": f"Bearer {session}"}
            assert httpx.post(server.url, json=body, headers=headers, trust_env=False).json()["data"]
    finally:
        statuses = [server.stop() for server in servers]
    assert statuses == [0, 0, 0]
    check_file(tmp_path / "here" / "runs.db")


def test_a_signal_while_it_starts_ends_it(tmp_path: Path) -> None:
    for delay in (0.1, 0.5):
        server = Server(tmp_path / "here", arguments=QUIET)
        server.start()
        time.sleep(delay)
        server.process.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    with Server(tmp_path / "here", arguments=QUIET) as again:
        assert again.data("{ hello }")
    check_file(tmp_path / "here" / "runs.db")
