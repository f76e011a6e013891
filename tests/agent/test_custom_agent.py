"""The example of an agent of one's own."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.world import TOKEN, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.world import Running, ServerProcess, World

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_agent.py"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLE), run_name="example")


def test_it_works_as_it_is(server: ServerProcess) -> None:
    environ = {**os.environ, "ORCHESTRA_API_SERVER": server.url, "ORCHESTRA_API_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Success: The function returned 'Hello, agent!'." in done.stdout
    assert "without labels" not in done.stdout


def test_a_function_is_asked_to_end_when_its_run_is_cancelled(
    world: World, start: Callable[..., Running], example: dict[str, Any]
) -> None:
    started = threading.Event()

    def wait(parameters: Any, is_asked: threading.Event) -> None:
        started.set()
        assert is_asked.wait(20)

    start(example["FunctionAgent"], functions={"flow": wait})
    run_id = world.run("nothing")
    assert started.wait(20)
    world.client.cancel_flow_run(run_id)
    state = world.ends(run_id)
    assert (state.type_name, state.message) == (
        "Cancelled",
        "The function returned early, as it was asked to.",
    )


def test_what_deploy_raises_is_the_end_of_the_run(
    world: World, start: Callable[..., Running], example: dict[str, Any]
) -> None:
    agent = start(example["FunctionAgent"], functions={})
    state = world.ends(world.run("nothing"))
    assert state.is_failed()
    assert "there is no function for the flow 'flow'" in state.message
    until(lambda: not agent.agent.status()[1]["runs"])
