"""Real releases of Prefect drive runs on our server, and take its refusals for what they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.interop, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
# Read once, while the environment is still that of whoever runs the tests.
PEERS = Path(os.environ.get("ORCHESTRA_PEERS", ROOT / ".peers"))
# How each release tells that a state came too late; it ends a run without failing it.
TOO_LATE = {"0.12.0": "ClientError", "1.4.1": "VersionLockMismatchSignal"}


class Ours:
    """Our server on a port, asked directly."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, query: str, **variables: Any) -> Any:
        answer = httpx.post(self.url, json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def flow(self) -> str:
        """A flow with two tasks, of which one may run at a time."""
        project = self('mutation { create_project(input: {name: "peers"}) { id } }')["create_project"]["id"]
        self('mutation { update_task_tag_limit(input: {tag: "scarce", limit: 1}) { id } }')
        tasks = [{"name": slug, "slug": slug, "type": "T", "tags": ["scarce"]} for slug in ("a-1", "b-1")]
        flow = {"name": "f", "tasks": tasks, "edges": []}
        query = "mutation($input: create_flow_input!) { create_flow(input: $input) { id } }"
        created = self(query, input={"serialized_flow": flow, "project_id": project})
        flow_id: str = created["create_flow"]["id"]
        return flow_id

    def states(self, run_id: str) -> list[str]:
        query = "query($id: UUID!) { flow_run_by_pk(id: $id) { states { state } } }"
        return [row["state"] for row in self(query, id=run_id)["flow_run_by_pk"]["states"]]

    def logs(self, run_id: str) -> list[tuple[str, str]]:
        query = "query($id: UUID!) { log(where: {flow_run_id: {_eq: $id}}) { message level } }"
        return [(row["message"], row["level"]) for row in self(query, id=run_id)["log"]]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    orchestra = [sys.executable, "-c", "from orchestra_client.cli import main; main()"]
    options = ["--auth", "none", "--port", "0", "--database", f"sqlite:///{tmp_path / 'runs.db'}"]
    command = [*orchestra, "server", "start", *options, "--log-level", "error"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Ours(server.stdout.readline().split()[-1])
        server.terminate()


@pytest.fixture(params=sorted(TOO_LATE))
def peer(request: pytest.FixtureRequest) -> str:
    release = str(request.param)
    if not (PEERS / f"prefect-{release}").is_dir():
        pytest.skip(f"no Prefect {release} in {PEERS}: run `make test-interop`, or set ORCHESTRA_PEERS")
    return release


def driven(peer: str, ours: Ours, home: Path) -> dict[str, Any]:
    """What the release found as it drove runs of a flow."""
    script = Path(__file__).with_name("runs_peer.py")
    command = [
        str(PEERS / f"prefect-{peer}" / "bin" / "python"),
        "-W",
        "ignore",
        str(script),
        ours.url,
        ours.flow(),
    ]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, done.stderr
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("FOUND "))
    return found


def test_a_release_of_prefect_drives_runs_on_our_server(peer: str, ours: Ours, tmp_path: Path) -> None:
    found = driven(peer, ours, tmp_path)

    states = found["states"]
    assert states.pop("first") == [1, "Scheduled", 0, "Pending"]
    assert {step: result[0] for step, result in states.items()} == {
        "submitted": "Submitted",
        "stale": TOO_LATE[peer],
        "again": "ClientError",
        "too early": "ClientError",
        "running": "Running",
        "task running": "Running",
        "task queued": "Queued",
        "task success": "Success",
        "task let in": "Running",
        "success": "Success",
    }
    refusals = [states[step][1] for step in ("stale", "again", "too early")]
    assert all("State update failed" in message for message in refusals)
    # The agent that came second left the run to the first; the one that could not deploy its run failed it.
    assert ours.states(found["raced"]) == ["Scheduled", "Submitted"]
    assert ours.states(found["failed"]) == ["Scheduled", "Submitted", "Failed"]
    # One level that the API does not know would block all the logs of these releases for good.
    assert ours.logs(found["logged"]) == [("WARNING", "WARNING"), ("NOTICE", "INFO")]
