"""The workflows that are there to be copied are ones that would work: real YAML, real commands, real options."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from orchestra_client.cli.root import orchestra

from .pages import ROOT, blocks, prose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = sorted((ROOT / "examples" / "ci").glob("*.yml"))
KEYS_OF_COMMANDS = {"run", "script", "before_script", "after_script"}


def load(path: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))


def commands(value: Any, key: str = "") -> Iterator[str]:
    """Every line that the CI gives to a shell."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from commands(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from commands(item, key)
    elif key in KEYS_OF_COMMANDS:
        yield from str(value).splitlines()


def all_commands() -> list[Any]:
    return [
        pytest.param(shlex.split(line), id=f"{path.name}: {line}")
        for path in EXAMPLES
        for line in commands(load(path))
    ]


def test_both_systems_have_an_example() -> None:
    assert [path.name for path in EXAMPLES] == ["github-actions.yml", "gitlab-ci.yml"]


@pytest.mark.parametrize("words", all_commands())
def test_the_commands_are_parsed(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    if words[0] == "orchestra":
        parse([os.path.expandvars(word) for word in words[1:]])
    else:
        assert words[:2] == ["pip", "install"]
        # By its name alone, a stranger's package would be installed.
        [extra] = re.findall(r"^orchestra-client\[(\w+)\] @ \$\{CLIENT_PACKAGE:\?[^}]+\}$", words[2])
        assert extra in tomllib.loads(prose("pyproject.toml"))["project"]["optional-dependencies"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_job_that_is_not_told_where_to_install_from_says_so(path: Path, tmp_path: Path) -> None:
    [install] = [line for line in commands(load(path)) if line.startswith("pip install")]
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\necho "$2"\n')
    pip.chmod(0o755)

    def typed(**variables: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", **variables}
        return subprocess.run(["sh", "-c", install], env=environ, capture_output=True, text=True, check=False)

    given = typed(CLIENT_PACKAGE="https://packages.example.com/a.whl")
    assert given.stdout == "orchestra-client[cli] @ https://packages.example.com/a.whl\n"
    for missing in (typed(), typed(CLIENT_PACKAGE="")):
        assert missing.returncode != 0
        assert "CLIENT_PACKAGE: set this variable" in missing.stderr


def parse(words: list[str]) -> None:
    """As the command would, without doing anything; raises an error of usage."""
    command: click.Command = orchestra
    context = None
    while isinstance(command, click.Group):
        name = words.pop(0)
        context = click.Context(command, parent=context, info_name=name)
        found = command.get_command(context, name)
        assert found is not None, f"there is no such command: {name}"
        command = found
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_plan_comes_before_the_merge_and_the_registration_after(path: Path) -> None:
    registering = [shlex.split(line) for line in commands(load(path)) if "orchestra register" in line]

    assert ["--plan" in words for words in registering] == [True, False]
    # The same is planned as is done.
    plan, done = ({*words} - {"--plan", "--atomic"} for words in registering)
    assert plan == done


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_job_logs_in_by_its_own_token(path: Path) -> None:
    document, text = load(path), path.read_text("utf-8")

    assert any(line.startswith("orchestra auth login --oidc") for line in commands(document))
    assert "API_TOKEN" not in text
    if "github" in path.name:
        assert document["permissions"] == {"contents": "read", "id-token": "write"}
    else:
        assert (
            document[".flows"]["id_tokens"]["ORCHESTRA_OIDC_TOKEN"]["aud"] == "https://orchestra.example.com"
        )


def test_the_page_shows_the_files() -> None:
    shown = [block.text for block in blocks(ROOT / "docs" / "register.md", "yaml")]

    assert shown == [path.read_text("utf-8") for path in EXAMPLES]
