"""The command as people and programs meet it: as a process, against a real server, piped or at a terminal."""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestra_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

TOKEN = "orc_" + "t" * 43
COMMAND = [sys.executable, "-c", "from orchestra_client.cli import main; main()"]
# A session's leader that opens a terminal is controlled by it: Ctrl-C, typed there, reaches the command.
AT_TERMINAL = [
    sys.executable,
    "-c",
    "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); from orchestra_client.cli import main; main()",
]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


@pytest.fixture(autouse=True)
def own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command that runs in this process reword the client's warnings for itself alone."""
    monkeypatch.setattr(logging.getLogger("orchestra_client"), "filters", [])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of a machine on which nothing of ours is configured, save the home."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "ORCHESTRA_HOME": str(home / "orchestra"), "COLUMNS": "120", **more}


@dataclass
class Done:
    """A command that has ended. At a terminal, `out` has both streams, without escape sequences; `painted` with them."""

    status: int
    out: str
    err: str
    painted: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Orchestra:
    """Runs `orchestra` in a home of its own; logged in to the server by the environment unless a test changes it."""

    home: Path
    directory: Path
    environ: dict[str, str]
    running: ExitStack = field(default_factory=ExitStack)

    def __call__(
        self,
        *words: str,
        stdin: str | None = None,
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
    ) -> Done:
        """Run a command in a pipe; `status` is the exit status it must have (None: any)."""
        ended = subprocess.run(
            [*COMMAND, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**self.environ, **(environ or {})},
            cwd=self.directory,
            timeout=60,
            check=False,
        )
        done = Done(ended.returncode, ended.stdout, ended.stderr)
        assert status is None or done.status == status, done
        return done

    def start(self, *words: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command that goes on; it is ended after the test."""
        process = subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environ, **(environ or {})},
            cwd=self.directory,
        )
        self.running.callback(_end, process)
        return process

    def at_terminal(
        self,
        *words: str,
        answers: Mapping[str, str] | None = None,
        status: int | None = 0,
        environ: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Done:
        """Run a command at a pseudo-terminal: each answer is typed when its question (part of the output) is seen.

        The answer ``\\x03`` is Ctrl-C.
        """
        terminal, theirs = pty.openpty()
        process = subprocess.Popen(
            [*AT_TERMINAL, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self.environ, "TERM": "xterm", **(environ or {})},
            cwd=self.directory,
            start_new_session=True,
        )
        os.close(theirs)
        shown, waiting, seen = "", dict(answers or {}), 0
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                read = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            shown += read.decode("utf-8", "replace")
            for question in list(waiting):
                if (place := shown.find(question, seen)) >= 0:
                    seen = place + len(question)
                    os.write(terminal, (waiting.pop(question) + "\n").encode())
        else:
            process.kill()
        os.close(terminal)
        done = Done(process.wait(10), ESCAPES.sub("", shown), "", shown)
        assert not waiting, f"never asked: {waiting}; {done}"
        assert status is None or done.status == status, done
        return done


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server process that all tests of the command share; they keep apart by the names they choose."""
    home = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [*COMMAND, "server", "start", "--port", "0", "--log-level", "error"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(home, ORCHESTRA_BOOTSTRAP_TOKEN=TOKEN),
        cwd=home,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on "), line
        yield line.removeprefix("Listening on ").strip()
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture
def orchestra(server_url: str, tmp_path: Path) -> Iterator[Orchestra]:
    """The command, logged in by the environment."""
    home, directory = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    directory.mkdir()
    environ = environment(home, ORCHESTRA_API_SERVER=server_url, ORCHESTRA_API_TOKEN=TOKEN)
    runner = Orchestra(home, directory, environ)
    with runner.running:
        yield runner


@pytest.fixture
def client(server_url: str) -> Iterator[Client]:
    """A client of the same server, to prepare and to look at what a command did."""
    with Client(server_url, TOKEN) as client:
        yield client


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Make names that no other test on the shared server has."""

    def unique(name: str) -> str:
        return f"{name}-{os.urandom(4).hex()}"

    return unique
