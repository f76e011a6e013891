"""Flows in Python files."""

from __future__ import annotations

import ast
import hashlib
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from orchestra_client.flows.sources.base import (
    FoundFlow,
    ImportedFlow,
    Loaded,
    Place,
    files_with,
    top_level_flows,
)
from orchestra_client.flows.sources.bindings import bindings, is_import
from orchestra_client.flows.sources.surroundings import running, siblings, users_modules
from orchestra_client.flows.storage import Script
from orchestra_client.references import SCRIPT_PREFIX

if TYPE_CHECKING:
    from orchestra_client.flows.flow import Flow
    from orchestra_client.flows.sources.bindings import Binding

__all__ = ["ScriptSource"]


class ScriptSource:
    """A Python file, run as `Script` runs it where the flow runs: under a name of its own, not as ``__main__``.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Not by `Path.resolve`, which raises an error of its own about a link that leads to itself.
        self.file = Path(os.path.realpath(path))

    @property
    def location(self) -> str:
        """The path as it was given."""
        return str(self.path)

    def load(self) -> Loaded:
        """Run the file; its flows get a `Script` of it unless they have a storage. See `Source.load`."""
        # Not by its text, as two files may have the same: nothing else has its path.
        name = SCRIPT_PREFIX + hashlib.sha256(str(self.file).encode()).hexdigest()[:16]
        module = ModuleType(name)
        module.__file__, module.__package__ = str(self.file), ""
        tree = ast.parse(self.file.read_bytes(), str(self.file))
        with running(self.file, module):
            exec(compile(tree, str(self.file), "exec", dont_inherit=True), vars(module))  # noqa: S102 (it is what we are for)
            others = [each for each in users_modules() if each is not module]
            bound, companions = bindings(tree), siblings(self.file.parent)
            found = [
                (self._found(flow, name, bound, others), is_import(name, bound))
                for name, flow in top_level_flows(module).items()
            ]
        companions = tuple(each for each in companions if each != str(self.file))
        beside = set(map(os.path.realpath, companions))
        flows, imported = [], []
        for each, is_imported in found:
            # What lies beside the script does not travel with it: there is no such flow where the script runs.
            if is_imported and (homes := each.also_in & beside):
                imported.append(ImportedFlow(each.name, each.place, min(homes)))
            else:
                flows.append(each)
        return Loaded(str(self.file), tuple(flows), companions, tuple(imported))

    def _found(self, flow: Flow, name: str, bound: dict[str, Binding], others: list[ModuleType]) -> FoundFlow:
        line = bound[name].line if name in bound else 1
        return FoundFlow(
            flow,
            flow.name,
            Place(self.location, line),
            self.location,
            Script(self.file),
            files_with(flow, others),
        )
