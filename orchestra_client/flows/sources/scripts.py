"""Flows in Python files."""

from __future__ import annotations

import ast
import hashlib
from types import ModuleType
from typing import TYPE_CHECKING

from orchestra_client.flows.sources.base import FoundFlow, Loaded, Place, files_with, top_level_flows
from orchestra_client.flows.sources.bindings import bindings
from orchestra_client.flows.sources.surroundings import running, siblings, users_modules
from orchestra_client.flows.storage import Script
from orchestra_client.references import SCRIPT_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ScriptSource"]


class ScriptSource:
    """A Python file, run as `Script` runs it where the flow runs: under a name of its own, not as ``__main__``.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.resolve()

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
            lines = {name: binding.line for name, binding in bindings(tree).items()}
            flows = tuple(
                FoundFlow(
                    flow,
                    flow.name,
                    Place(self.location, lines.get(name, 1)),
                    self.location,
                    Script(self.file),
                    files_with(flow, others),
                )
                for name, flow in top_level_flows(module).items()
            )
            companions = siblings(self.file.parent)
        return Loaded(str(self.file), flows, tuple(each for each in companions if each != str(self.file)))
