"""What every test gets: one async backend, and a machine on which nothing of ours is configured."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

# A busy machine is no finding, so examples have no deadline.
settings.register_profile("orchestra", deadline=None)
settings.load_profile("orchestra")

# Whoever starts the tests in the background may have Ctrl-C ignored, which the processes of the tests would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What else decides where a client connects, where it keeps files, or whether it believes to run in CI.
_FOREIGN = {
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "CI",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
}


def pytest_report_header() -> str:
    """Say on which databases the tests of the server run."""
    given = "ORCHESTRA_TEST_POSTGRES" in os.environ
    return f"databases: SQLite{' and PostgreSQL' if given else '; PostgreSQL with: make test-postgres'}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the garbage collector from looking through the tests, and the server's schema, again and again."""
    if hasattr(session.config, "workerinput"):
        # One of several processes that run everything: most of that uses the schema.
        from orchestra_client.server.schema import api

        api()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the only backend the client promises."""
    return "asyncio"


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give each test its own empty home, and none of the settings or credentials of whoever runs it.

    Returns:
        The directory that `ORCHESTRA_HOME` names: inside the home, private, and not yet made.
    """
    for name in os.environ:
        if name.startswith("ORCHESTRA_") or name.upper() in _FOREIGN:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    orchestra_home = home / "orchestra"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ORCHESTRA_HOME", str(orchestra_home))
    return orchestra_home
