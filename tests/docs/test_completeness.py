"""Nothing public is missing from the documentation, and nothing in it is made up."""

from __future__ import annotations

import os
import re
import tomllib
from importlib import import_module
from pathlib import Path
from types import FunctionType

import click
import pytest

import orchestra_client
from orchestra_client import AsyncClient, Client, errors, results, states, testing
from orchestra_client.cli.root import orchestra
from orchestra_client.server.context import Settings
from orchestra_client.server.schema import api
from orchestra_client.testing import plugin

from .pages import ROOT, every_page, named, prose

PACKAGE = Path(orchestra_client.__file__).parent


def public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(public(Client) | public(AsyncClient)))
def test_every_method_of_the_client_is_documented(name: str) -> None:
    assert re.search(rf"`(?:client\.)?{name}[`(]", prose("docs/client.md"))


def test_the_pages_call_methods_that_exist() -> None:
    called = set(re.findall(r"\b(?:async_)?client\.(\w+)", every_page()))
    assert called <= public(Client) | public(AsyncClient) | {"md"}


def test_pages_tell_what_a_file_is_called() -> None:
    """The mark that names it for the tests is seen by no reader."""
    for before, name in re.findall(r"([^\n]*)\n\n<!-- file: (\S+) -->", every_page()):
        assert f"`{name}`" in before, f"{name}: {before}"


@pytest.mark.parametrize("room", sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))
def test_every_room_is_on_the_plan(room: str) -> None:
    assert f"`{room}/`" in prose("docs/architecture.md")
    assert re.search(rf"^  (?:\w+/ +)*{room}/ ", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)


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
    extras = set(tomllib.loads(prose("pyproject.toml"))["project"]["optional-dependencies"]) - {
        "all",
        "dev",
        "docs",
    }
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


PUBLIC_MODULES = (
    "orchestra_client.agent",
    "orchestra_client.config",
    "orchestra_client.delivery",
    "orchestra_client.engine",
    "orchestra_client.engine.executors",
    "orchestra_client.engine.results",
    "orchestra_client.engine.signals",
    "orchestra_client.errors",
    "orchestra_client.flows",
    "orchestra_client.flows.cache_validators",
    "orchestra_client.flows.discovery",
    "orchestra_client.flows.run_configs",
    "orchestra_client.flows.storage",
    "orchestra_client.flows.triggers",
    "orchestra_client.graphql",
    "orchestra_client.records",
    "orchestra_client.results",
    "orchestra_client.schedules",
    "orchestra_client.states",
    "orchestra_client.testing",
    "orchestra_client.transport",
    "orchestra_client.watching",
)


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_every_public_module_is_in_the_reference(module: str) -> None:
    """Sphinx describes all of its `__all__`, each name by its docstring."""
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))

    assert re.search(rf"^\.\. automodule:: {re.escape(module)}\n   :members:", pages, re.MULTILINE)
    found = import_module(module)
    described = [getattr(found, name) for name in found.__all__]
    assert not [each for each in described if isinstance(each, type | FunctionType) and not each.__doc__]
