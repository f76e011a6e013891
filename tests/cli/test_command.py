"""The command as a whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from orchestra_client._version import __version__
from orchestra_client.cli.root import orchestra
from orchestra_client.cli.server import server as server_group
from orchestra_client.server.context import Settings
from orchestra_client.server.services import ServiceSettings

if TYPE_CHECKING:
    from tests.cli.conftest import Orchestra


def test_help_names_every_group() -> None:
    result = CliRunner().invoke(orchestra, ["--help"])
    assert result.exit_code == 0
    assert "server" in result.output


def test_help_of_a_group_names_its_commands() -> None:
    assert "start" in CliRunner().invoke(orchestra, ["server", "--help"]).output


def test_the_defaults_that_the_help_shows_are_those_of_the_settings() -> None:
    shown = {option.name: option.default for option in server_group.commands["start"].params}
    used = {**asdict(Settings()), **asdict(ServiceSettings())}
    assert {"max_depth", "zombie_limit"} <= shown.keys() & used.keys()
    assert [name for name in shown.keys() & used.keys() if shown[name] != used[name]] == []


def test_the_version_is_told() -> None:
    assert __version__ in CliRunner().invoke(orchestra, ["--version"]).output


def test_an_unknown_group_is_an_error_of_usage() -> None:
    assert CliRunner().invoke(orchestra, ["nonsense"]).exit_code == 2


@pytest.mark.slow
def test_without_its_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from orchestra_client.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "pip install 'orchestra-client[cli]'" in ended.stderr


@pytest.mark.slow
def test_the_server_says_what_to_install_when_its_extra_is_missing() -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from orchestra_client.cli import main; main()"
    command = [sys.executable, "-c", code, "server", "start"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "pip install 'orchestra-client[server]'" in ended.stderr


@pytest.mark.slow
def test_in_a_pipe_nothing_is_loaded_that_draws(orchestra: Orchestra) -> None:
    code = (
        "import sys; from contextlib import suppress; from orchestra_client.cli import main\n"
        "with suppress(SystemExit): main()\n"
        "print(*{'httpx', 'pygments', 'rich', 'sqlalchemy'} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", code, "project", "list", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=orchestra.environ)
    assert ended.stdout.splitlines()[-1] == "httpx"
