"""Several server processes on one database: it decides who wins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.conftest import IF_POSTGRES

from .conftest import Server, state

if TYPE_CHECKING:
    from collections.abc import Callable

    Race = Callable[[str, list[list[dict[str, Any]]]], list[list[Any]]]

pytestmark = pytest.mark.slow

RACERS = 4
ROUNDS = 25


@pytest.fixture(scope="module", params=["file", *IF_POSTGRES])
def backend(request: pytest.FixtureRequest) -> str:
    """The kinds of database that processes can share."""
    return str(request.param)


@pytest.fixture
def race(url: str, tmp_path: Path) -> Race:
    """Lets processes send requests at the same time; each one's inputs are given, and its answers returned."""

    def run(mutation: str, inputs: list[list[dict[str, Any]]]) -> list[list[Any]]:
        command = [sys.executable, str(Path(__file__).with_name("racer.py")), url, str(tmp_path)]
        racers = [_start(command) for _ in inputs]
        for racer, own in zip(racers, inputs, strict=True):
            _send(racer, json.dumps([_request(mutation, input) for input in own]))
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            _send(racer, "go")
        outputs = [racer.communicate(timeout=60)[0] for racer in racers]
        return [json.loads(output) for output in outputs]

    return run


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _send(racer: subprocess.Popen[str], line: str) -> None:
    assert racer.stdin is not None
    racer.stdin.write(f"{line}\n")
    racer.stdin.flush()


FIELDS = {
    "set_flow_run_states": "states { status code version }",
    "set_task_run_states": "states { status code version }",
    "create_flow_run": "id",
    "get_or_create_task_run": "id",
}


def _request(mutation: str, input: dict[str, Any]) -> dict[str, Any]:
    query = f"mutation($input: {mutation}_input!) {{ answer: {mutation}(input: $input) {{ {FIELDS[mutation]} }} }}"
    return {"query": query, "variables": {"input": input}}


def rounds(answers: list[list[Any]]) -> list[list[str]]:
    """What became of each round: a status, a code or an id for every racer, sorted."""
    return [sorted(_result(body) for body in bodies) for bodies in zip(*answers, strict=True)]


def _result(body: dict[str, Any]) -> str:
    if body.get("errors"):
        code: str = body["errors"][0]["extensions"]["code"]
        return code
    answer = body["data"]["answer"]
    result: str = answer["states"][0]["status"] if "states" in answer else answer["id"]
    return result


def test_one_process_wins_a_version(server: Server, race: Race) -> None:
    flow_id = server.flow()
    runs = [server.run(flow_id) for _ in range(ROUNDS)]
    submitted = [
        {"states": [{"flow_run_id": run, "version": 1, "state": state("Submitted")}]} for run in runs
    ]

    results = rounds(race("set_flow_run_states", [submitted] * RACERS))

    assert results == [["SUCCESS", *["VERSION_LOCKING_ERROR"] * (RACERS - 1)]] * ROUNDS
    assert [server.flow_run(run, "version")["version"] for run in runs] == [2] * ROUNDS


def test_one_process_wins_a_slot(server: Server, race: Race) -> None:
    tags = [f"tag{round:02}" for round in range(ROUNDS)]
    for tag in tags:
        server.do("update_task_tag_limit", "id", tag=tag, limit=1)
    _, runs = server.running(*({"slug": f"{t}-{i}", "tags": [t]} for t in tags for i in range(RACERS)))
    inputs = [
        [
            {"states": [{"task_run_id": runs[r * RACERS + i], "state": state("Running")}]}
            for r in range(ROUNDS)
        ]
        for i in range(RACERS)
    ]

    results = rounds(race("set_task_run_states", inputs))

    assert results == [[*["QUEUED"] * (RACERS - 1), "SUCCESS"]] * ROUNDS
    assert len(server("{ task_tag_slots { tag } }")["task_tag_slots"]) == ROUNDS


def test_one_key_makes_one_run(server: Server, race: Race) -> None:
    flow_id = server.flow("a")
    inputs = [{"flow_id": flow_id, "idempotency_key": str(round)} for round in range(ROUNDS)]

    results = rounds(race("create_flow_run", [inputs] * RACERS))

    assert all(len(set(ids)) == 1 for ids in results)
    assert {ids[0] for ids in results} == {row["id"] for row in server("{ flow_run { id } }")["flow_run"]}
    assert len(server("{ task_run { id } }")["task_run"]) == ROUNDS


def test_a_mapped_child_is_made_by_one_process(server: Server, race: Race) -> None:
    run_id = server.run(server.flow("a"))
    task_id = server("{ task { id } }")["task"][0]["id"]
    inputs = [{"flow_run_id": run_id, "task_id": task_id, "map_index": index} for index in range(ROUNDS)]

    results = rounds(race("get_or_create_task_run", [inputs] * RACERS))

    assert all(len(set(ids)) == 1 for ids in results)
    assert len(server("{ task_run { id } }")["task_run"]) == ROUNDS + 1
