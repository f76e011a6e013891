"""Links and commands lead somewhere."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from orchestra_client.cli.root import orchestra

from .pages import BLOCK, LINKED, Block, blocks, named, prose
from .shell import steps

if TYPE_CHECKING:
    from pathlib import Path


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


def commands() -> list[Any]:
    return [
        pytest.param(shlex.split(line, comments=True), id=f"{named(page)}:{block.line}")
        for page in LINKED
        for block in blocks(page, "console", "sh")
        for line in lines_typed(block)
    ]


def lines_typed(block: Block) -> list[str]:
    if block.language == "sh":
        return block.text.splitlines()
    return [step.command.replace("\\\n", " ") for step in steps(block.text)]


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
        # From a checkout: by its name, a stranger's package would be installed.
        asked = re.fullmatch(r"\.(?:\[([a-z0-9,]+)\])?", words[2])
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


def data_blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{named(page)}:{block.line}")
        for page in LINKED
        for block in blocks(page, "json", "yaml", "ini")
        if not block.mark
    ]


@pytest.mark.parametrize("block", data_blocks())
def test_data_is_well_formed(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        assert isinstance(yaml.safe_load(block.text), dict)
    else:
        unit = configparser.ConfigParser()
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # its documented way to keep capitals
        unit.read_string(block.text)
        program, *words = shlex.split(unit["Service"]["ExecStart"])
        assert program.endswith("/orchestra")
        check_orchestra(words)
