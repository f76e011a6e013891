"""A flow run as a process of its own: its exit codes, what ends it, and what the next one continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Client
from orchestra_client.engine.run import CANCELLED, main
from orchestra_client.flows import Script
from orchestra_client.states import Cancelled, Failed, Running, Scheduled, Submitted, Success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SCRIPT = """
import time
from pathlib import Path
from orchestra_client import context
from orchestra_client.flows import Flow, Parameter, task

@task
def note(folder, text):
    context.logger.info("noting %s", text)
    with open(Path(folder) / "notes", "a") as file:
        file.write(text + "\\n")
    return text

@task
def wait(folder, seconds, after):
    (Path(folder) / "waiting").touch()
    time.sleep(seconds)
    return seconds

with Flow("process") as flow:
    folder = Parameter("folder")
    first = note(folder, "first")
    waited = wait(folder, Parameter("seconds", default=0), first)
    note(folder, "second", upstream_tasks=[waited])
"""


class Bench:
    def __init__(self, tmp_path: Path, url: str) -> None:
        self.folder = tmp_path
        self.url = url
        self.client = Client(url)

    def create(self, source: str = SCRIPT, **parameters: Any) -> str:
        file = self.folder / "flow.py"
        file.write_text(source)
        flow = Script(file).load()
        flow.storage = Script(file)
        flow_id = self.client.register(flow, "tests", no_url=True)
        return self.client.create_flow_run(
            flow_id=flow_id, parameters={"folder": str(self.folder), **parameters}
        )

    def environment(self, flow_run_id: str) -> dict[str, str]:
        return {**os.environ, "ORCHESTRA_API_SERVER": self.url, "ORCHESTRA_FLOW_RUN_ID": flow_run_id}

    def start(self, flow_run_id: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestra_client.engine.run"],
            env=self.environment(flow_run_id),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, flow_run_id: str) -> tuple[int, str]:
        process = self.start(flow_run_id)
        told, _ = process.communicate(timeout=60)
        return process.returncode, told

    def take_up(self, flow_run_id: str) -> None:
        """Do what an agent does with a run whose process has ended."""
        for state in (Scheduled(), Submitted(state=Scheduled())):
            self.client.set_flow_run_state(flow_run_id, None, state)

    def start_and_wait(self, flow_run_id: str) -> subprocess.Popen[str]:
        """Start a process, and wait until its second task runs."""
        process = self.start(flow_run_id)
        deadline = time.monotonic() + 30
        while not (self.folder / "waiting").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return process

    def notes(self) -> list[str]:
        return (self.folder / "notes").read_text().split()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, f"sqlite:///{tmp_path / 'runs.db'}")
    bench.client.create_project("tests")
    yield bench
    bench.client.close()


def test_a_run_is_loaded_run_reported_and_logged(bench: Bench) -> None:
    flow_run_id = bench.create()
    code, errors = bench.run(flow_run_id)
    assert code == 0, errors
    assert isinstance(bench.client.get_flow_run_state(flow_run_id), Success)
    assert bench.notes() == ["first", "second"]
    logs = bench.client.get_flow_run_logs(flow_run_id)
    [noted] = [log for log in logs if log.message == "noting first"]
    tasks = {run.task_slug: run.id for run in bench.client.get_flow_run_info(flow_run_id).task_runs}
    assert noted.task_run_id == tasks["note-1"]


def test_what_a_flow_within_a_task_logs_is_the_tasks(bench: Bench) -> None:
    inner = "with Flow('inner') as inner:\n        note(folder, 'third')\n    inner.run()"
    flow_run_id = bench.create(SCRIPT.replace("time.sleep(seconds)", inner))
    code, errors = bench.run(flow_run_id)
    assert code == 0, errors
    [noted] = [log for log in bench.client.get_flow_run_logs(flow_run_id) if log.message == "noting third"]
    tasks = {run.task_slug: run.id for run in bench.client.get_flow_run_info(flow_run_id).task_runs}
    assert noted.task_run_id == tasks["wait-1"]


def test_no_secret_of_a_run_gets_out(bench: Bench) -> None:
    bench.client.set_secret("password", "s3cret-value")
    telling = "password = context.secrets['password']; print(password); context.logger.info(password)"
    source = SCRIPT.replace("    time.sleep(seconds)", f"    {telling}\n    raise ValueError(password)")
    flow_run_id = bench.create(source.replace("@task\ndef wait", "@task(log_stdout=True)\ndef wait"))
    code, errors = bench.run(flow_run_id)
    assert code == 0, errors
    assert "ValueError: …" in errors
    assert "s3cret-value" not in errors
    runs = bench.client.get_flow_run_info(flow_run_id).task_runs
    [failed] = [run.state for run in runs if run.task_slug == "wait-1"]
    assert failed.message == "ValueError: …"
    assert not any("s3cret" in log.message for log in bench.client.get_flow_run_logs(flow_run_id))


def test_what_libraries_tell_of_themselves_is_not_logged(bench: Bench) -> None:
    # `distributed` sets its own levels when it is imported.
    noise = "import logging; noisy = logging.getLogger('distributed.core'); noisy.setLevel('INFO')"
    source = SCRIPT.replace("time.sleep(seconds)", f"{noise}; noisy.info('hum'); noisy.warning('bang')")
    flow_run_id = bench.create(source)
    _, errors = bench.run(flow_run_id)
    told = [log.message for log in bench.client.get_flow_run_logs(flow_run_id)]
    assert "bang" in told
    assert "hum" not in told
    assert "hum" not in errors
    assert "Using the server" not in errors


def test_a_killed_run_is_continued_where_it_was(bench: Bench) -> None:
    flow_run_id = bench.create(seconds=30)
    process = bench.start_and_wait(flow_run_id)
    process.kill()
    process.communicate()
    assert isinstance(bench.client.get_flow_run_state(flow_run_id), Running)
    source = SCRIPT.replace("time.sleep(seconds)", "pass")
    (bench.folder / "flow.py").write_text(source)
    # The registered source still sleeps, so what is asked for is that the first task is not run again.
    (bench.folder / "waiting").unlink()
    code, told = bench.run(flow_run_id)
    assert code == 3, told
    assert "sign of life" in told
    bench.take_up(flow_run_id)
    again = bench.start_and_wait(flow_run_id)
    assert bench.notes() == ["first"]
    bench.client.cancel_flow_run(flow_run_id)
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=30)


def test_a_cancelled_run_ends_within_ten_seconds(bench: Bench) -> None:
    flow_run_id = bench.create(seconds=60)
    process = bench.start_and_wait(flow_run_id)
    bench.client.cancel_flow_run(flow_run_id)
    started = time.monotonic()
    errors, _ = process.communicate(timeout=30)
    assert time.monotonic() - started < 12, errors
    assert process.returncode == CANCELLED
    assert isinstance(bench.client.get_flow_run_state(flow_run_id), Cancelled)
    assert bench.notes() == ["first"]


def test_sigterm_ends_a_run_at_once_and_reports_it_if_it_is_cancelled(bench: Bench) -> None:
    flow_run_id = bench.create(seconds=60)
    process = bench.start_and_wait(flow_run_id)
    bench.client.cancel_flow_run(flow_run_id)
    process.terminate()
    process.communicate(timeout=15)
    assert process.returncode == CANCELLED
    assert isinstance(bench.client.get_flow_run_state(flow_run_id), Cancelled)


def test_sigterm_without_a_cancellation_leaves_the_run_to_whoever_watches(bench: Bench) -> None:
    flow_run_id = bench.create(seconds=60)
    process = bench.start_and_wait(flow_run_id)
    process.terminate()
    errors, _ = process.communicate(timeout=15)
    assert process.returncode == 143
    assert "told to end by SIGTERM" in errors
    assert isinstance(bench.client.get_flow_run_state(flow_run_id), Running)


def test_a_flow_that_cannot_be_loaded_is_reported_as_failed(bench: Bench) -> None:
    flow_run_id = bench.create(
        "import os\n" + SCRIPT + "\nif 'ORCHESTRA_FLOW_RUN_ID' in os.environ: raise KeyError('x')\n"
    )
    code, errors = bench.run(flow_run_id)
    state = bench.client.get_flow_run_state(flow_run_id)
    assert code == 0, errors
    assert isinstance(state, Failed)
    assert "the script failed: KeyError: 'x'" in str(state.message)


def test_a_run_that_does_not_exist_cannot_be_run(bench: Bench) -> None:
    code, errors = bench.run("6f2e8b9c-0d1a-4c55-9d3e-2f1b7a8c9d0e")
    assert code == 1
    assert "does not exist" in errors


def test_without_a_flow_run_there_is_nothing_to_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({}) == 2
    assert "ORCHESTRA_FLOW_RUN_ID" in capsys.readouterr().err
