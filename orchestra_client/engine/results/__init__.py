"""Results: where the values that tasks return are kept, so that a run that is started again need not run them again.

One kind of store a file; imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra_client.engine.results.base import ResultStore
    from orchestra_client.engine.results.local import LocalResults
    from orchestra_client.engine.results.remote import RemoteResults
    from orchestra_client.engine.results.serializers import JSONSerializer, PickleSerializer, Serializer

__all__ = [
    "JSONSerializer",
    "LocalResults",
    "PickleSerializer",
    "RemoteResults",
    "ResultStore",
    "Serializer",
]

_HOMES = {
    "JSONSerializer": "serializers",
    "LocalResults": "local",
    "PickleSerializer": "serializers",
    "RemoteResults": "remote",
    "ResultStore": "base",
    "Serializer": "serializers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
