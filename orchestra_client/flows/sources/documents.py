"""Flows in JSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import FlowError
from orchestra_client.flows.settings import as_name
from orchestra_client.flows.sources.base import FoundFlow, Loaded, Place

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DocumentSource"]


class DocumentSource:
    """A file of serialized flows: one, a list of them, or an object whose `flows` is a list, as Prefect 1.4 builds it.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def location(self) -> str:
        """The path as it was given."""
        return str(self.path)

    def load(self) -> Loaded:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            FlowError: it has something else than flows.
        """
        try:
            content = json.loads(self.path.read_bytes())
        except ValueError as error:
            raise FlowError(f"this is not JSON: {error}") from None
        flows = tuple(self._found(document) for document in _documents(content))
        return Loaded(str(self.path.resolve()), flows)

    def _found(self, document: Any) -> FoundFlow:
        if (
            not isinstance(document, Mapping)
            or not isinstance(document.get("name"), str)
            or "tasks" not in document
        ):
            raise FlowError("this is not the JSON of a flow, which is an object with a name and tasks")
        as_name(document["name"], "flow")
        return FoundFlow(document, document["name"], Place(self.location), self.location)


def _documents(content: Any) -> list[Any]:
    if isinstance(content, Mapping) and isinstance(content.get("flows"), list):
        return list(content["flows"])
    return content if isinstance(content, list) else [content]
