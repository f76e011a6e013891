"""Flows in modules that can be imported."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_client.flows.sources.base import FoundFlow, Loaded, Place, files_with, shorten, top_level_flows
from orchestra_client.flows.sources.bindings import Binding, bindings, is_import
from orchestra_client.flows.sources.surroundings import importing, users_modules
from orchestra_client.flows.storage import Module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from orchestra_client.flows.flow import Flow

__all__ = ["ModuleSource", "modules_in"]


class ModuleSource:
    """A module, found as by ``python -m``: the current directory comes first.

    Args:
        name: ``package.module``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def location(self) -> str:
        """The module's name."""
        return self.name

    def load(self) -> Loaded:
        """Import the module; its flows get a `Module` of it unless they have a storage. See `Source.load`."""
        with importing(Path.cwd()):
            module = importlib.import_module(self.name)
        bound = _bindings(module)
        found = (self._found(module, flow, name, bound) for name, flow in top_level_flows(module).items())
        return Loaded(_file(module), tuple(found))

    def _found(self, module: ModuleType, flow: Flow, name: str, bound: dict[str, Binding]) -> FoundFlow:
        others = [each for each in users_modules() if each is not module]
        return FoundFlow(
            flow,
            flow.name,
            Place(shorten(module.__file__ or self.name), bound[name].line if name in bound else 1),
            self.name,
            Module(self.name),
            files_with(flow, others) if is_import(name, bound) else frozenset(),
        )


def modules_in(name: str) -> list[str]:
    """A module and, of a package, all modules in it at any depth, save ``__main__``.

    Args:
        name: ``package.module``. What it is part of is imported; it is not, nor what is in it.

    Returns:
        Their names.

    Raises:
        ModuleNotFoundError: there is no such module.
        BaseException: whatever the packages raise that it is part of.
    """
    spec = None
    if all(name.split(".")):  # else it is relative, or a path
        with importing(Path.cwd()):
            spec = find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"there is no module {name!r}", name=name)
    return [name, *_walk(spec.submodule_search_locations or (), f"{name}.")]


def _walk(locations: Iterable[str], prefix: str) -> Iterator[str]:
    locations = list(locations)
    for found in sorted(pkgutil.iter_modules(locations, prefix), key=lambda each: each.name):
        last = found.name.removeprefix(prefix)
        if last == "__main__":
            continue
        yield found.name
        if found.ispkg:
            yield from _walk([str(Path(each, last)) for each in locations], f"{found.name}.")


def _file(module: ModuleType) -> str | None:
    return os.path.realpath(module.__file__) if module.__file__ else None


def _bindings(module: ModuleType) -> dict[str, Binding]:
    try:
        return bindings(ast.parse(Path(module.__file__ or "").read_bytes()))
    except (OSError, SyntaxError, ValueError):
        # No source: it is a namespace package, or was compiled.
        return {}
