"""What holds for every command there is, and for those that are still to come."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from orchestra_client.cli.root import _COMMANDS, _SECTIONS, Commands, orchestra
from orchestra_client.errors import AuthenticationError, BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = re.compile(r"token|secret|password|credential|(?<!idempotency-)key")
DESTRUCTIVE = {"archive", "delete", "remove", "revoke"}
# Values of others may be empty; pairs and states are looked at by the commands.
MAY_BE_EMPTY = {"claims", "description", "pairs", "query", "state", "value", "variables"}
HEAVY = (
    "alembic",
    "gql",
    "graphql",
    "httpx",
    "marshmallow",
    "orchestra_client.client",
    "pandas",
    "pendulum",
    "rich",
    "sqlalchemy",
    "uvicorn",
)


def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


TREE = dict(walk(orchestra))
LEAVES = {path: command for path, command in TREE.items() if not isinstance(command, click.Group)}


def named(commands: dict[tuple[str, ...], click.Command]) -> list[Any]:
    return [pytest.param(command, id=" ".join(path)) for path, command in commands.items()]


def options(command: click.Command) -> dict[str, click.Option]:
    return {
        name: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def test_there_are_commands() -> None:
    assert {("auth", "login"), ("project", "list"), ("server", "start")} <= set(LEAVES)


@pytest.mark.parametrize("command", named(TREE))
def test_it_says_what_it_does(command: click.Command) -> None:
    assert command.help
    [summary, *_] = command.help.split("\n\n")
    assert summary.rstrip().endswith((".", ";"))


@pytest.mark.parametrize("command", named(LEAVES))
def test_each_option_says_what_it_means(command: click.Command) -> None:
    silent = [name for name, option in options(command).items() if not option.help and not option.hidden]

    assert silent == []


@pytest.mark.parametrize("command", named({path: LEAVES[path] for path in LEAVES if path[-1] == "list"}))
def test_a_list_has_a_limit_and_json(command: click.Command) -> None:
    assert {"--limit", "--json"} <= options(command).keys()


@pytest.mark.parametrize("command", named(LEAVES))
def test_the_common_options_stand_in_one_order(command: click.Command) -> None:
    common = ["--limit", "--json", "--api-server", "--tenant"]
    found = [name for name in options(command) if name in common]

    assert found == [name for name in common if name in found]


@pytest.mark.parametrize("command", named(LEAVES))
def test_an_unset_variable_of_a_script_is_no_word(command: click.Command) -> None:
    """`--tenant "$TENANT"` must not mean all tenants, or some other one, where there is no such variable."""
    taken = []
    for parameter in command.params:
        try:
            parameter.type.convert("", parameter, click.Context(command))
        except click.BadParameter:
            continue
        if not getattr(parameter, "is_flag", False) and parameter.name not in MAY_BE_EMPTY:
            taken.append(parameter.name)

    assert taken == []


@pytest.mark.parametrize("command", named({path: LEAVES[path] for path in LEAVES if path[-1] in DESTRUCTIVE}))
def test_what_cannot_be_undone_can_be_confirmed_in_advance(command: click.Command) -> None:
    assert "--yes" in options(command)


@pytest.mark.parametrize("command", named(LEAVES))
def test_no_option_takes_a_secret(command: click.Command) -> None:
    """Flags may speak of tokens; what has a value must not."""
    taking = [name for name, option in options(command).items() if SECRET.search(name) and not option.is_flag]

    assert taking == []


@pytest.mark.parametrize("command", named(LEAVES))
def test_one_name_means_one_thing(command: click.Command) -> None:
    """`--json`, `--yes` and `--all` are flags wherever they are; servers and tenants are named the same way."""
    found = options(command)

    assert all(found[name].is_flag for name in ("--json", "--yes", "--all") if name in found)
    assert not found.keys() & {"--server", "--url", "--api", "--tenant-slug", "--output", "--format"}


def test_the_sections_stand_in_the_order_of_the_help() -> None:
    assert list(_SECTIONS) == ["Work", "Set up", "Processes", "Help"]
    assert len(_COMMANDS) == sum(map(len, _SECTIONS.values()))


@pytest.mark.parametrize("name", _COMMANDS)
def test_the_overview_fits_into_a_line_each(name: str) -> None:
    assert len(_COMMANDS[name]) <= 60
    assert _COMMANDS[name].endswith(".")


@pytest.mark.slow
def test_no_help_imports_what_it_does_not_need() -> None:
    """The help of every command, one after the other in one process: nothing heavy is loaded by any."""
    code = f"""
import sys
from click.testing import CliRunner
from orchestra_client.cli.root import orchestra
for path in {[list(path) for path in [(), *TREE]]!r}:
    done = CliRunner().invoke(orchestra, [*path, "--help"])
    assert done.exit_code == 0, (path, done.output)
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    assert not loaded, (path, loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


class Interrupted(Commands):
    """Has one command, which is interrupted in a way that the test chooses."""

    error: BaseException

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        def run() -> None:
            raise self.error

        return click.Command(cmd_name, callback=run)


def abort_of(cause: type[BaseException]) -> click.Abort:
    """As click makes it of what ends a question."""
    try:
        raise cause
    except BaseException:
        try:
            raise click.Abort from None
        except click.Abort as abort:
            return abort


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (abort_of(KeyboardInterrupt), 130),
        (abort_of(EOFError), 1),
        (click.Abort(), 1),
    ],
)
def test_ctrl_c_is_status_130_and_no_is_status_1(error: BaseException, status: int) -> None:
    group = Interrupted("orchestra")
    group.error = error

    with pytest.raises(SystemExit) as ended:
        group(["anything"])

    assert ended.value.code == status


@pytest.mark.parametrize(
    "error", [click.ClickException("a\x1b[2Jb"), BadInput("a\x1b[2Jb"), AuthenticationError("a\x1b[2Jb")]
)
def test_no_name_in_an_error_paints_on_the_terminal(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    group = Interrupted("orchestra")
    group.error = error

    with pytest.raises(SystemExit):
        group(["anything"])

    assert "Error: a [2Jb\n" in capsys.readouterr().err
