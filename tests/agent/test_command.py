"""`orchestra agent start`, as a process, with runs of the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Client
from orchestra_client.agent import LocalAgent, Pace
from orchestra_client.flows import Module
from tests.agent.world import (
    ORCHESTRA,
    TOKEN,
    Running,
    ServerProcess,
    defunct_children,
    exists,
    lives,
    open_client,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FLOW = """
import os, subprocess, time
from pathlib import Path
from orchestra_client import context
from orchestra_client.flows import Flow, Parameter, task

@task
def begin(folder):
    place = Path(folder)
    if (place / "with a child").exists():
        (place / "child").write_text(str(subprocess.Popen(["sleep", "60"]).pid))
    with (place / "runs").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    print("the work begins")
    context.logger.info("the work begins")
    deadline = time.monotonic() + 60
    while not (place / "wake").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

with Flow("work") as flow:
    begin(Parameter("folder"))
"""


@dataclass
class Work:
    """A flow that waits until it is woken, and the machine that runs it."""

    client: Client
    folder: Path
    flow_id: str

    def run(self) -> str:
        return self.client.create_flow_run(
            flow_id=self.flow_id, parameters={"folder": str(self.folder)}, labels=[str(self.folder)]
        )

    def wake(self) -> None:
        (self.folder / "wake").touch()

    def pids(self) -> list[int]:
        """The processes that have begun."""
        path = self.folder / "runs"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def state(self, run_id: str) -> Any:
        return self.client.get_flow_run_state(run_id)


@pytest.fixture
def work(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    (tmp_path / "work_flow.py").write_text(FLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("work_flow", None)
    from work_flow import flow

    flow.storage = Module("work_flow:flow")
    with Client(server.url, TOKEN) as client:
        client.create_project(str(tmp_path))
        flow_id = client.register(flow, project_name=str(tmp_path), no_url=True)
        yield Work(client, tmp_path, flow_id)


@dataclass
class AgentProcess:
    """An agent as a process."""

    process: subprocess.Popen[str]
    errors: Path

    def log(self) -> str:
        return self.errors.read_text()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def start(server: ServerProcess, work: Work) -> Iterator[Callable[..., AgentProcess]]:
    """Start agents on this test's label; they and what they started are ended afterwards."""
    agents: list[AgentProcess] = []

    def start(*options: str, **environ: str) -> AgentProcess:
        errors = work.folder / f"stderr-{len(agents)}"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [*ORCHESTRA, "agent", "start", "--label", str(work.folder), *options],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=work.folder,
                env={
                    **os.environ,
                    "ORCHESTRA_API_SERVER": server.url,
                    "ORCHESTRA_API_TOKEN": TOKEN,
                    **environ,
                },
            )
        agents.append(AgentProcess(process, errors))
        line = process.stdout.readline()
        assert line.startswith("Agent "), errors.read_text()
        return agents[-1]

    yield start
    work.wake()
    for agent in agents:
        agent.process.kill()
        agent.process.wait()
        agent.process.stdout.close()
    until(lambda: not any(map(lives, work.pids())))


def test_runs_that_are_due_are_run_and_then_it_ends(work: Work, start: Callable[..., AgentProcess]) -> None:
    work.wake()
    runs = [work.run(), work.run()]
    agent = start("--max-polls", "1", "--show-flow-logs")
    shown = agent.process.stdout.read()
    assert agent.wait() == 0
    assert all(work.state(run).is_successful() for run in runs), agent.log()
    assert "the work begins" in shown
    assert TOKEN not in agent.log() + shown
    assert "the work begins" in [record.message for record in work.client.get_flow_run_logs(runs[0])]


def test_sigterm_lets_runs_finish(work: Work, start: Callable[..., AgentProcess]) -> None:
    agent, run_id = start("--name", "box"), work.run()
    until(work.pids)
    agent.signal(signal.SIGTERM)
    until(lambda: "takes no more runs" in agent.log())
    later = work.run()
    assert defunct_children(agent.process.pid) == []
    work.wake()
    assert agent.wait() == 0
    assert work.state(run_id).is_successful()
    assert work.state(later).is_scheduled()


def test_a_second_signal_ends_runs(work: Work, start: Callable[..., AgentProcess]) -> None:
    agent, run_id = start(), work.run()
    until(work.pids)
    agent.signal(signal.SIGINT)
    until(lambda: "takes no more runs" in agent.log())
    agent.signal(signal.SIGINT)
    assert agent.wait() == 0
    assert "because its agent stopped" in work.state(run_id).message
    assert not any(map(lives, work.pids()))


def test_a_run_outlives_its_agent_and_is_not_run_again(
    work: Work, start: Callable[..., AgentProcess]
) -> None:
    agent, run_id = start("--name", "box"), work.run()
    until(work.pids)
    agent.signal(signal.SIGKILL)
    agent.wait()
    again = start("--name", "box", "--max-polls", "3")
    assert again.wait() == 0
    assert work.state(run_id).is_running()

    work.wake()
    until(lambda: work.state(run_id).is_finished())
    assert work.state(run_id).is_successful()
    assert len(work.pids()) == 1


def test_a_killed_run_is_reported_and_not_left_defunct(
    work: Work, start: Callable[..., AgentProcess]
) -> None:
    agent, run_id = start(), work.run()
    until(work.pids)
    os.kill(work.pids()[0], signal.SIGKILL)
    until(lambda: work.state(run_id).is_finished(), timeout=5)
    assert "SIGKILL" in work.state(run_id).message
    assert defunct_children(agent.process.pid) == []
    assert not exists(work.pids()[0])


def test_a_cancelled_run_says_so_itself(work: Work, start: Callable[..., AgentProcess]) -> None:
    start()
    run_id = work.run()
    until(work.pids)
    work.client.cancel_flow_run(run_id)
    until(lambda: work.state(run_id).is_finished(), timeout=15)
    assert work.state(run_id).type_name == "Cancelled"
    until(lambda: not any(map(lives, work.pids())))


def test_what_a_cancelled_run_has_started_ends_though_its_agent_hears_of_it_last(
    work: Work, server: ServerProcess
) -> None:
    (work.folder / "with a child").touch()
    agent = Running(
        LocalAgent(
            labels=[str(work.folder)],
            open_client=lambda: open_client(server.url),
            env={"PYTHONPATH": str(work.folder)},
            pace=Pace(look=1000.0),
        )
    )
    run_id = work.run()
    until(work.pids)
    child = int((work.folder / "child").read_text())
    work.client.cancel_flow_run(run_id)
    until(lambda: work.state(run_id).type_name == "Cancelled", timeout=20)
    until(lambda: not lives(child), timeout=10)
    agent.stop()


def test_a_deleted_run_ends_by_itself(work: Work, start: Callable[..., AgentProcess]) -> None:
    agent = start()
    run_id = work.run()
    until(work.pids)
    work.client.graphql(
        "mutation($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }",
        variables={"id": run_id},
    )
    # Nobody takes its logs any more, which must not keep it until it is killed.
    until(lambda: not any(map(lives, work.pids())), timeout=20)
    assert "it is killed" not in agent.log()


def fails(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start an agent that is not going to work."""
    return subprocess.run(
        [*ORCHESTRA, "agent", "start", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ((), 1, "No server is configured: start one with `orchestra server start`"),
        (("--api-server", "http://127.0.0.1:9"), 1, "http://127.0.0.1:9"),
        (("--api-server", "memory:"), 1, "memory:"),
        (("--health-address", "8080"), 2, "HOST:PORT"),
        (("--env", "NO_SUCH_VARIABLE"), 2, "--env NO_SUCH_VARIABLE"),
        (("--limit", "0"), 2, "--limit"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(options: tuple[str, ...], status: int, told: str) -> None:
    ended = fails(*options)
    assert ended.returncode == status
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_refused_token_is_told_without_showing_it(server: ServerProcess) -> None:
    ended = fails("--api-server", server.url, ORCHESTRA_API_TOKEN="orc_" + "x" * 43)
    assert ended.returncode == 4
    assert "orc_…xxxx" in ended.stderr
    assert "x" * 43 not in ended.stderr


def test_a_tenant_can_be_named(server: ServerProcess, work: Work, start: Callable[..., AgentProcess]) -> None:
    [tenant] = [each for each in work.client.get_available_tenants() if each.slug == "default"]
    agent = start("--max-polls", "1", "--tenant", tenant.slug)
    assert agent.wait() == 0
    ended = fails("--tenant", "nowhere", "--api-server", server.url, ORCHESTRA_API_TOKEN=TOKEN)
    assert ended.returncode == 1
    assert "'nowhere'" in ended.stderr
