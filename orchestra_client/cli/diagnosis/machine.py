"""Checks of this machine: what is configured, installed and saved here."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestra_client._version import __version__
from orchestra_client.cli.diagnosis.findings import Finding, Verdict
from orchestra_client.config import ServerSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestra_client.config import ServerChoice

__all__ = ["check_configuration", "check_extras", "check_files", "exposed_files"]

_EXTRAS = {
    "cli": ("click", "rich"),
    "dask": ("distributed",),
    "http2": ("h2",),
    "keyring": ("keyring",),
    "notebook": ("pandas", "matplotlib"),
    "pickle": ("cloudpickle",),
    "postgres": ("psycopg",),
    "results": ("fsspec",),
    "server": ("alembic", "cryptography", "orjson", "sqlalchemy", "starlette", "uvicorn"),
}
"""The modules by which one sees that an extra is installed."""

_PRIVATE = ("credentials.json", "secret.key", "orchestra.db", "spool", "flows", "results")
"""What in the home is nobody else's business."""

_OTHERS = 0o077
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_configuration(server: ServerChoice) -> Finding:
    """Which server is meant, and who says so."""
    by = "--api-server" if server.source is ServerSource.ARGUMENT else server.source.value
    record = {"server": server.shown, "from": by}
    parts = urlsplit(server.url)
    if server.source is ServerSource.EMBEDDED:
        return Finding(
            "configuration",
            Verdict.WARNING,
            f"no server is configured; a store of your own is used, {server.shown}",
            advice="If you mean a server elsewhere: orchestra auth login, or set ORCHESTRA_API_SERVER.",
            record=record,
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return Finding(
            "configuration",
            Verdict.WARNING,
            f"{server.shown} (from {by}), where tokens travel unencrypted",
            advice="Use https:// where anybody else is on the way.",
            record=record,
        )
    return Finding("configuration", Verdict.OK, f"{server.shown} (from {by})", record=record)


def exposed_files(home: Path) -> list[Path]:
    """What is saved in the home and can be got at by other users of this machine.

    Args:
        home: need not exist.

    Returns:
        The paths, in no folder that keeps others out; none on systems without such permissions.
    """
    if os.name != "posix" or not _is_open(home):
        return []
    return [path for name in _PRIVATE if _is_open(path := home / name)]


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def check_files(home: Path, before: Sequence[Path]) -> Finding:
    """Whether what is saved here is for its owner alone.

    Args:
        home: where it is saved.
        before: what was exposed before anything was read; reading mends some of it.
    """
    names = [path.name for path in before]
    if still := exposed_files(home):
        return Finding(
            "files",
            Verdict.PROBLEM,
            f"other users of this machine can read in {home}: {', '.join(names)}",
            advice=f"chmod go= {' '.join(map(str, still))}; replace the tokens if you share this machine.",
            record={"home": str(home), "exposed": names},
        )
    if names:
        return Finding(
            "files",
            Verdict.WARNING,
            f"other users of this machine could read in {home}: {', '.join(names)}; that is over now",
            advice="Replace the tokens if you share this machine.",
            record={"home": str(home), "exposed": names},
        )
    what = "nobody else can read what is saved" if home.exists() else "nothing is saved"
    return Finding("files", Verdict.OK, f"{what} in {home}", record={"home": str(home), "exposed": []})


def check_extras() -> Finding:
    """Which version this is, and which of its optional parts are there."""
    installed = [name for name, modules in _EXTRAS.items() if all(map(find_spec, modules))]
    missing = [name for name in _EXTRAS if name not in installed]
    python = platform.python_version()
    return Finding(
        "package",
        Verdict.OK,
        f"orchestra-client {__version__} on Python {python}, with {', '.join(installed) or 'no extras'}"
        + (f"; without {', '.join(missing)}" if missing else ""),
        record={"version": __version__, "python": python, "installed": installed, "missing": missing},
    )
