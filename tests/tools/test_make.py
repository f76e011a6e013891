"""The commands that the documentation promises exist."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize(
    "target",
    [
        "demo",
        "test",
        "check",
        "bench",
        "test-slow",
        "test-interop",
        "test-postgres",
        "generate",
        "build",
        "clean",
        "help",
    ],
)
def test_help_explains_every_public_target(target: str) -> None:
    listed = subprocess.run(
        ["make", "-C", str(ROOT), "help"], check=True, capture_output=True, text=True
    ).stdout

    assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE)


@pytest.mark.parametrize("home", [None, "", "/nonexistent/home"])
def test_make_works_without_a_home(home: str | None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    if home is not None:
        environment["HOME"] = home

    done = subprocess.run(
        ["make", "-C", str(ROOT), "help"], check=False, capture_output=True, env=environment
    )

    assert done.returncode == 0, done.stderr


def test_too_old_a_python_is_refused_with_advice(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = subprocess.run(
        [ROOT / "tools/find-python", old, "no-such-python"], check=False, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_the_first_usable_python_is_taken() -> None:
    done = subprocess.run(
        [ROOT / "tools/find-python", "no-such-python", "python3.11", "python3"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.stdout in {"python3.11\n", "python3\n"}


def test_continuous_integration_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "make --no-print-directory test" in script.read_text("utf-8").splitlines()[-1]


def test_no_registry_is_named() -> None:
    assert not re.search(r"index-url|https?://", MAKEFILE)
