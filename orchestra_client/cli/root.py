"""The command itself: its subcommands, found by name and imported when they are used.

Exit statuses, of every subcommand: 0 done, 1 failed, 2 wrong usage, 4 not logged in, 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from orchestra_client._version import __version__
from orchestra_client.cli.options import API_SERVER
from orchestra_client.cli.streams import discard_output
from orchestra_client.errors import AuthenticationError, OrchestraError, PermissionDenied, mask_secrets

if TYPE_CHECKING:
    from typing import Any

# Each command's module is called like it, with underscores, and holds a click command of the module's name.
_SECTIONS: dict[str, dict[str, str]] = {
    "Work": {
        "register": "Register flows, from CI or while they are written.",
        "run": "Make a run of a flow, and watch it.",
        "flow": "Look at flows, and retire them.",
        "flow-run": "Look at runs, follow their logs, cancel them.",
    },
    "Set up": {
        "auth": "Log in to servers.",
        "token": "Make API tokens for agents, jobs and machines.",
        "tenant": "See, choose and make tenants.",
        "project": "See, make and delete projects.",
        "limit": "Limit what may run at once.",
        "secret": "Keep values that nobody else sees.",
        "kv": "Keep small values that runs share.",
    },
    "Processes": {
        "agent": "Run what is due.",
        "server": "Run a server of your own.",
        "demo": "See it all work, from start to finish.",
    },
    "Help": {
        "doctor": "Find out what is wrong, and why a run is not running.",
        "graphql": "Ask the server anything.",
        "completion": "Let the shell complete commands.",
    },
}
_COMMANDS = {name: purpose for section in _SECTIONS.values() for name, purpose in section.items()}


INTERRUPTED = 130
"""The exit status after Ctrl-C, by the custom of shells: 128 and the number of the signal."""

_SECRETS = frozenset({"--token", "--api-token", "--secret", "--password", "--value"})


class Commands(click.Group):
    """Knows its subcommands without importing them, and shows our errors as messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The subcommands, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A subcommand, imported now; None for a name that is none."""
        if cmd_name not in _COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"orchestra_client.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The subcommands and what they are for, without importing any."""
        for title, commands in _SECTIONS.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl(list(commands.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; an error of ours ends it with its message and an exit status."""
        try:
            return super().invoke(ctx)
        except OrchestraError as error:
            raise _shown(error, ctx.meta.get(API_SERVER)) from None
        except click.UsageError as error:
            raise _without_secrets(error) from None
        except click.ClickException as error:
            kind = NotLoggedIn if isinstance(error, NotLoggedIn) else click.ClickException
            raise kind(_safe(error.format_message())) from None
        except (KeyboardInterrupt, click.Abort) as error:
            # A question that is answered by Ctrl-C becomes an Abort; so does one that is answered by No.
            if isinstance(error, click.Abort) and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            click.echo("Interrupted.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # Whoever read our output has seen enough, as `head` does. Python must not write what is left, either.
            discard_output()
            sys.exit(0)


class NotLoggedIn(click.ClickException):
    """The server wants a token, and there is none that it takes."""

    exit_code = 4


def _shown(error: OrchestraError, api_server: str | None) -> click.ClickException:
    if not isinstance(error, AuthenticationError | PermissionDenied):
        return click.ClickException(_safe(str(error)))
    from orchestra_client.cli import remedies  # noqa: PLC0415 - only where something went wrong

    if isinstance(error, PermissionDenied):
        return click.ClickException(_safe(remedies.of_denial(error)))
    return NotLoggedIn(_safe(remedies.of_refusal(error, api_server)))


def _safe(message: str) -> str:
    """Without what could move the cursor: names in a message may be anybody's."""
    from orchestra_client.cli.output import in_lines  # noqa: PLC0415 - only where something went wrong

    return in_lines(message)


def _without_secrets(error: click.UsageError) -> click.UsageError:
    """Does not repeat a token that somebody gave as an argument, and says why no option takes one."""
    message = error.message
    if isinstance(error, click.NoSuchOption) and error.option_name in _SECRETS:
        message = (
            f"There is no option {error.option_name}: process lists and shell histories show arguments. Type it when "
            "you are asked, or pipe it into stdin."
        )
    elif mask_secrets(message) == message:
        return error
    return click.UsageError(mask_secrets(message), ctx=error.ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="orchestra")
def orchestra() -> None:
    """Orchestrate flows: a client for a GraphQL orchestration API, and a server of your own."""
