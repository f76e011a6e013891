"""The server that tests are given ends with them, and what cannot be had is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.with_postgres import main

INSTALLED = Path(__file__).resolve().parents[2] / ".peers" / "postgres"

SHOW = """
import os, psycopg
url = os.environ["ORCHESTRA_TEST_POSTGRES"].replace("+psycopg", "")
with psycopg.connect(url) as connection:
    folded, = connection.execute("SELECT 'ÄPFEL' ILIKE 'äpf%'").fetchone()
print(url)
raise SystemExit(0 if folded else 1)
"""


def test_without_a_command_it_says_how_it_is_used() -> None:
    with pytest.raises(SystemExit, match="usage: "):
        main([str(INSTALLED)])


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED.exists(), reason="make test-postgres has not been run yet")
class TestServers:
    def test_one_runs_as_long_as_the_command(self, capfd: pytest.CaptureFixture[str]) -> None:
        import psycopg

        assert main([str(INSTALLED), sys.executable, "-c", SHOW]) == 0

        url = capfd.readouterr().out.strip()
        assert url.startswith("postgresql://postgres@127.0.0.1:")
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)

    def test_the_commands_exit_status_is_passed_on(self) -> None:
        assert main([str(INSTALLED), sys.executable, "-c", "raise SystemExit(7)"]) == 7
