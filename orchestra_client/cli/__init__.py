"""The `orchestra` command, for people: one module per group of subcommands, imported when it is used."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestra_client.cli.streams import discard_output, prepare_streams
from orchestra_client.errors import MissingExtra

if TYPE_CHECKING:
    from typing import NoReturn


def main() -> None:
    """Run the command; its subcommands set the exit status."""
    prepare_streams()
    try:
        import click  # noqa: F401, PLC0415 (the command is an optional part)
    except ModuleNotFoundError:
        print(MissingExtra("cli", "The orchestra command"), file=sys.stderr)
        sys.exit(2)
    from orchestra_client.cli.root import orchestra  # noqa: PLC0415 (needs click)

    # httpx has a command of its own, for which it imports rich and Pygments where they are: a sixth of all the time.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # how Python marks what cannot be imported
    try:
        orchestra(prog_name="orchestra")
    except OSError as error:
        _fail(error)


def _fail(error: OSError) -> NoReturn:
    """End as other tools do when the disk is full: nobody is helped by a traceback."""
    discard_output()
    with suppress(OSError):
        print(f"Error: {error}", file=sys.stderr)
    sys.exit(1)
