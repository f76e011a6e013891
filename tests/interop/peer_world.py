"""A server of ours, a release of Prefect that registers flows with it, and agents of that release that run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.states import State

__all__ = ["PEERS", "Peer", "Story", "World", "new_world", "until"]

HERE = Path(__file__).resolve().parent
# Read once, while the environment is still that of whoever runs the tests.
PEERS = Path(os.environ.get("ORCHESTRA_PEERS", HERE.parents[1] / ".peers"))
ADMIN_TOKEN = "orc_" + "t" * 43
AGENT = {"0.12.0": ["agent", "start", "local"], "1.4.1": ["agent", "local", "start"]}
QUICKER = {
    "PREFECT__CLOUD__AGENT__LEVEL": "DEBUG",
    "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL": "0.5",
    "PREFECT__CLOUD__HEARTBEAT_INTERVAL": "0.5",
    "PREFECT__CLOUD__LOGGING_HEARTBEAT": "0.2",
    "PREFECT__CLOUD__QUEUE_INTERVAL": "0.5",
}
STORY = """
query($id: UUID!) {
  flow_run_by_pk(id: $id) {
    heartbeat states { state timestamp message }
    task_runs { id heartbeat map_index task { name } states { state timestamp message } }
  }
}
"""


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something holds.

    Returns:
        What it answered.
    """
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return answer


@dataclass
class Peer:
    """A release of Prefect, and what it is told about our server."""

    release: str
    home: Path
    url: str
    backend: str
    processes: ExitStack = field(default_factory=ExitStack)

    def environment(self, token: str) -> dict[str, str]:
        """As docs/server.md says, and with shorter intervals."""
        address = self.url.removesuffix("/graphql")
        tokens = (
            "PREFECT__CLOUD__API_KEY",
            "PREFECT__CLOUD__AUTH_TOKEN",
            "PREFECT__CLOUD__AGENT__AUTH_TOKEN",
        )
        return {
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(PEERS / f"prefect-{self.release}" / "bin"), "/usr/bin", "/bin"]),
            "PYTHONPATH": str(HERE),
            "PYTHONWARNINGS": "ignore",
            "PREFECT__BACKEND": self.backend,
            "PREFECT__CLOUD__API": address,
            "PREFECT__CLOUD__GRAPHQL": self.url,
            **(dict.fromkeys(tokens, token) if token else {}),
            **QUICKER,
        }

    def register(self, token: str) -> dict[str, str]:
        """Register the flows of agent_flows.py; gives their ids by name."""
        python = PEERS / f"prefect-{self.release}" / "bin" / "python"
        command = [python, "-W", "ignore", HERE / "agent_peer.py"]
        done = subprocess.run(
            command, env=self.environment(token), capture_output=True, text=True, check=False, timeout=60
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
        assert done.returncode == 0, done.stderr
        ids: dict[str, str] = json.loads(lines[-1].removeprefix("FOUND "))
        return ids

    def start_agent(self, token: str, name: str) -> None:
        """Start its local agent, and wait until it asks for runs."""
        output = self.home / f"{name}.log"
        prefect = PEERS / f"prefect-{self.release}" / "bin" / "prefect"
        command = [prefect, *AGENT[self.release], "--name", name, "--show-flow-logs"]
        with output.open("w") as log:
            process = subprocess.Popen(
                command, env=self.environment(token), stdout=log, stderr=subprocess.STDOUT, cwd=self.home
            )
        self.processes.callback(process.wait, 30)
        self.processes.callback(process.terminate)
        until(lambda: "Waiting for flow runs" in output.read_text() or process.poll() is not None)
        assert process.poll() is None, output.read_text()

    def output(self) -> str:
        """What its agents and their runs printed."""
        return "\n".join(log.read_text() for log in self.home.glob("*.log"))


@dataclass
class Story:
    """What our server tells of a run of a peer's."""

    run: Any

    @property
    def states(self) -> list[str]:
        """The states that it went through."""
        return _types(self.run)

    @property
    def beat(self) -> tuple[str, str]:
        """When it beat last, and when it began to run."""
        return _beat(self.run)

    @property
    def task_runs(self) -> dict[str, Any]:
        """The task runs by name and map index, such as `Double/0`."""
        return {f"{each['task']['name']}/{each['map_index']}": each for each in self.run["task_runs"]}

    def task(self, name: str, map_index: int = -1) -> list[str]:
        """The states that a task run went through."""
        return _types(self.task_runs[f"{name}/{map_index}"])

    def task_beat(self, name: str) -> tuple[str, str]:
        """When a task run beat last, and when it began to run."""
        return _beat(self.task_runs[f"{name}/-1"])


def _types(run: Any) -> list[str]:
    return [each["state"] for each in run["states"]]


def _beat(run: Any) -> tuple[str, str]:
    return run["heartbeat"], next(each["timestamp"] for each in run["states"] if each["state"] == "Running")


class World:
    """A server process, the peer, and a client of ours that sees all. Ends the processes when it is closed."""

    def __init__(self, release: str, auth: str, home: Path) -> None:
        self.release = release
        self.stack = ExitStack()
        self.url = self._start_server(auth, home)
        self.client = self.stack.enter_context(
            Client(self.url, api_token=ADMIN_TOKEN if auth == "token" else None)
        )
        backend = "cloud" if auth == "token" else "server"
        (home / "peer").mkdir()
        self.peer = Peer(release, home / "peer", self.url, backend, self.stack)

    def _start_server(self, auth: str, home: Path) -> str:
        command = [sys.executable, "-c", "from orchestra_client.cli import main; main()", "server", "start"]
        options = ["--auth", auth, "--port", "0", "--database", f"sqlite:///{home / 'runs.db'}"]
        environment = {
            "HOME": str(home),
            "ORCHESTRA_HOME": str(home / "orchestra"),
            "ORCHESTRA_BOOTSTRAP_TOKEN": ADMIN_TOKEN,
            "PATH": os.environ["PATH"],
        }
        server = subprocess.Popen(
            [*command, *options, "--log-level", "error"], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        self.stack.callback(server.stdout.close)
        self.stack.callback(server.wait, 30)
        self.stack.callback(server.terminate)
        return server.stdout.readline().split()[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def story(self, run_id: str) -> Story:
        """What is known of a run."""
        return Story(self.client.graphql(STORY, variables={"id": run_id})["data"]["flow_run_by_pk"])

    def finished(self, run_id: str, seconds: float = 60) -> State:
        """Wait until a run is finished; gives its state."""
        return self.client.wait_for_flow_run(run_id, timeout=seconds).state


def new_world(release: str, auth: str, home: Path) -> World:
    """A world, if the peer is installed."""
    if not (PEERS / f"prefect-{release}").is_dir():
        pytest.skip(f"no Prefect {release} in {PEERS}: run `make test-interop`, or set ORCHESTRA_PEERS")
    return World(release, auth, home)
