"""The examples work as they are, and their checks can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo.py"

# Runs the example with one thing in the client going wrong beneath it.
SABOTAGE = """
import runpy, sys
from orchestra_client import Client
{sabotage}
runpy.run_path(sys.argv[1], run_name="__main__")
"""


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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(str(DEMO), temporary=folder)


def test_the_demo_reads_back_what_it_wrote(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "What was read is what was written" in demo.stdout


def test_the_demo_shows_a_task_that_waits_for_a_slot(demo: subprocess.CompletedProcess[str]) -> None:
    assert "refresh_totals is QUEUED behind load_orders" in demo.stdout
    assert "refresh_totals is let in" in demo.stdout


def test_the_demo_leaves_nothing_behind(demo: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert demo.stderr == ""
    assert list(folder.iterdir()) == []


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
def test_the_demo_notices_what_is_not_as_written(tmp_path: Path, sabotage: str) -> None:
    done = run("-c", SABOTAGE.format(sabotage=sabotage), str(DEMO), temporary=tmp_path)

    assert "This is not what was written!" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
