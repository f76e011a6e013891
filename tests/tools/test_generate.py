"""Generated code is made from its source, and stale code is noticed."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from tools import generate
from tools.sync_source import convert, twin

pytestmark = pytest.mark.slow  # ruff runs as a process

ASYNC_MODULE = '''\
"""An asynchronous thing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from orchestra_client._async.transport import AsyncHTTPTransport


class AsyncClient:
    """An AsyncClient, safe to share between the tasks of one event loop.

    Example::

        async with AsyncClient() as client:
            await client.call("hello")
    """

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(transport=AsyncHTTPTransport())
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def call(self, name: str) -> Any:
        """People await the answer."""
        async with self._lock:
            answer = await self._http.post("/", json={"name": name})
        async for line in answer.aiter_lines():
            return line

    async def aclose(self) -> None:
        await asyncio.sleep(0)  # noqa: ASYNC115
        await self._http.aclose()
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one asynchronous module, whose generated code is fresh."""
    shutil.copy(generate.ROOT / "schema.graphql", tmp_path)
    source = tmp_path / "orchestra_client" / "_async"
    source.mkdir(parents=True)
    (source / "client.py").write_text(ASYNC_MODULE)
    assert generate.main([], root=tmp_path) == 0
    return tmp_path


@pytest.fixture(scope="module")
def converted() -> str:
    return convert({Path("client.py"): ASYNC_MODULE})[Path("client.py")]


def test_the_twin_says_where_it_comes_from(converted: str) -> None:
    assert converted.startswith("# Generated from orchestra_client/_async/client.py ")
    assert "do not edit" in converted.splitlines()[0]


def test_the_twin_is_synchronous_code(converted: str) -> None:
    asynchronous = (ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor, ast.Await)

    assert not [node for node in ast.walk(ast.parse(converted)) if isinstance(node, asynchronous)]


@pytest.mark.parametrize(
    "line",
    [
        "import threading",
        "import time",
        "from orchestra_client._sync.transport import HTTPTransport",
        "class Client:",
        "self._http = httpx.Client(transport=HTTPTransport())",
        "self._lock = threading.Lock()",
        "def __enter__(self) -> Client:",
        "with self._lock:",
        "for line in answer.iter_lines():",
        "def close(self) -> None:",
        "time.sleep(0)",
    ],
)
def test_names_become_those_of_the_synchronous_world(converted: str, line: str) -> None:
    assert line in [each.strip() for each in converted.splitlines()]


def test_docstrings_speak_of_the_synchronous_world(converted: str) -> None:
    module = ast.parse(converted)
    (client,) = [node for node in module.body if isinstance(node, ast.ClassDef)]

    assert ast.get_docstring(module) == "A synchronous thing."
    assert ast.get_docstring(client) == dedent(
        """\
        A Client, safe to share between threads.

        Example::

            with Client() as client:
                client.call("hello")"""
    )
    assert "People await the answer." in converted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AsyncTransport", "Transport"),
        ("_AsyncState", "_State"),
        ("Asynchrony", "Asynchrony"),
        ("async_auth_flow", "sync_auth_flow"),
        ("drive_async", "drive_sync"),
        ("_async", "_sync"),
        ("async", "async"),
        ("asyncio", "asyncio"),
        ("asyncio.Lock", "threading.Lock"),
        ("tasync", "tasync"),
        ("handle_async_request", "handle_request"),
    ],
)
def test_each_name_has_its_twin(name: str, expected: str) -> None:
    assert twin(name) == expected


def test_fresh_code_passes_the_check(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"], root=repository) == 0
    assert "fresh" in capsys.readouterr().out


def test_stale_code_fails_the_check_by_name_and_stays(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin_path, schema = repository / "orchestra_client/_sync/client.py", repository / "schema.graphql"
    for path in (twin_path, schema):
        path.write_text(path.read_text() + "# edited by hand\n")
    before = twin_path.read_text()

    assert generate.main(["--check"], root=repository) == 1
    assert "stale: orchestra_client/_sync/client.py" in (output := capsys.readouterr().out)
    assert "stale: schema.graphql" in output
    assert twin_path.read_text() == before


def test_generating_repairs_what_is_stale(repository: Path) -> None:
    (repository / "orchestra_client/_sync/client.py").unlink()

    generate.main([], root=repository)

    assert generate.main(["--check"], root=repository) == 0


def test_a_twin_without_a_source_is_removed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "orchestra_client/_async/client.py").unlink()

    assert generate.main(["--check"], root=repository) == 1
    assert "orphaned: orchestra_client/_sync/client.py" in capsys.readouterr().out
    generate.main([], root=repository)
    assert not (repository / "orchestra_client/_sync/client.py").exists()


def test_the_generated_code_of_this_repository_is_fresh() -> None:
    assert not generate.stale_files(generate.ROOT)
