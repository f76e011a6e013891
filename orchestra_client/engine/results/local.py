"""Results in a folder."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_client.config import home
from orchestra_client.engine.results.base import ResultStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.engine.results.serializers import Serializer

__all__ = ["LocalResults"]


class LocalResults(ResultStore):
    """Keeps results in a folder, each in a file of its own that only its owner can read.

    Whatever shall load the results, another machine or a container, must have the same folder. Safe to share between
    threads and processes. Other arguments as for `ResultStore`.

    Args:
        directory: the folder, made when the first result is written; a relative one begins where the flow is loaded.
            Unset means ``results`` in `ORCHESTRA_HOME`.
    """

    wire_type = "LocalResult"

    def __init__(
        self,
        directory: str | Path | None = None,
        location: str | Callable[..., str] | None = None,
        serializer: Serializer | None = None,
    ) -> None:
        super().__init__(location, serializer)
        self._given = str(directory) if directory else None
        self.directory = (Path(directory).expanduser() if directory else home() / "results").absolute()

    def __repr__(self) -> str:
        return f"<LocalResults: {self.directory}>"

    def serialize(self) -> dict[str, Any]:
        """The store in the JSON of a flow, with the folder as it was given: it is the same wherever it is registered."""
        return {**super().serialize(), "dir": self._given}

    def exists(self, location: str) -> bool:
        """Whether there is such a file."""
        return (self.directory / location).is_file()

    def _put(self, location: str, content: bytes) -> None:
        file = self.directory / location
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            Path(temporary).replace(file)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise

    def _get(self, location: str) -> bytes:
        return (self.directory / location).read_bytes()

    def _fields(self) -> dict[str, Any]:
        return {"dir": str(self.directory)}
