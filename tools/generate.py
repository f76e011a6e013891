"""Make all generated code anew, or tell which of it is stale.

Two things in this repository are written by programs and committed all the same, so that readers, type
checkers and users of a plain checkout see them:

- ``orchestra_client/_sync/``: the synchronous client, module for module from ``orchestra_client/_async/``;
- ``schema.graphql`` below its marker line: the filter, ordering and aggregate types.

Run ``python -m tools.generate`` after a change of their sources; ``--check`` changes nothing, names the
stale files, and exits with 1 when there are any.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    # Also runnable by its path, which puts this folder, not the repository, on the import path.
    sys.path.insert(0, str(ROOT))

Outcome = dict[Path, str | None]
"""The content that each generated file should have; None for a file that should not exist."""


def sync_client(root: Path) -> Outcome:
    """The synchronous twin of every module of the asynchronous client."""
    from tools import sync_source  # noqa: PLC0415  # keeps a schema-only run free of its needs

    source, target = root / "orchestra_client" / "_async", root / "orchestra_client" / "_sync"
    modules = [path.relative_to(source) for path in sorted(source.rglob("*.py"))]
    orphans = {path for path in target.rglob("*.py") if path.relative_to(target) not in modules}
    twins = sync_source.convert({module: (source / module).read_text("utf-8") for module in modules})
    return {**{target / module: text for module, text in twins.items()}, **dict.fromkeys(orphans)}


def schema(root: Path) -> Outcome:
    """The contract with its generated part rendered from its hand-written one."""
    from tools import generate_filters  # noqa: PLC0415  # keeps a client-only run free of its needs

    path = root / "schema.graphql"
    return {path: generate_filters.render(path.read_text("utf-8"))}


GENERATORS: tuple[Callable[[Path], Outcome], ...] = (sync_client, schema)


def stale_files(root: Path) -> Outcome:
    """What would change: the wanted content of each generated file that differs from it today."""
    wanted = {path: text for generate in GENERATORS for path, text in generate(root).items()}
    return {path: text for path, text in sorted(wanted.items()) if _current(path) != text}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; unset means the process's own.
        root: the repository to work on.

    Returns:
        The exit status: 1 when `--check` found something stale, else 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.generate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; name stale files and exit with 1"
    )
    is_check = parser.parse_args(arguments).check
    stale = stale_files(root)
    for line in _report(stale, root, is_check=is_check):
        print(line)
    if not is_check:
        _write(stale)
    return int(is_check and bool(stale))


def _report(stale: Outcome, root: Path, *, is_check: bool) -> Iterator[str]:
    for path, text in stale.items():
        done = (
            ("stale" if is_check else "wrote")
            if text is not None
            else ("orphaned" if is_check else "removed")
        )
        yield f"{done}: {path.relative_to(root)}"
    if not stale:
        yield "generated code is fresh"
    elif is_check:
        yield "Run: make generate (and commit the result)"


def _write(outcome: Outcome) -> None:
    for path, text in outcome.items():
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _current(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
