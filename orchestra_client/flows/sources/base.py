"""What all sources have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from orchestra_client.flows.flow import Flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from orchestra_client.flows.storage import Storage

__all__ = [
    "FoundFlow",
    "ImportedFlow",
    "Loaded",
    "Place",
    "Source",
    "files_with",
    "shorten",
    "top_level_flows",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file.

    Attributes:
        file: its path.
        line: from 1.
    """

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class FoundFlow:
    """A flow, and where it was found.

    Attributes:
        flow: the flow, or its JSON.
        name: its name.
        place: where its name is bound.
        source: the path or the module that it was found in.
        storage: what it gets unless it has one; None for JSON.
        also_in: files of other modules that have the very same flow, as far as it was imported from one of them.
    """

    flow: Flow | Mapping[str, Any]
    name: str
    place: Place
    source: str
    storage: Storage | None = field(default=None, repr=False)
    also_in: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class ImportedFlow:
    """A flow that a script has from a file beside it: another file's, and nothing that its own source could make.

    Attributes:
        name: its name.
        place: where it is imported.
        home: the file that has it, resolved.
    """

    name: str
    place: Place
    home: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a source has.

    Attributes:
        file: its file, resolved; None for a module that has none.
        flows: in the order in which they are written.
        companions: files beside a script that it imports, and that do not travel with it.
        imported: flows that a script imports from beside it.
    """

    file: str | None
    flows: tuple[FoundFlow, ...]
    companions: tuple[str, ...] = ()
    imported: tuple[ImportedFlow, ...] = ()


class Source(Protocol):
    """A file or module that may have flows."""

    @property
    def location(self) -> str:
        """The path or the module, for people."""
        ...

    def load(self) -> Loaded:
        """Run or read it.

        Raises:
            BaseException: whatever its code raises, `SystemExit` included.
        """
        ...


def shorten(path: str) -> str:
    """A path from the current directory where it is beneath it, else as it is."""
    here = str(Path.cwd()) + os.sep
    return path.removeprefix(here)


def top_level_flows(module: ModuleType) -> dict[str, Flow]:
    """The flows of a module by the first name that each is bound to there."""
    found: dict[int, tuple[str, Flow]] = {}
    for name, value in list(vars(module).items()):
        if isinstance(value, Flow):
            found.setdefault(id(value), (name, value))
    return dict(found.values())


def files_with(flow: Flow, modules: Iterable[ModuleType]) -> frozenset[str]:
    """The files of those modules that have this very flow at their top level."""
    return frozenset(
        os.path.realpath(str(module.__file__))
        for module in modules
        if any(value is flow for value in list(vars(module).values()))
    )
