"""`orchestra server start`, as a process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

TOKEN = "orc_" + "t" * 43
COMMAND = [sys.executable, "-c", "from orchestra_client.cli import main; main()", "server", "start"]
CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    line: str
    errors: Path

    @property
    def url(self) -> str:
        return self.line.removeprefix("Listening on ").strip()

    def ask(self, query: str, token: str | None = TOKEN, **variables: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        return httpx.post(self.url, json=body, headers=headers, timeout=30, trust_env=False).json()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that the test need not stop; they share one home, unless it names another database."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str, **environ: str) -> Server:
        errors = tmp_path / f"stderr-{len(processes)}"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [*COMMAND, "--port", "0", *options],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, "ORCHESTRA_BOOTSTRAP_TOKEN": TOKEN, **environ},
            )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, errors.read_text()
        return Server(process, line, errors)

    yield start
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is not going to run."""
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60, check=False)


def test_it_says_where_it_listens_and_answers_there(start: Callable[..., Server]) -> None:
    server = start()
    assert re.fullmatch(r"Listening on http://127\.0\.0\.1:[1-9]\d*/graphql\n", server.line)
    assert server.ask("{ hello }") == {"data": {"hello": "Hello from orchestra"}}
    health = httpx.get(server.url.replace("graphql", "health"), trust_env=False)
    assert health.json()["status"] == "ok"
    assert "Date" in health.headers


def test_a_restart_keeps_the_data(start: Callable[..., Server]) -> None:
    first = start()
    first.ask(CREATE, name="kept")
    assert first.stop() == 0
    second = start()
    assert second.ask("{ project { name } }") == {"data": {"project": [{"name": "kept"}]}}


def test_the_first_start_saves_a_login(start: Callable[..., Server], isolated_environment: Path) -> None:
    server = start(ORCHESTRA_BOOTSTRAP_TOKEN="")
    saved = json.loads((isolated_environment / "credentials.json").read_text())
    token = saved["servers"][server.url]["api_token"]
    assert (
        server.ask("{ auth_info { api_token_scope } }", token)["data"]["auth_info"]["api_token_scope"]
        == "USER"
    )
    told = server.errors.read_text()
    assert server.url in told
    assert token[-4:] in told
    assert token not in told


def test_it_says_how_to_get_in_where_no_login_is_saved(start: Callable[..., Server]) -> None:
    first = start(ORCHESTRA_BOOTSTRAP_TOKEN="")
    first.stop()
    elsewhere = start(ORCHESTRA_BOOTSTRAP_TOKEN="")
    assert f"No login for {elsewhere.url} is saved here" in elsewhere.errors.read_text()


def test_nothing_it_makes_is_for_others_to_read(
    start: Callable[..., Server], isolated_environment: Path
) -> None:
    start(ORCHESTRA_BOOTSTRAP_TOKEN="")
    made = [isolated_environment, *isolated_environment.iterdir()]
    assert len(made) > 3
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made)


def test_settings_come_from_the_environment(start: Callable[..., Server], tmp_path: Path) -> None:
    server = start(ORCHESTRA_DATABASE=f"sqlite:///{tmp_path}/mine.db", ORCHESTRA_AUTH="none")
    assert "errors" not in server.ask("{ hello }", token=None)
    assert (tmp_path / "mine.db").exists()


def test_limits_come_from_options(start: Callable[..., Server]) -> None:
    server = start("--max-depth", "4", "--max-body-bytes", "2000", "--query-timeout", "9")
    too_deep = server.ask("{ flow { flow_group { flows { project { id } } } } }")
    too_long = server.ask("{ hello }", padding="x" * 2000)

    assert [too_deep["errors"][0]["extensions"]["code"], too_long["errors"][0]["extensions"]["code"]] == [
        "PAYLOAD_TOO_LARGE",
        "PAYLOAD_TOO_LARGE",
    ]
    assert server.ask("{ flow { flow_group { flows { id } } } }") == {"data": {"flow": []}}


def test_a_request_under_way_is_finished_before_it_stops(
    start: Callable[..., Server], isolated_environment: Path
) -> None:
    server = start()
    fields = " ".join(f'a{n}: create_project(input: {{name: "p{n}"}}) {{ id }}' for n in range(1000))
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(server.ask(f"mutation {{ {fields} }}")))
    asking.start()
    deadline = time.monotonic() + 30
    while _projects(isolated_environment) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.stop() == 0
    asking.join(30)
    assert len(answers[0]["data"]) == 1000
    assert "errors" not in answers[0]
    assert _projects(isolated_environment) == 1000
    # Closed in order: what was in the write-ahead log is in the database.
    assert not (isolated_environment / "orchestra.db-wal").exists()


def test_a_connection_that_is_idle_for_a_while_is_kept(start: Callable[..., Server]) -> None:
    host, port = start().url.removeprefix("http://").removesuffix("/graphql").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)

    connection.request("GET", "/health")
    connection.getresponse().read()
    time.sleep(6)  # uvicorn's own patience is five seconds
    connection.request("GET", "/health")

    assert connection.getresponse().status == 200
    connection.close()


def _projects(home: Path) -> int:
    import sqlite3

    with contextlib.closing(sqlite3.connect(home / "orchestra.db")) as connection:
        count: int = connection.execute("SELECT count(*) FROM project").fetchone()[0]
        return count


def test_ctrl_c_ends_it_in_order(start: Callable[..., Server]) -> None:
    server = start()
    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.errors.read_text()


def test_two_servers_share_a_database(start: Callable[..., Server]) -> None:
    one, other = start(), start()
    names = [f"{server.process.pid}-{number}" for server in (one, other) for number in range(20)]
    threads = [
        threading.Thread(target=lambda s=server, n=name: s.ask(CREATE, name=n))
        for server, name in zip([one] * 20 + [other] * 20, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row["name"] for row in one.ask("{ project { name } }")["data"]["project"]} == set(names)


def test_the_log_names_requests_and_no_secrets(start: Callable[..., Server]) -> None:
    server = start()
    server.ask("query Named { hello }")
    server.stop()
    log = server.errors.read_text()
    assert re.search(r"INFO +[0-9a-f]{32} Named 200 \d+\.\d ms", log)
    assert TOKEN not in log


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_without_login_it_listens_to_this_machine_alone(host: str) -> None:
    ended = run("--auth", "none", "--host", host, "--port", "0")
    assert ended.returncode == 2
    assert "--auth none lets everyone in" in ended.stderr
    assert "Listening" not in ended.stdout


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))
    assert ended.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("database", "status"),
    [("mysql://host/name", 2), ("sqlite:////nowhere/at/all/runs.db", 1), ("runs.db", 2)],
)
def test_a_database_that_cannot_be_used_is_explained(database: str, status: int) -> None:
    ended = run("--port", "0", "--database", database)
    assert ended.returncode == status
    assert "Error: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_server_without_logins_says_how_commands_find_it(start: Callable[..., Server]) -> None:
    running = start("--auth", "none")

    assert f"export ORCHESTRA_API_SERVER={running.url}\n" in running.errors.read_text()


def test_a_database_in_memory_leaves_no_login_behind(start: Callable[..., Server], tmp_path: Path) -> None:
    home = tmp_path / "home"

    running = start("--database", "memory:", ORCHESTRA_BOOTSTRAP_TOKEN="", ORCHESTRA_HOME=str(home))

    assert "no login is saved" in running.errors.read_text()
    assert not (home / "credentials.json").exists()
