"""A process that looks to a script as if Python had just been started with it, and is itself again afterwards."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["importing", "is_users_own", "keeping_environment", "running", "siblings", "users_modules"]

_INSTALLED = tuple(
    sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OURS = str(Path(__file__).parents[2]) + os.sep


@contextmanager
def running(script: Path, module: ModuleType) -> Iterator[None]:
    """Let a script find what lies beside it, and forget that again.

    What it prints goes to stderr, so that it does not get between our own output. Modules that were found beside it are
    forgotten, too: another directory may have others of the same names. So is what it did to the environment.

    Args:
        script: an absolute path; its directory comes first on the path, and it is `sys.argv[0]`.
        module: what it runs as; known by its name in the meantime.
    """
    argv, known = sys.argv, set(sys.modules)
    with keeping_environment(), importing(script.parent):
        before = set(sys.path) - {str(script.parent)}
        sys.argv, sys.modules[module.__name__] = [str(script)], module
        try:
            yield
        finally:
            entries = {str(script.parent), *(set(sys.path) - before)}
            sys.argv = argv
            sys.modules.pop(module.__name__, None)
            # All are found before the first is forgotten: a module in a package is found by way of that.
            for name in [name for name in set(sys.modules) - known if _entry(name) in entries]:
                del sys.modules[name]


@contextmanager
def importing(directory: Path) -> Iterator[None]:
    """Let modules of a directory be imported; what they print goes to stderr, and `os._exit` ends but their import."""
    path, here = list(sys.path), Path.cwd()
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    try:
        with redirect_stdout(sys.stderr), _no_sudden_end():
            yield
    finally:
        sys.path[:] = path
        with suppress(OSError):
            os.chdir(here)


@contextmanager
def _no_sudden_end() -> Iterator[None]:
    """Let `os._exit` raise: it would end this process with the status of a success, and no word of what was left."""
    end, process = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != process:  # a forked child, which should end so
            end(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = end


@contextmanager
def keeping_environment() -> Iterator[None]:
    """Undo at the end what was done to the environment: it decides where flows are registered, and as whom."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        # Only what differs: each assignment calls `putenv`, which other threads may be reading.
        os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


def siblings(directory: Path) -> tuple[str, ...]:
    """Files of imported modules that are found by way of a directory alone."""
    if str(directory) in sys.path[1:]:
        return ()
    files = {
        str(module.__file__)
        for name, module in list(sys.modules.items())
        if getattr(module, "__file__", None) and _entry(name) == str(directory)
    }
    return tuple(sorted(files))


def is_users_own(file: str) -> bool:
    """Whether a file of code belongs neither to what is installed nor to this library."""
    return not file.startswith((*_INSTALLED, _OURS, "<"))


def users_modules() -> list[ModuleType]:
    """The modules that are imported now, save what is installed and this library."""
    return [
        module
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None)) and is_users_own(file)
    ]


def _entry(name: str) -> str | None:
    """The entry of the path by way of which a module was found; None for one that has no file."""
    top = sys.modules.get(name.partition(".")[0])
    if file := getattr(top, "__file__", None):
        parent = Path(file).parent
        return str(parent.parent if hasattr(top, "__path__") else parent)
    locations = list(getattr(top, "__path__", ()))
    return str(Path(locations[0]).parent) if locations else None
