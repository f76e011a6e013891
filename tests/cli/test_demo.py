"""`orchestra demo`, as somebody who has just installed the package runs it."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Orchestra

pytestmark = pytest.mark.slow


@pytest.fixture
def temporary(orchestra: Orchestra) -> Path:
    """Where the command puts what it will remove again."""
    folder = orchestra.home / "tmp"
    folder.mkdir()
    return folder


def processes_of(folder: Path) -> list[str]:
    """The commands that run in a folder or below."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it has ended meanwhile, or is another user's
    return found


def test_the_demo_shows_the_main_job_whatever_is_configured(orchestra: Orchestra, temporary: Path) -> None:
    elsewhere = {
        "ORCHESTRA_API_SERVER": "http://127.0.0.1:1",
        "ORCHESTRA_TENANT": "nobody",
        "TMPDIR": str(temporary),
    }

    done = orchestra("demo", environ=elsewhere)

    assert "All of it is as it should be." in done.out
    assert "hog holds the slot of #warehouse and patient waits" in done.out
    assert done.err == ""
    assert list(temporary.iterdir()) == []
    assert not (orchestra.home / "orchestra").exists()


def test_a_demo_that_is_stopped_leaves_nothing_behind(orchestra: Orchestra, temporary: Path) -> None:
    process = orchestra.start("demo", environ={"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    while not process.stdout.readline().startswith("3."):
        pass
    time.sleep(1)

    process.terminate()

    assert process.wait(40) == 128 + signal.SIGTERM
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []
