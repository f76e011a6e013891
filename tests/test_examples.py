"""The examples work as they are, and their checks can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
BY_HAND = EXAMPLES / "by_hand.py"
DEMO = EXAMPLES / "demo.py"
ORDERS = EXAMPLES / "flows" / "orders.py"

# Runs the example with one thing in the client going wrong beneath it.
SABOTAGE = """
import runpy, sys
from orchestra_client import Client
{sabotage}
runpy.run_path(sys.argv[1], run_name="__main__")
"""


# The answers lose their logs on the way to the demo.
LOSE_LOGS = """
graphql = Client.graphql
def without_logs(self, *arguments, **options):
    answer = graphql(self, *arguments, **options)
    if "flow_run_by_pk" in answer.data:
        answer.data.flow_run_by_pk["logs"] = []
    return answer
Client.graphql = without_logs
"""

VERDICT = "What was read is what was written"
WAITS = ["refresh_totals is QUEUED behind load_orders", "refresh_totals is let in"]


class Done(NamedTuple):
    """An example that has run in a folder of its own."""

    folder: Path
    process: subprocess.CompletedProcess[str]


def run(*command: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run Python on a machine where something else is configured, with its own place for temporary files."""
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "CI": "true",
        "ORCHESTRA_API_SERVER": "http://127.0.0.1:1",
        "ORCHESTRA_API_TOKEN": "orc_of-another-server",
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=temporary,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Driving by hand. The demo is seen to end well as a command, in `tests/cli/test_demo.py`."""
    folder = tmp_path_factory.mktemp(BY_HAND.stem)
    return Done(folder, run(str(BY_HAND), temporary=folder))


def test_an_example_reads_back_what_it_wrote(example: Done) -> None:
    assert example.process.returncode == 0, example.process.stdout + example.process.stderr
    assert VERDICT in example.process.stdout


def test_an_example_shows_a_task_that_waits_for_a_slot(example: Done) -> None:
    for line in WAITS:
        assert line in example.process.stdout


def test_an_example_leaves_nothing_behind(example: Done) -> None:
    assert example.process.stderr == ""
    assert list(example.folder.iterdir()) == []


@pytest.mark.parametrize(
    "sabotage",
    [
        pytest.param("Client.write_run_logs = lambda self, logs: None", id="logs are lost"),
        pytest.param(
            "write = Client.write_run_logs\n"
            "Client.write_run_logs = lambda self, logs: [write(self, logs), write(self, logs)]",
            id="logs are kept twice",
        ),
        pytest.param(
            "Client.get_runs_in_queue = lambda self, labels: []", id="the run is missing from the queue"
        ),
    ],
)
def test_driving_by_hand_notices_what_is_not_as_written(tmp_path: Path, sabotage: str) -> None:
    done = run("-c", SABOTAGE.format(sabotage=sabotage), str(BY_HAND), temporary=tmp_path)

    assert "This is not what was written!" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1


def test_the_demo_notices_what_is_not_as_it_should_be(tmp_path: Path) -> None:
    done = run("-c", SABOTAGE.format(sabotage=LOSE_LOGS), str(DEMO), temporary=tmp_path)

    assert "Not so: the logs tell the sum." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1


def test_the_flow_of_the_demo_runs_without_a_server(tmp_path: Path) -> None:
    done = run(str(ORDERS), temporary=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "40"
