"""What these tests need to say what they mean: servers, agents, runs, processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_client import Client
from orchestra_client.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "orc_" + "a" * 43
CHILD = (sys.executable, str(Path(__file__).with_name("child.py")))
ORCHESTRA = [sys.executable, "-c", "from orchestra_client.cli import main; main()"]
SHORT = {
    "first_poll": 0.05,
    "longest_poll": 0.3,
    "watch": 0.05,
    "look": 0.2,
    "beat": 0.3,
    "grace": 1.0,
    "linger": 1.0,
}


@dataclass
class ServerProcess:
    """A server that can be stopped and started again at the same address."""

    home: Path
    port: int = 0
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environ = {**os.environ, "ORCHESTRA_HOME": str(self.home), "ORCHESTRA_BOOTSTRAP_TOKEN": TOKEN}
        with (self.home / "stderr").open("a") as errors:
            self.process = subprocess.Popen(
                [
                    *ORCHESTRA,
                    "server",
                    "start",
                    "--port",
                    str(self.port),
                    "--log-level",
                    "warning",
                    *self.options,
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environ,
            )
        line = self.process.stdout.readline()
        assert line, (self.home / "stderr").read_text()
        self.port = int(line.rpartition(":")[2].split("/")[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


@dataclass
class World:
    """What a test does on its server, under a label of its own."""

    client: Client
    folder: Path
    label: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")
    flow_id: str = ""

    def __post_init__(self) -> None:
        self.client.create_project(f"project {self.label}")
        self.register()

    def register(self, *, max_retries: int = 0) -> None:
        """Register the flow, of which later runs are."""
        parameter = {"name": "does", "slug": "does", "required": True, "default": None}
        parameters = [parameter, {**parameter, "name": "folder", "slug": "folder"}]
        parameters.append({"name": "seconds", "slug": "seconds", "required": False, "default": 0})
        flow = {
            "name": "flow",
            "tasks": [
                {
                    "name": "work",
                    "slug": "work-1",
                    "type": "Task",
                    "max_retries": max_retries,
                    "retry_delay": 0,
                    "tags": [self.label],
                }
            ],
            "edges": [],
            "parameters": parameters,
        }
        self.flow_id = self.client.register(flow, f"project {self.label}", no_url=True)

    def run(
        self, does: str, *, labels: list[str] | None = None, run_config: Any = None, **parameters: Any
    ) -> str:
        """Create a flow run, for now."""
        return self.client.create_flow_run(
            flow_id=self.flow_id,
            parameters={"does": does, "folder": str(self.folder), **parameters},
            labels=[self.label] if labels is None else labels,
            run_config=run_config,
        )

    def state(self, run_id: str) -> Any:
        return self.client.get_flow_run_state(run_id)

    def row(self, run_id: str) -> Any:
        query = """query($id: UUID!) { flow_run_by_pk(id: $id) {
            state state_message version heartbeat agent_id
            states(order_by: {version: asc}) { state } task_runs { state state_message } } }"""
        return self.client.graphql(query, variables={"id": run_id}).data.flow_run_by_pk

    def states(self, run_id: str) -> list[str]:
        return [state.state for state in self.row(run_id).states]

    def ends(self, run_id: str, timeout: float = 20) -> Any:
        """Wait for the end of a run; gives its state."""
        until(lambda: self.state(run_id).is_finished(), timeout)
        return self.state(run_id)

    def pid(self, run_id: str) -> int:
        """Wait for the process of a run."""
        path = self.folder / f"{run_id}.pid"
        until(path.exists)
        return int(path.read_text())

    def noted(self, name: str) -> str:
        """Wait for a note of the process."""
        until((self.folder / name).exists)
        return (self.folder / name).read_text()


def until(condition: Callable[[], object], timeout: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not so within {timeout} s"
        time.sleep(0.02)


def exists(pid: int) -> bool:
    """Whether there is such a process, defunct or not."""
    return Path(f"/proc/{pid}").exists()


def defunct_children(parent: int | None = None) -> list[str]:
    """The children of a process that have ended and were not reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            state, ppid = rest.split()[:2]
            if state == "Z" and int(ppid) == (parent or os.getpid()):
                found.append(name)
    return found


def lives(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Running:
    """An agent that works in a thread."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.lines: list[str] = []
        self.result: bool | None = None
        self.error: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(20)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self.result = self.agent.start(on_ready=self._on_ready)
        except BaseException as error:
            self.error = error
        finally:
            self._ready.set()

    def _on_ready(self, line: str) -> None:
        self.lines.append(line)
        self._ready.set()

    @property
    def id(self) -> str:
        return self.agent._shift._claims._api.agent_id

    def stop(self, times: int = 2) -> bool | None:
        for _ in range(times):
            self.agent.stop()
        return self.wait()

    def wait(self, timeout: float = 30) -> bool | None:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the agent does not end"
        return self.result


def open_client(url: str, token: str = TOKEN) -> Client:
    return Client(url, token, timeout=5, retry=RetryPolicy(budget=0))
