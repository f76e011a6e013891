"""Where flows are found: Python files, modules, and JSON. One member a file.

Files and modules are run in this process, hence not from several threads at a time.
"""

from __future__ import annotations

from orchestra_client.flows.sources.base import FoundFlow, Loaded, Place, Source
from orchestra_client.flows.sources.documents import DocumentSource
from orchestra_client.flows.sources.modules import ModuleSource
from orchestra_client.flows.sources.scripts import ScriptSource

__all__ = ["DocumentSource", "FoundFlow", "Loaded", "ModuleSource", "Place", "ScriptSource", "Source"]
