"""Running a command again whenever a file is saved."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra_client.cli.output import say
from orchestra_client.errors import MissingExtra
from orchestra_client.flows.sources.surroundings import importing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["directories_of", "run_on_save"]

_SETTLE_MS = 200


def run_on_save(words: Sequence[str], directories: Iterable[Path]) -> None:
    """Run the command now, and again after each save, until Ctrl-C.

    It runs in a process of its own each time, so that no module is an old one and nothing that a file does can end the
    watch. A save while it runs makes it run once more.

    Args:
        words: the command's arguments.
        directories: where to look for saved Python and JSON files, at any depth.

    Raises:
        MissingExtra: watchfiles is not installed.
    """
    watchfiles = _watchfiles()
    command = [sys.executable, "-P", "-m", "orchestra_client", *words]
    is_first = True
    for changes in watchfiles.watch(
        *directories,
        watch_filter=watchfiles.PythonFilter(extra_extensions=(".json",)),
        rust_timeout=_SETTLE_MS,
        yield_on_timeout=True,
    ):
        # The first time, too: a save from then on is seen.
        if changes or is_first:
            if changes:
                say("\nSaved: " + ", ".join(sorted({Path(path).name for _, path in changes})))
            subprocess.run(command, check=False)  # noqa: S603 - ourselves
            is_first = False
            say("Waiting for the next save; Ctrl-C ends it.")


def directories_of(paths: Iterable[Path], modules: Iterable[str]) -> list[Path]:
    """Where the files are that matter for some flows: those beside them count, too.

    Args:
        paths: files and directories.
        modules: names of modules. They are not imported.

    Raises:
        click.UsageError: there is no such module.
    """
    found = {path if path.is_dir() else path.parent for path in paths}
    for name in modules:
        top, spec = name.partition(".")[0], None
        if top:
            with importing(Path.cwd()):
                spec = find_spec(top)
        if spec is None or (spec.origin is None and not spec.submodule_search_locations):
            raise click.UsageError(f"There is no module {name!r}.")
        found.update(map(Path, spec.submodule_search_locations or [str(Path(str(spec.origin)).parent)]))
    return sorted(found)


def _watchfiles() -> Any:
    try:
        return import_module("watchfiles")
    except ModuleNotFoundError:
        raise MissingExtra("cli", "--watch") from None
