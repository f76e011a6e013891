"""Storages: where a run finds the code of its flow. One member a file; imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

if TYPE_CHECKING:
    from orchestra_client.flows.storage.base import Storage, UnknownStorage
    from orchestra_client.flows.storage.local import Local
    from orchestra_client.flows.storage.module import Module
    from orchestra_client.flows.storage.script import Script

__all__ = ["Local", "Module", "Script", "Storage", "UnknownStorage"]

_HOMES: dict[str, str | None] = {
    "Local": "local",
    "Module": "module",
    "Script": "script",
    "Storage": "base",
    "UnknownStorage": "base",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
