"""Where the contract, `schema.graphql`, is found: inside an installed package or at the root of the repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def schema_text() -> str:
    """The contract's SDL.

    Raises:
        FileNotFoundError: neither the package nor its repository holds `schema.graphql`; reinstall it.
    """
    for folder in (_PACKAGE, _PACKAGE.parent):
        path = folder / "schema.graphql"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"schema.graphql is missing beside {_PACKAGE}; reinstall orchestra-client")
