"""The content hash of a serialized flow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["hash_flow"]


def hash_flow(document: Mapping[str, Any]) -> str:
    """What tells one flow from another.

    Args:
        document: the flow's JSON; it is not changed.

    Returns:
        SHA-256 in hexadecimal over the canonical JSON (sorted keys, no spaces, UTF-8) of everything but versions, and
        but where the storage put the flow: its `flows`, and the paths of a script whose source is there.
    """
    content = _without_versions({**document, "storage": _stored(document.get("storage"))})
    canonical = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _stored(storage: Any) -> Any:
    if not isinstance(storage, Mapping):
        return storage
    places = {"flows", "path", "directory"} if "sha256" in storage else {"flows"}
    return {name: value for name, value in storage.items() if name not in places}


def _without_versions(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_versions(item) for key, item in value.items() if key != "__version__"}
    if isinstance(value, list):
        return [_without_versions(item) for item in value]
    return value
