"""`orchestra completion`: the Tab key, as shells ask for it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from orchestra_client.cli.root import orchestra as command
from orchestra_client.flows import Flow, task

from .conftest import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client import Client

    from .conftest import Orchestra

SHELLS = ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script(shell: str) -> None:
    done = CliRunner().invoke(command, ["completion", shell])

    assert done.exit_code == 0
    assert f"_ORCHESTRA_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_takes(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = CliRunner().invoke(command, ["completion", shell]).stdout

    done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def complete(orchestra: Orchestra, line: str) -> list[str]:
    """What bash would offer after a line, as its script asks for it."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = orchestra(environ={"_ORCHESTRA_COMPLETE": "bash_complete", **words})
    assert done.err == ""
    return [offer.removeprefix("plain,") for offer in done.out.splitlines() if offer]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("orchestra comp", {"completion"}),
        ("orchestra flo", {"flow", "flow-run"}),
        ("orchestra auth log", {"login", "logout"}),
        ("orchestra auth login --api", {"--api-server"}),
        ("orchestra completion z", {"zsh"}),
    ],
)
def test_what_begins_so_is_offered(orchestra: Orchestra, line: str, offered: set[str]) -> None:
    assert set(complete(orchestra, line)) == offered


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_the_tab_key_works_in_bash(orchestra: Orchestra) -> None:
    """The script, as bash runs it when the key is pressed."""
    program = orchestra.directory / "orchestra"
    program.write_text(f"#!/bin/sh\nexec {shlex.join(COMMAND)}\n")
    program.chmod(0o755)
    script = orchestra("completion", "bash").out
    pressed = "COMP_WORDS=(orchestra auth log); COMP_CWORD=2; _orchestra_completion ./orchestra"

    done = subprocess.run(
        ["bash", "-c", f'{script}\n{pressed}\necho "${{COMPREPLY[@]}}"'],
        env=orchestra.environ,
        cwd=orchestra.directory,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "login logout\n"


@pytest.fixture
def project(client: Client, unique: Callable[[str], str]) -> str:
    name = unique("complete")
    client.create_project(name)
    for danger in (
        " with spaces",
        ";reboot",
        "$(reboot)",
        "`reboot`",
        "|reboot",
        "\nreboot",
        "'",
        ">x",
        "*",
        "!",
    ):
        client.create_project(f"{name}{danger}")
    return name


@pytest.mark.slow
def test_names_are_those_of_the_server(
    orchestra: Orchestra, client: Client, project: str, unique: Callable[[str], str]
) -> None:
    slug = unique("complete")
    client.create_tenant(slug, slug)
    with Flow(project) as flow:
        task(lambda: None, name="wait")()
    client.register(flow, project, build=False)

    assert complete(orchestra, f"orchestra project delete {project[:-2]}") == [project]
    assert complete(orchestra, f"orchestra flow list --project {project[:-2]}") == [project]
    assert complete(orchestra, f"orchestra run {project[:-2]}") == [project]
    assert complete(orchestra, f"orchestra tenant switch {slug[:-2]}") == [slug]
    # In another tenant there is another project.
    assert complete(orchestra, f"orchestra project delete --tenant {slug} {project[:-2]}") == []


@pytest.mark.slow
def test_a_name_that_looks_like_an_option_is_not_offered(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    client.create_project(unique("--yes"))

    assert [name for name in complete(orchestra, "orchestra project delete ") if name.startswith("-")] == []


@pytest.mark.slow
def test_names_in_other_scripts_are_offered(
    orchestra: Orchestra, client: Client, unique: Callable[[str], str]
) -> None:
    name = unique("größe-日本")
    client.create_project(name)

    assert complete(orchestra, f"orchestra project delete {name[:-2]}") == [name]


@pytest.mark.slow
@pytest.mark.parametrize("server", ["sqlite:///new.db", "http://127.0.0.1:9"])
def test_the_key_does_nothing_where_there_is_no_server(orchestra: Orchestra, server: str) -> None:
    assert complete(orchestra, f"orchestra project delete --api-server {server} ") == []
    assert not (orchestra.directory / "new.db").exists()
