"""The documentation is true: its code runs, its commands and links exist, and nothing public is missing from it."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

import orchestra_client
from orchestra_client import AsyncClient, Client, errors, results, states, testing
from orchestra_client.cli.root import orchestra
from orchestra_client.server.context import Settings
from orchestra_client.server.schema import api
from orchestra_client.testing import plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PACKAGE = Path(orchestra_client.__file__).parent

# A block may have a comment of ours before it: `<!-- server -->`, or `<!-- not run: why -->`.
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>server|not run: [^\n]+?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
ADDRESS = "127.0.0.1:4200"
"""Where the pages' server listens; while they are tested, it is wherever a free port was."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    mark: str
    language: str
    text: str
    line: int


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            found["mark"] or "",
            found["language"],
            found["text"],
            text.count("\n", 0, found.start("text")) + 1,
        )
        for found in BLOCK.finditer(text)
        if found["language"] == language
    ]


def prose(*names: str) -> str:
    return "\n".join((ROOT / name).read_text("utf-8") for name in names)


def every_page() -> str:
    return "\n".join(page.read_text("utf-8") for page in PAGES)


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_python() -> list[Any]:
    pages = [(page, blocks(page, "python")) for page in PAGES]
    return [
        pytest.param(
            page, id=named(page), marks=[pytest.mark.slow] if any(b.mark == "server" for b in found) else []
        )
        for page, found in pages
        if found
    ]


@pytest.fixture
def start() -> Iterator[Callable[[], str]]:
    """Start a server that saves its login in the test's own home; gives its address."""
    command = [sys.executable, "-c", "from orchestra_client.cli import main; main()", "server", "start"]
    with contextlib.ExitStack() as running:

        def start() -> str:
            process = subprocess.Popen(
                [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            running.callback(process.stdout.close)  # type: ignore[union-attr]  # it has one: PIPE
            running.callback(process.wait, 30)
            running.callback(process.terminate)
            line = process.stdout.readline()  # type: ignore[union-attr]  # likewise
            return line.split("//")[1].split("/")[0]

        yield start


@pytest.mark.parametrize("page", with_python())
def test_the_code_runs(
    page: Path, start: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace: dict[str, Any] = {"__name__": "page"}
    address = ADDRESS
    for block in blocks(page, "python"):
        if block.mark.startswith("not run"):
            continue
        if block.mark == "server" and address == ADDRESS:
            address = start()
        # Its lines have the page's numbers, so that a traceback leads there.
        text = "\n" * (block.line - 1) + block.text.replace(ADDRESS, address)
        code = compile(text, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = eval(code, namespace)
        if made is not None:
            asyncio.run(made)


@pytest.mark.slow
def test_the_fixtures_work(tmp_path: Path) -> None:
    """What the page on testing shows for `conftest.py` and for a test is one that passes."""
    shown = [block.text for block in blocks(ROOT / "docs" / "testing.md", "python")]
    [conftest] = [text for text in shown if text.startswith("pytest_plugins")]
    [a_test] = [text for text in shown if "(orchestra_client, orchestra_server)" in text]
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_page.py").write_text(a_test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_most_of_the_code_runs() -> None:
    """A page may say of a block that it cannot run, but not of many."""
    all_blocks = [block for page in PAGES for block in blocks(page, "python")]
    skipped = [block for block in all_blocks if block.mark.startswith("not run")]
    assert len(all_blocks) > 30
    assert len(skipped) <= len(all_blocks) // 10


def commands() -> list[Any]:
    found = []
    for page in LINKED:
        for language in ("console", "sh"):
            for block in blocks(page, language):
                for number, line in enumerate(block.text.splitlines(), block.line):
                    if language == "sh" or line.startswith("$ "):
                        words = shlex.split(line.removeprefix("$ "), comments=True)
                        found.append(pytest.param(words, id=f"{named(page)}:{number}"))
    return found


@pytest.mark.parametrize("words", commands())
def test_the_commands_exist(words: list[str]) -> None:
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if words[:1] == ["orchestra"]:
        check_orchestra(words[1:])
    elif words[:1] == ["make"]:
        makefile = prose("Makefile")
        targets = [word for word in words[1:] if "=" not in word]
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets), words
    elif words[:2] == ["pip", "install"]:
        extras = tomllib.loads(prose("pyproject.toml"))["project"]["optional-dependencies"]
        asked = re.fullmatch(r"orchestra-client(?:\[([a-z0-9,]+)\])?", words[2])
        assert asked, words
        assert set(filter(None, (asked[1] or "").split(","))) <= set(extras)


def check_orchestra(words: list[str]) -> None:
    command: click.Command = orchestra
    while words and isinstance(command, click.Group):
        if words[0] in {"-h", "--help", "--version"}:
            return
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, f"there is no such command: {words}"
        command = found
    options = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts, "--help", "-h")
    }
    used = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert used <= options


@pytest.mark.parametrize("page", LINKED, ids=named)
def test_the_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(linked), f"{target} names no heading"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(public(Client) | public(AsyncClient)))
def test_every_method_of_the_client_is_documented(name: str) -> None:
    assert re.search(rf"`(?:client\.)?{name}[`(]", prose("docs/client.md"))


def test_the_pages_call_methods_that_exist() -> None:
    called = set(re.findall(r"\b(?:async_)?client\.(\w+)", every_page()))
    assert called <= public(Client) | public(AsyncClient) | {"md"}


@pytest.mark.parametrize("name", [name for name in errors.__all__ if isinstance(getattr(errors, name), type)])
def test_every_error_is_documented(name: str) -> None:
    assert f"`{name}`" in prose("docs/client.md")


@pytest.mark.parametrize("code", sorted(errors._BY_CODE))
def test_every_code_is_documented(code: str) -> None:
    assert f"`{code}`" in prose("docs/server.md")


@pytest.mark.parametrize("name", [name for name in results.__all__ if name not in {"Record", "Scope"}])
def test_every_result_is_documented(name: str) -> None:
    assert f"`{name}" in prose("docs/client.md")


@pytest.mark.parametrize("name", states.__all__)
def test_every_state_is_documented(name: str) -> None:
    assert f"`{name}" in prose("docs/states.md")


@pytest.mark.parametrize("name", [*testing.__all__, *plugin.__all__])
def test_every_testing_tool_is_documented(name: str) -> None:
    assert f"`{name}" in prose("docs/testing.md")


@pytest.mark.parametrize(
    "option",
    [
        name
        for parameter in orchestra.get_command(click.Context(orchestra), "server").commands["start"].params  # type: ignore[union-attr]  # it is a group
        for name in (*parameter.opts, *([parameter.envvar] if parameter.envvar else []))
    ],
)
def test_every_option_of_the_server_is_documented(option: str) -> None:
    assert f"`{option}" in prose("docs/server.md")


def variables_of_the_code() -> set[str]:
    source = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    return set(re.findall(r"\bORCHESTRA_[A-Z_]+[A-Z]\b", source))


def test_every_variable_is_documented() -> None:
    told = set(re.findall(r"\bORCHESTRA_[A-Z_]+[A-Z]\b", every_page()))
    assert variables_of_the_code() == told


def test_every_limit_of_the_server_is_documented() -> None:
    defaults = vars(Settings)["__dataclass_fields__"]
    missing = [name for name in defaults if f"`{name}`" not in prose("docs/server.md")]
    assert not missing


def test_the_rights_of_a_runner_are_documented() -> None:
    """The list under its heading is the contract's."""
    section = prose("docs/security.md").split("### What a RUNNER may do")[1].split("\n#")[0]
    told = set(re.findall(r"`(\w+)`", section)) - {"RUNNER", "flow_run_id"}
    fields = api().fields
    allowed = {
        name for (kind, name), field in fields.items() if kind == "Mutation" and "RUNNER" in field.allow
    }
    assert told & {name for _, name in fields} == allowed


def test_the_extras_are_documented() -> None:
    extras = set(tomllib.loads(prose("pyproject.toml"))["project"]["optional-dependencies"]) - {"all", "dev"}
    assert {extra for extra in extras if f"`{extra}`" not in every_page()} == set()


@pytest.mark.parametrize("page", [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"], ids=named)
def test_the_files_that_are_named_exist(page: Path) -> None:
    mentioned = set(re.findall(r"`([\w./-]+(?:\.py|\.graphql|\.toml|/))`", page.read_text("utf-8")))
    places = (ROOT, PACKAGE)
    # What tools write is not there in a fresh clone.
    made = {path for path in mentioned if path.startswith((".peers", ".venv"))}
    assert not [path for path in mentioned - made if not any((place / path).exists() for place in places)]


def test_no_page_names_what_only_this_machine_has() -> None:
    assert str(Path.home()) not in every_page()
    assert os.fspath(ROOT) not in every_page()
