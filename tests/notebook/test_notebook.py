"""The example notebook does what it shows, and a kernel asks whoever sits before it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebook.ipynb"

# A process of its own: sockets and loops of kernels are no business of pytest's.
EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
print(nbformat.writes(notebook))
"""

# Types an answer to each question of a cell, as a person in front of the notebook does.
ANSWER = """
import json, sys
from jupyter_client.manager import start_new_kernel
manager, kernel = start_new_kernel(kernel_name="python3")
told = []
def listen(message):
    content = message["content"]
    told.append(content.get("text") or content.get("evalue") or content.get("data", {}).get("text/plain") or "")
def answer(message):
    content = message["content"]
    told.append(content["prompt"])
    kernel.input({"(not shown)": token, "Which tenant?": "sales"}[
        next(part for part in ("(not shown)", "Which tenant?") if part in content["prompt"])
    ])
try:
    token = ""
    kernel.execute_interactive(sys.argv[1], output_hook=listen, timeout=60)
    token = "".join(told).strip()
    told.clear()
    for cell in sys.argv[2:]:
        kernel.execute_interactive(cell, output_hook=listen, stdin_hook=answer, allow_stdin=True, timeout=60)
finally:
    kernel.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps({"token": token, "told": told}))
"""

SET_UP = """
from orchestra_client.testing import MemoryServer
server = MemoryServer(auth="token")
with server.client() as client:
    client.create_tenant("Sales")
print(server.api_token)
"""

IN_A_CELL = """
with server.client(api_token=None) as client:
    client.login_to_tenant()
    print("in", client.get_default_tenant_slug())
"""

IN_A_CELL_OF_TASKS = """
async with server.async_client(api_token=None) as client:
    await client.login_to_tenant()
    print("also in", await client.get_default_tenant_slug())
"""


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "MPLBACKEND": ""},
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[Any]]:
    """What the cells of the executed notebook show, by the cells' ids."""
    executed = json.loads(run(EXECUTE, str(NOTEBOOK), str(EXAMPLES)))
    return {cell["id"]: cell["outputs"] for cell in executed["cells"] if cell["cell_type"] == "code"}


def shown(outputs: list[Any], kind: str) -> str:
    return "".join("".join(each["data"][kind]) for each in outputs if kind in each.get("data", {}))


def printed(outputs: list[Any]) -> str:
    return "".join("".join(each["text"]) for each in outputs if each["output_type"] == "stream")


def test_the_notebook_is_kept_without_outputs() -> None:
    """What it shows depends on the machine and the minute."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_a_run_is_watched_in_its_cell(outputs: dict[str, list[Any]]) -> None:
    log = printed(outputs["watch"])
    assert "Running: " in log
    assert "40 orders in all" in log
    assert "13 of 13 task runs finished" in log
    assert "Success" in shown(outputs["watch"], "text/html")


def test_lists_are_tables_and_data_frames(outputs: dict[str, list[Any]]) -> None:
    table = shown(outputs["more"], "text/html")
    assert table.count("<tr>") == 3
    assert ">Success</span>" in table
    assert ">Failed</span>" in table
    assert "fetch_orders" in shown(outputs["pandas"], "text/html")


def test_the_timeline_is_a_picture(outputs: dict[str, list[Any]]) -> None:
    assert len(shown(outputs["picture"], "image/png")) > 10_000


def test_the_asynchronous_client_works_in_the_cell(outputs: dict[str, list[Any]]) -> None:
    assert ">Failed</span>" in shown(outputs["async"], "text/html")


def test_nothing_is_written_to_standard_error(outputs: dict[str, list[Any]]) -> None:
    errors = [each["text"] for cell in outputs.values() for each in cell if each.get("name") == "stderr"]
    assert errors == []


def test_a_kernel_asks_for_token_and_tenant() -> None:
    answered = json.loads(run(ANSWER, SET_UP, IN_A_CELL, IN_A_CELL_OF_TASKS))

    told = "".join(answered["told"])
    assert told.count("API token for memory:") == 2
    assert told.count("in sales") == 2, told
    assert answered["token"].startswith("orc_")
    assert answered["token"] not in told
