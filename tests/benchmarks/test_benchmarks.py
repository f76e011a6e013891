"""Every benchmark runs to its end; what it measures is not looked at here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peers" / "prefect-1.4.1"
SCRIPTS = sorted(path.name for path in (ROOT / "benchmarks").glob("bench_*.py"))

pytestmark = pytest.mark.slow


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments, "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_runs_to_the_end_without_the_peer(script: str) -> None:
    printed = run(script, ".peers/of-nobody")
    assert "(Without Prefect: no .peers/of-nobody/bin/python.)" in printed
    assert len(printed.splitlines()) > 4


@pytest.mark.interop
@pytest.mark.parametrize("script", ["bench_calls.py", "bench_import.py", "bench_states.py"])
def test_compares_with_the_peer(script: str) -> None:
    printed = run(script, str(PEER))
    assert "Without Prefect" not in printed
