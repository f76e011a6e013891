"""The `orchestra` command, for people: one module per group of subcommands, imported when it is used."""

from __future__ import annotations

import sys

from orchestra_client.errors import MissingExtra


def main() -> None:
    """Run the command; its subcommands set the exit status."""
    try:
        import click  # noqa: F401, PLC0415 (the command is an optional part)
    except ModuleNotFoundError:
        print(MissingExtra("cli", "The orchestra command"), file=sys.stderr)
        sys.exit(2)
    from orchestra_client.cli.root import orchestra  # noqa: PLC0415 (needs click)

    orchestra(prog_name="orchestra")
