"""Results: where the values that tasks return are kept, so that a run that is started again need not run them again.

One kind of store a file; imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client.lazy import lazily

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

_HOMES: dict[str, str | None] = {
    "JSONSerializer": "serializers",
    "LocalResults": "local",
    "PickleSerializer": "serializers",
    "RemoteResults": "remote",
    "ResultStore": "base",
    "Serializer": "serializers",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
