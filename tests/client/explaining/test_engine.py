"""What the engine's own flow runs wait for."""

from __future__ import annotations

import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestra_client import Flow, task
from orchestra_client.cli.root import orchestra
from orchestra_client.engine.executors import ThreadExecutor
from orchestra_client.engine.remote import ServerRun
from orchestra_client.procedures import explaining
from orchestra_client.testing import MemoryServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestra_client import Client


class Gate:
    """What the tasks of a flow wait for."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def flow(self) -> Flow:
        @task
        def numbers() -> list[int]:
            return [1, 2, 3]

        @task(tags=["db"])
        def load(number: int) -> int:
            self.opened.wait(30)
            return number

        with Flow("etl") as flow:
            load.map(numbers())
        return flow


@pytest.fixture
def held_up(tmp_path: Path) -> Iterator[tuple[Client, str, str]]:
    """A client, and two runs of which the first holds the only slot that both want; in the end they are cancelled."""
    gate = Gate()
    flow = gate.flow()
    with ExitStack() as stack:
        server = stack.enter_context(MemoryServer())
        client = stack.enter_context(server.client())
        client.create_project("sales")
        flow_id = client.register(flow, "sales", no_url=True, build=False)
        client.update_task_tag_limit("db", 1)
        first, second = (client.create_flow_run(flow_id, run_name=name) for name in ("bear", "owl"))
        for run_id in (first, second):
            run = ServerRun(flow, run_id, server.client, executor=ThreadExecutor(4), outbox=tmp_path / run_id)
            thread = threading.Thread(target=run.run)
            thread.start()
            stack.callback(thread.join, 60)
            stack.callback(run.cancel, "The test is over.")
            until(lambda run_id=run_id: len(client.task_runs(run_id, name="load")) == 4)  # type: ignore[misc]  # one each
        stack.callback(gate.opened.set)
        yield client, first, second


def until(holds: object) -> None:
    for _ in range(500):
        if holds():  # type: ignore[operator]  # a function
            return
        time.sleep(0.02)
    raise AssertionError("it took too long")


@pytest.mark.slow
def test_runs_that_wait_for_a_slot(held_up: tuple[Client, str, str]) -> None:
    client, first, second = held_up
    until(lambda: client.task_runs(first, state="Running"))

    holder, waiter = client.explain_flow_run(first), client.explain_flow_run(second)

    assert [reason.code for reason in holder.reasons] == ["in_turn", "running"]
    assert [reason.code for reason in waiter.reasons] == ["queued_by_tag_limit"]
    assert "3 task runs (load[0], load[1], load[2]) cannot begin" in waiter.summary
    assert f"of flow run 'bear' ({first})" in waiter.summary


def test_the_commands_that_are_advised_exist() -> None:
    source = "\n".join(path.read_text() for path in Path(explaining.__path__[0]).glob("*.py"))
    advised = set(re.findall(r"orchestra ([a-z-]+) ([a-z]+)", source))

    assert advised == {("agent", "start"), ("flow-run", "logs"), ("flow-run", "start"), ("limit", "set")}
    for group, command in advised:
        found = orchestra.get_command(None, group)  # type: ignore[arg-type]  # it needs none
        assert command in found.commands  # type: ignore[union-attr]  # it is a group
