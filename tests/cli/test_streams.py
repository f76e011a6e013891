"""Commands whose standard streams are closed, full, or in an encoding that lacks characters."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import COMMAND, Done

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client
    from tests.cli.conftest import Orchestra

pytestmark = pytest.mark.slow


def in_shell(orchestra: Orchestra, *words: str, redirection: str, **environ: str) -> Done:
    """Run a command with its streams as a shell's redirection leaves them."""
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *words],
        capture_output=True,
        text=True,
        env={**orchestra.environ, **environ},
        cwd=orchestra.directory,
        timeout=60,
        check=False,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    ("redirection", "has_output"), [(">&-", False), ("2>&-", True), ("<&-", True), (">&- 2>&- <&-", False)]
)
def test_a_closed_stream_is_no_error(orchestra: Orchestra, redirection: str, has_output: bool) -> None:
    # All of them: that a list is cut would be told on stderr.
    words = ("project", "list", "--json", "--limit", "10000")
    done = in_shell(orchestra, *words, redirection=redirection)

    assert (done.status, done.err) == (0, "")
    assert bool(done.out) is has_output


@pytest.mark.parametrize(
    "words", [("secret", "set", "pw"), ("kv", "set", "k", "-"), ("graphql",), ("project", "delete", "x")]
)
def test_nobody_can_answer_by_a_closed_stdin(
    orchestra: Orchestra, client: Client, words: tuple[str, ...]
) -> None:
    client.create_project("x")

    done = in_shell(orchestra, *words, redirection="<&-")

    assert done.status in {1, 2}
    assert "Error: " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("words", [("--help",), ("project", "list", "--json")])
def test_a_full_disk_is_told_in_a_line(orchestra: Orchestra, words: tuple[str, ...]) -> None:
    done = in_shell(orchestra, *words, redirection=">/dev/full")

    assert (done.status, done.err) == (1, "Error: [Errno 28] No space left on device\n")


def test_a_character_that_the_encoding_lacks_is_escaped(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("日本")
    client.create_project(name)

    done = in_shell(
        orchestra, "project", "list", "--name", name, "--json", redirection="", PYTHONIOENCODING="latin-1"
    )

    assert done.status == 0, done
    assert "日本" not in done.out
    assert json.loads(done.out)[0]["name"] == name


def test_a_server_that_is_away_is_told_of_in_words(orchestra: Orchestra) -> None:
    done = orchestra.at_terminal("project", "list", "--api-server", "http://127.0.0.1:9", status=1)

    assert re.search(
        r"http://127\.0\.0\.1:9 cannot be reached: Connection refused; trying for another \d+ s\.", done.out
    )
    assert "Projects" not in done.out


def test_somebody_at_a_terminal_does_not_wait_for_a_minute_because_of_a_pipe(orchestra: Orchestra) -> None:
    began = time.monotonic()

    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "project", "list", "--api-server", "http://127.0.0.1:9"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=orchestra.environ,
    ) as process:
        os.close(theirs)
        try:
            status = process.wait(40)
        finally:
            process.kill()
            os.close(terminal)

    assert status == 1
    assert time.monotonic() - began < 30
