"""The Python files of a directory that may have flows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["python_files"]

_SKIPPED_DIRECTORIES = {"__pycache__", "node_modules", "site-packages"}
# Neither has flows, and both do things when they are run.
_SKIPPED_FILES = {"__main__.py", "setup.py"}


def python_files(directory: Path, on_error: Callable[[OSError], object]) -> Iterator[Path]:
    """The Python files of a directory, at any depth; also behind links to directories, each of which is entered once.

    A link to a directory around this one is not followed: what lies beside was not given.

    Args:
        directory: where to look.
        on_error: called with why a directory in it cannot be read.

    Returns:
        The files of each directory by name, before those of the directories in it.
    """
    start = Path(os.path.realpath(directory))
    entered = {str(each) for each in (start, *start.parents)}
    for folder, folders, files in os.walk(directory, onerror=on_error, followlinks=True):
        # Links last: what is also there without one is found by its own path.
        paths = sorted((Path(folder, name) for name in folders), key=lambda path: (_is_link(path), path))
        folders[:] = [path.name for path in paths if _is_entered(path, entered)]
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith(".") and name not in _SKIPPED_FILES:
                yield Path(folder, name)


def _is_link(path: Path) -> bool:
    # Not by `Path`, which raises an error about a directory that may not be looked into.
    return os.path.islink(path)  # noqa: PTH114


def _is_entered(path: Path, entered: set[str]) -> bool:
    real = os.path.realpath(path)
    names = {path.name, os.path.basename(real)}  # noqa: PTH119 - of text, which realpath returns
    if any(name.startswith(".") or name in _SKIPPED_DIRECTORIES for name in names):
        return False
    # As above.
    if os.path.exists(os.path.join(path, "pyvenv.cfg")) or real in entered:  # noqa: PTH110, PTH118
        return False
    entered.add(real)
    return True
