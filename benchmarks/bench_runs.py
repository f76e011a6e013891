"""From the creation of a flow run to its Success, through an agent that is warm, against Prefect 1.4.1's local agent.

Usage::

    python benchmarks/bench_runs.py [.peers/prefect-1.4.1] [--quick]

Both agents work for one server process of ours, whose times are compared. The argument is the virtual environment of
a Prefect to compare with; without it only ours is measured. One run at a time, the sides taking turns.
"""

from __future__ import annotations

import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rounds import Options, print_table, ratio, read_options, take_turns

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
RUN = "query($id: UUID!) { flow_run_by_pk(id: $id) { state created states { state timestamp } } }"


class World:
    """A server, our agent, and a client that sees all. Ends the processes when it is closed."""

    def __init__(self, home: Path) -> None:
        self.stack = ExitStack()
        self.home = home
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "ORCHESTRA_HOME": str(home / "orchestra"),
        }
        server = self.start(
            [BIN / "orchestra", "server", "start", "--port", "0", "--auth", "none", "--log-level", "error"]
        )
        assert server.stdout is not None
        self.url = server.stdout.readline().split()[-1]
        self.client = self.stack.enter_context(Client(self.url))

    def start(self, command: Sequence[str | Path], **environment: str) -> subprocess.Popen[str]:
        """Start a process that ends with this world."""
        process = subprocess.Popen(
            command,
            env=self.environment | environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def seconds(self, flow_id: str, **parameters: Any) -> float:
        """Create a run and wait for its end; the time between the two by the server's clock."""
        run_id = self.client.create_flow_run(flow_id=flow_id, parameters=parameters)
        deadline = time.monotonic() + 120
        while (
            run := self.client.graphql(RUN, variables={"id": run_id}).data.flow_run_by_pk
        ).state != "Success":
            assert run.state != "Failed", "the run failed"
            assert time.monotonic() < deadline, f"the run is still {run.state}"
            time.sleep(0.05)
        [success] = [each.timestamp for each in run.states if each.state == "Success"]
        return (datetime.fromisoformat(success) - datetime.fromisoformat(run.created)).total_seconds()


def our_flows(world: World) -> dict[str, str]:
    """Register our flows and start our agent; the flows' ids by name."""
    world.client.create_project("ours")
    flows = runpy.run_path(str(HERE / "flows_to_run.py"))
    ids = {
        name: world.client.register(flows[name], project_name="ours", no_url=True)
        for name in ("one", "mapped")
    }
    world.start([BIN / "orchestra", "agent", "start", "--name", "ours", "--api-server", world.url])
    return ids


def peer_flows(world: World, python: Path, count: int) -> dict[str, str]:
    """Let the peer register its flows, and start its agent."""
    server = {"PREFECT__BACKEND": "server", "PREFECT__CLOUD__API": world.url.removesuffix("/graphql")}
    quiet = {"PYTHONWARNINGS": "ignore", "PREFECT__LOGGING__LEVEL": "ERROR"}
    # The peer's runs start the interpreter that they find on the path.
    path = {"PATH": os.pathsep.join([str(python.parent.absolute()), os.environ["PATH"]])}
    done = subprocess.run(
        [python, HERE / "prefect_flows.py", str(count)],
        env=world.environment | server | quiet | path,
        capture_output=True,
        text=True,
        check=True,
    )
    world.start(
        [python.absolute().with_name("prefect"), "agent", "local", "start"], **server, **quiet, **path
    )
    ids: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return ids


def measure(world: World, options: Options, count: int) -> None:
    """Take turns and print the table."""
    ours = our_flows(world)
    peer = peer_flows(world, options.peer, count) if options.peer else {}
    rows = []
    for name, label, rounds in (("one", "one task", 12), ("mapped", f"{count} mapped tasks", 6)):
        parameters = {"count": count} if name == "mapped" else {}
        sides: dict[str, Callable[[], float]] = {"ours": partial(world.seconds, ours[name], **parameters)}
        if peer:
            sides["Prefect 1.4.1"] = partial(world.seconds, peer[name])
        figures = take_turns(sides, options.choose(rounds, 1))
        times = [f"{statistics.median(f):.2f} / {max(f):.2f}" for f in figures.values()]
        rows.append(
            [label, *times, *([f"{ratio(figures['Prefect 1.4.1'], figures['ours']):.1f}"] if peer else [])]
        )
    print_table(
        ["create to Success, s (p50 / slowest)", "ours", *(["Prefect 1.4.1", "times ours"] if peer else [])],
        rows,
    )


def main() -> None:
    """Print the table."""
    options = read_options(str(__doc__).splitlines()[0])
    print("One run at a time through an agent that polls less and less often while it has nothing to do.")
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        world = World(Path(folder))
        with world.stack:
            measure(world, options, options.choose(100, 5))


if __name__ == "__main__":
    main()
