"""Storages: where a run finds the code of its flow. One member a file; imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.flows.storage.base import Storage, UnknownStorage
    from orchestra_client.flows.storage.local import Local
    from orchestra_client.flows.storage.module import Module
    from orchestra_client.flows.storage.script import Script

__all__ = ["Local", "Module", "Script", "Storage", "UnknownStorage"]

_HOMES = {
    "Local": "local",
    "Module": "module",
    "Script": "script",
    "Storage": "base",
    "UnknownStorage": "base",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
