"""Flows whose script travels with their registration."""

from __future__ import annotations

import hashlib
import sys
import tokenize
from types import ModuleType
from typing import TYPE_CHECKING

from orchestra_client.flows.storage.base import Storage, pick_flow
from orchestra_client.flows.storage.faults import fault_of
from orchestra_client.references import SCRIPT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestra_client.flows.flow import Flow

__all__ = ["Script"]


class Script(Storage):
    """A flow in a script, whose source is part of what is registered: nothing else is needed where it runs.

    The script runs under a name of its own, not as ``__main__``. In JSON it is what Prefect 1.4 calls `Local`,
    stored as a script, with the source and its hash besides.

    Args:
        path: the script, e.g. ``__file__``; where the source has travelled it only serves messages.
        source: the script's text; unset means what the file has when it is first needed.
        sha256: the hash that the source must have, in hexadecimal; unset means any.
        secrets: as for `Storage`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        source: str | None = None,
        sha256: str | None = None,
        secrets: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets)
        self.path = str(path)
        self._source = source
        self._sha256 = sha256

    @property
    def location(self) -> str:
        """The script's path."""
        return self.path

    @property
    def source(self) -> str:
        """The script's text.

        Raises:
            FlowStorageError: the file cannot be read, or the text is another one than was registered.
        """
        if self._source is None:
            self._source = self._read()
        if self._sha256 not in (None, (found := _hash(self._source))):
            raise self.refuse(
                f"the script has changed: it was registered with the SHA-256 {self._sha256} and has {found} now; "
                "register it again"
            )
        return self._source

    @property
    def sha256(self) -> str:
        """The hash of the source, in hexadecimal."""
        return self._sha256 or _hash(self.source)

    def _read(self) -> str:
        try:
            # As Python reads it: a byte order mark or a line `# coding: …` says in which encoding.
            with tokenize.open(self.path) as script:
                return script.read()
        except (OSError, UnicodeDecodeError, SyntaxError) as error:
            raise self.refuse(f"the script cannot be read: {error}") from error

    def add_flow(self, flow: Flow) -> str:
        """Note the flow, and that its source can be read."""
        self.sha256  # noqa: B018 (reads the file)
        self.flows[flow.name] = self.path
        return self.path

    def load(self, name: str | None = None) -> Flow:
        """Run the script and take the flow; see `Storage.load`."""
        source = self.source
        module = ModuleType(f"{SCRIPT_PREFIX}{self.sha256[:16]}")
        module.__file__ = self.path
        # Dataclasses and pickle look a module up by its name.
        sys.modules[module.__name__] = module
        try:
            # Versions that were registered with a byte order mark still have it, and their hash counts it.
            exec(compile(source.removeprefix("\ufeff"), self.path, "exec", dont_inherit=True), vars(module))  # noqa: S102 (the flow's own code)
        except (Exception, SystemExit) as error:
            del sys.modules[module.__name__]
            raise self.refuse(f"the script failed: {fault_of(error)}") from error
        return pick_flow(self, vars(module).values(), self.only_name(name))


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()
