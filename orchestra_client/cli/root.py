"""The command itself: its groups, found by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from orchestra_client._version import __version__
from orchestra_client.errors import OrchestraError

if TYPE_CHECKING:
    from typing import Any

# Each group's module holds a click command of the same name.
_GROUPS = {"agent": "Run what is due.", "server": "Run a server of your own."}


class Groups(click.Group):
    """Knows its subcommands without importing them, and shows our errors as messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The groups, in the order of the help."""
        return sorted(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A group, imported now; None for a name that is none."""
        if cmd_name not in _GROUPS:
            return None
        command = getattr(import_module(f"orchestra_client.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The groups and what they are for, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_GROUPS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; an error of ours ends it with its message and exit status 1."""
        try:
            return super().invoke(ctx)
        except OrchestraError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=Groups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orchestra")
def orchestra() -> None:
    """Orchestrate flows: a client for a GraphQL orchestration API, and a server of your own."""
