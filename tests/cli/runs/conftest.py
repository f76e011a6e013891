"""Flows on the shared server, an agent that runs them, and runs that a test drives by hand."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client.states import Running, Submitted
from tests.cli.conftest import COMMAND, TOKEN, Orchestra, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestra_client import Client
    from orchestra_client.results import FlowRun
    from orchestra_client.states import State

AGENT_LABEL = "tests-of-runs"
"""The label that the agent of these tests has: runs without it stay where they are."""

STEPS = """
import time

from orchestra_client import Flow, Parameter, context, task
from orchestra_client.flows import Script


@task
def steps(count, seconds):
    if count < 0:
        raise ValueError("there are no steps [red]back[/red]")
    for number in range(count):
        context.logger.info("step %d", number)
        time.sleep(seconds)


with Flow({name!r}, storage=Script(__file__)) as flow:
    steps(Parameter("count", default=2), Parameter("seconds", default=0.01))
"""


@dataclass
class Shop:
    """A project of a test's own with a flow that requires the parameter `day` and has another one, `city`."""

    client: Client
    project: str
    flow: str
    ids: list[str] = field(default_factory=list)

    def register(self, project: str | None = None, **parts: Any) -> str:
        """Register the flow, a new version each time; returns its id."""
        day = {"name": "day", "slug": "day", "required": True, "default": None}
        city = {"name": "city", "slug": "city", "required": False, "default": "Berlin"}
        tasks = [{"name": "load", "slug": "load-1", "tags": ["db"]}, {"name": "save", "slug": "save-1"}]
        flow = {"name": self.flow, "tasks": tasks, "edges": [], "parameters": [day, city], **parts}
        self.ids.append(self.client.register(flow, project or self.project, no_url=True, force=True))
        return self.ids[-1]

    def run(self, **arguments: Any) -> str:
        """Create a run of the newest version; returns its id."""
        return self.client.create_flow_run(self.ids[-1], parameters={"day": 1}, **arguments)

    def move(self, flow_run_id: str, *states: State) -> None:
        """Let a run enter states, one after the other."""
        for state in states:
            self.client.set_flow_run_state(flow_run_id, None, state)

    def begin(self, **arguments: Any) -> str:
        """Create a run that is Running."""
        run_id = self.run(**arguments)
        self.move(run_id, Submitted(), Running())
        return run_id

    def log(self, flow_run_id: str, message: str, level: str = "INFO") -> None:
        """Write a record to a run's log."""
        record = {"flow_run_id": flow_run_id, "message": message, "level": level, "name": "shop"}
        self.client.write_run_logs([{**record, "timestamp": datetime.now(UTC)}])

    def runs(self) -> list[FlowRun]:
        """All runs of the project's flows."""
        return self.client.flow_runs(project=self.project)


@pytest.fixture
def shop(client: Client, unique: Callable[[str], str]) -> Shop:
    shop = Shop(client, unique("shop"), unique("orders"))
    client.create_project(shop.project)
    shop.register()
    return shop


@pytest.fixture(scope="session")
def agent(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An agent process for the runs with `AGENT_LABEL`."""
    home = tmp_path_factory.mktemp("agent")
    process = subprocess.Popen(
        [*COMMAND, "agent", "start", "--label", AGENT_LABEL, "--log-level", "error", "--drain-timeout", "5"],
        stdout=subprocess.DEVNULL,
        env=environment(home, ORCHESTRA_API_SERVER=server_url, ORCHESTRA_API_TOKEN=TOKEN),
        cwd=home,
    )
    yield
    process.terminate()
    process.wait(30)


@pytest.fixture
def steps(client: Client, agent: None, orchestra: Orchestra, unique: Callable[[str], str]) -> str:
    """A flow that the agent can run; the fixture is its name."""
    name = unique("steps")
    script = orchestra.directory / "steps.py"
    script.write_text(STEPS.format(name=name))
    namespace: dict[str, Any] = {"__file__": str(script), "__name__": "steps"}
    exec(compile(script.read_text(), str(script), "exec"), namespace)
    client.create_project(name)
    client.register(namespace["flow"], name, no_url=True)
    return name
