"""Flows in pickled files of one machine."""

from __future__ import annotations

import base64
import json
import os
import platform
import re
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra_client._version import __version__
from orchestra_client.config import home
from orchestra_client.errors import MissingExtra
from orchestra_client.flows.storage.base import Storage
from orchestra_client.flows.storage.faults import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestra_client.flows.flow import Flow

__all__ = ["Local"]


class Local(Storage):
    """Flows in pickled files of this machine; agents elsewhere cannot load them.

    A file is named after the flow and its content hash, so that a changed flow gets another one. Only load files
    that you wrote: unpickling runs what is in them.

    Args:
        directory: where the files are; unset means ``flows`` in the home directory of this library.
        path: the one file to use; unset means one for each flow in the directory.
        secrets: as for `Storage`.
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        path: str | Path | None = None,
        secrets: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets)
        self.directory = str(Path(directory).expanduser().absolute() if directory else home() / "flows")
        self.path = None if path is None else str(path)

    @property
    def location(self) -> str:
        """The file or the directory."""
        return self.path or self.directory

    def add_flow(self, flow: Flow) -> str:
        """Pickle the flow; see `Storage.add_flow`.

        Raises:
            MissingExtra: cloudpickle is not installed.
        """
        cloudpickle = _cloudpickle()
        name = re.sub(r"[^\w.-]+", "-", flow.name.lower()).strip(".-") or "flow"
        file = Path(self.path or Path(self.directory) / name / f"{flow.content_hash()[:16]}.json")
        try:
            pickled = cloudpickle.dumps(flow, protocol=4)
        except Exception as error:
            raise self.refuse(f"the flow {flow.name!r} cannot be pickled: {fault_of(error)}") from error
        content = {"flow": base64.b64encode(pickled).decode(), "versions": _versions(cloudpickle)}
        try:
            _write(file, json.dumps(content).encode())
        except OSError as error:
            raise self.refuse(f"the flow {flow.name!r} cannot be written: {error}") from error
        self.flows[flow.name] = str(file)
        return str(file)

    def load(self, name: str | None = None) -> Flow:
        """Unpickle the flow; see `Storage.load`.

        Raises:
            MissingExtra: cloudpickle is not installed.
        """
        from orchestra_client.flows.flow import Flow  # noqa: PLC0415 (flows import storages for their types)

        chosen = self.only_name(name)
        if chosen not in self.flows:
            known = ", ".join(map(repr, sorted(self.flows))) or "none"
            raise self.refuse(f"there is no flow {chosen!r}; the flows there: {known}")
        cloudpickle, file = _cloudpickle(), self.flows[chosen]
        content = self._read(file)
        try:
            flow = cloudpickle.loads(base64.b64decode(content["flow"]))
        except Exception as error:
            versions = _differences(content.get("versions"), _versions(cloudpickle))
            raise self.refuse(f"{file} cannot be unpickled: {fault_of(error)}{versions}") from error
        if not isinstance(flow, Flow) or flow.name != chosen:
            raise self.refuse(f"{file} holds {flow!r:.80}, not the flow {chosen!r}")
        return flow

    def _read(self, file: str) -> dict[str, Any]:
        try:
            content = json.loads(Path(file).read_bytes())
        except (OSError, ValueError) as error:
            raise self.refuse(f"{file} cannot be read: {error}") from error
        if not isinstance(content, dict) or "flow" not in content:
            raise self.refuse(f"{file} is not a file that a flow was stored in")
        return content


def _cloudpickle() -> Any:
    try:
        cloudpickle = import_module("cloudpickle")  # an optional part
    except ImportError:
        raise MissingExtra("pickle", "Storing a flow as a pickled file") from None
    return cloudpickle


def _versions(cloudpickle: Any) -> dict[str, str]:
    return {
        "cloudpickle": cloudpickle.__version__,
        "orchestra-client": __version__,
        "python": platform.python_version(),
    }


def _differences(then: Any, now: dict[str, str]) -> str:
    """What was another version when the flow was stored, as the end of a sentence."""
    stored = then if isinstance(then, dict) else {}
    differing = [
        f"{name} {stored[name]} then and {now[name]} now"
        for name in now
        if name in stored and stored[name] != now[name]
    ]
    return f" (stored with {', '.join(differing)})" if differing else ""


def _write(file: Path, content: bytes) -> None:
    """Write a file for its owner alone, at once or not at all: a run may be loading the one before it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(temporary).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
