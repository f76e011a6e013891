"""The content hash of a serialized flow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from orchestra_client.errors import BadInput

__all__ = ["hash_document", "hash_flow"]

_SETS = ("tasks", "edges", "parameters", "reference_tasks")


def hash_flow(document: Mapping[str, Any]) -> str:
    """What tells one flow of this library from another.

    Args:
        document: the flow's JSON; it is not changed.

    Returns:
        SHA-256 in hexadecimal over the canonical JSON (sorted keys, no spaces, UTF-8) of everything but versions, and
        but where the storage put the flow: its `flows`, and the paths of a script whose source is there. The order of
        tasks, edges, parameters and reference tasks does not count.
    """
    storage = document.get("storage")
    if isinstance(storage, Mapping):
        storage = {name: value for name, value in storage.items() if name != "flows"}
    return hash_document({**document, "storage": storage})


def hash_document(document: Mapping[str, Any]) -> str:
    """What tells one serialized flow from another, whoever wrote it.

    Args:
        document: the flow's JSON; it is not changed.

    Returns:
        As for `hash_flow`, save that the storage's `flows` count: a foreign storage may put each build elsewhere, so
        that the place is all that tells changed code. They do not where the source itself is there.

    Raises:
        BadInput: it is not JSON.
    """
    content = _without_versions({**document, "storage": _stored(document.get("storage"))})
    for part in _SETS:
        if isinstance(content.get(part), list):
            content[part] = sorted(content[part], key=_canonical)
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(value: Any) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (TypeError, ValueError) as error:
        raise BadInput(f"the serialized flow is not JSON: {error}") from None


def _stored(storage: Any) -> Any:
    if not isinstance(storage, Mapping) or "sha256" not in storage:
        return storage
    return {name: value for name, value in storage.items() if name not in ("flows", "path", "directory")}


def _without_versions(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_versions(item) for key, item in value.items() if key != "__version__"}
    if isinstance(value, list | tuple):
        return [_without_versions(item) for item in value]
    return value
