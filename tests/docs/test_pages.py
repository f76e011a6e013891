"""Every page runs: its Python, its commands and its files, in the order in which a reader meets them.

A comment on the line before a block says what is special about it:

- ``<!-- file: NAME -->``: the block is a file of that name.
- ``<!-- own terminal -->``: the block's command goes on in a terminal of its own while the page continues.
- ``<!-- server -->``: a server with a login runs from here on.
- ``<!-- not run: WHY -->``: the block is not run.

What a command prints is compared with what the page says, where it says something.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shlex
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .pages import PAGES, ROOT, Block, blocks, named
from .shell import Shell, Step, matches, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "127.0.0.1:4200"
"""Where the pages' server listens; while they are tested, it is wherever a free port was."""

# Installing and fetching is for the reader's machine; the tests have done it.
NOT_HERE = {"createdb", "docker", "git", "make", "openssl", "pip", "ssh", "sudo"}


PKILL = """#!/bin/bash
# pkill SIGNAL -f PATTERN, which leaves alone what does not belong to the page.
for process in $(pgrep -f "$3"); do
    [[ $process != $$ ]] && grep -qsz "^ORCHESTRA_HOME=$ORCHESTRA_HOME$" /proc/$process/environ && kill "$1" $process
done
true
"""


def is_for_the_reader(step: Step) -> bool:
    words = shlex.split(step.command, comments=True)
    return bool(words) and words[0] in NOT_HERE


class Reader:
    """Follows one page.

    Args:
        directory: where it works.
        environ: the environment that commands get.
        stack: closes what the page has started.
    """

    def __init__(self, directory: Path, environ: dict[str, str], stack: ExitStack) -> None:
        self._directory = directory
        self._environ = environ
        self._stack = stack
        self._address: str | None = None
        self._shell: Shell | None = None
        self._namespace: dict[str, Any] = {"__name__": "page"}

    def follow(self, block: Block, page: Path) -> None:
        text = self._here(block.text)
        if block.mark.startswith("file: "):
            path = self._directory / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif block.language == "python":
            if block.mark == "server" and self._address is None:
                self._serve()
                text = self._here(block.text)
            self._execute(text, block, page)
        elif block.mark == "own terminal":
            *before, last = [step for step in steps(text) if not is_for_the_reader(step)]
            assert last.expected, f"line {block.line}: the page does not say when the command is ready"
            shell = self._open_shell()
            for step in before:
                self._type(step, block, shell)
            shell.begin(last.command, last.expected)
        else:
            self._shell = self._shell or self._open_shell()
            for step in steps(text):
                if not is_for_the_reader(step):
                    self._type(step, block, self._shell)

    def _here(self, text: str) -> str:
        return text.replace(ADDRESS, self._address) if self._address else text

    def _execute(self, text: str, block: Block, page: Path) -> None:
        # Its lines have the page's numbers, so that a traceback leads there.
        code = compile("\n" * (block.line - 1) + text, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(code, self._namespace)
        if made is not None:
            asyncio.run(made)

    @staticmethod
    def _type(step: Step, block: Block, shell: Shell) -> None:
        status, printed = shell.run(step.command)
        place = f"line {block.line}: $ {step.command}"
        if step.expected is None:
            assert status == 0, f"{place}\n{printed}"
        else:
            assert matches(step.expected, printed), (
                f"{place}\nexpected:\n{step.expected}\nprinted:\n{printed}"
            )

    def _open_shell(self) -> Shell:
        shell = Shell(self._environ, self._directory)
        self._stack.callback(shell.close)
        return shell

    def use_port(self, port: int) -> None:
        """Let the page's server listen there."""
        self._address = f"127.0.0.1:{port}"

    def _serve(self) -> None:
        command = [sys.executable, "-c", "from orchestra_client.cli import main; main()", "server", "start"]
        process = subprocess.Popen(
            [*command, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self._environ,
            cwd=self._directory,
        )
        assert process.stdout is not None
        self._stack.callback(process.stdout.close)
        self._stack.callback(process.wait, 30)
        self._stack.callback(process.terminate)
        self._address = process.stdout.readline().split("//")[1].split("/")[0]


def starts_processes(found: list[Block]) -> bool:
    return any(block.language == "console" or block.mark == "server" for block in found)


def readable() -> list[Any]:
    pages = [(page, blocks(page, "python", "console", "json", "yaml")) for page in PAGES]
    return [
        pytest.param(page, id=named(page), marks=[pytest.mark.slow] if starts_processes(found) else [])
        for page, found in pages
        if any(block.language in {"python", "console"} for block in found)
    ]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("page", readable())
def test_the_page_runs(page: Path, stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    scripts = Path(sys.executable).parent
    replaced = tmp_path / ".bin"
    replaced.mkdir()
    (replaced / "pkill").write_text(PKILL)
    (replaced / "pkill").chmod(0o755)
    environ = {**os.environ, "PATH": os.pathsep.join([str(replaced), str(scripts), os.environ["PATH"]])}
    found = blocks(page, "python", "console", "json", "yaml", "toml", "")
    starts_server = any(
        block.mark == "own terminal" and re.search(r"^\$ orchestra server start", block.text, re.MULTILINE)
        for block in found
    )
    if starts_server:
        environ["ORCHESTRA_PORT"] = str(free_port())
    reader = Reader(tmp_path, environ, stack)
    if starts_server:
        reader.use_port(int(environ["ORCHESTRA_PORT"]))
    for block in found:
        if block.is_run and (block.language in {"python", "console"} or block.mark):
            reader.follow(block, page)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.slow
def test_the_fixtures_work(tmp_path: Path) -> None:
    """What the page on testing shows for `conftest.py` and for a test is one that passes."""
    shown = [block.text for block in blocks(ROOT / "docs" / "testing.md", "python")]
    [conftest] = [text for text in shown if text.startswith("pytest_plugins")]
    [a_test] = [text for text in shown if "(orchestra_client, orchestra_server)" in text]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_page.py").write_text(a_test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_most_blocks_run() -> None:
    """A page may say of a block that it cannot run, but not of many."""
    found = [block for page in PAGES for block in blocks(page, "python", "console")]
    skipped = [block for block in found if not block.is_run]
    assert len(found) > 50
    assert len(skipped) <= len(found) // 10


def test_a_page_that_does_not_tell_the_truth_is_noticed(tmp_path: Path, stack: ExitStack) -> None:
    shell = Shell({"PATH": os.environ["PATH"]}, tmp_path)
    stack.callback(shell.close)
    status, printed = shell.run("echo one; echo two; false")

    assert (status, printed) == (1, "one\ntwo\n")
    assert matches("one\n…\n", printed)
    assert not matches("one\nthree\n", printed)


def test_a_block_is_taken_apart_into_commands_and_what_they_print() -> None:
    text = "$ one \\\n  more\nprinted\n$ two\n$ three <<END\n> text\n> END\n"

    assert list(steps(text)) == [
        Step("one \\\n  more", "printed\n"),
        Step("two", None),
        Step("three <<END\ntext\nEND", None),
    ]
