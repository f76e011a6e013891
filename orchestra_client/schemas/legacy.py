"""What Prefect 0.3 to 0.8 wrote differently, brought into the shape of 0.9 to 1.4.

Sources: the state schemas of releases 0.5 to 0.8, and those of 0.3 and 0.4 in the project's history.

- 0.3, 0.4: `result` holds the bare value, where later `_result` holds a result with a type.
- 0.3, 0.4: `CachedState` keeps it in `cached_result`.
- 0.3: `cached_inputs` and `cached_parameters` are JSON objects written as strings.
- 0.3.0 to 0.3.2: `scheduled_time` became `start_time`.
- to 0.6: the types `CachedState` and `Aborted` became `Cached` and `Cancelled`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestra_client.states.hierarchy import RENAMED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_legacy", "upgrade"]

_MOVED = (("result", "_result"), ("cached_result", "_result"), ("scheduled_time", "start_time"))
_ONCE_STRINGS = ("cached_inputs", "cached_parameters")


def is_legacy(document: Mapping[str, Any]) -> bool:
    """Whether a state's JSON may be in an older shape; quick, since every state that is loaded passes here."""
    return "_result" not in document or document["type"] in RENAMED


def upgrade(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a state's JSON in today's shape.

    Args:
        document: the JSON of a state whose type is known, in any shape.

    Returns:
        The document under today's names. What has today's shape already is left alone.
    """
    upgraded = {**document, "type": RENAMED.get(document["type"], document["type"])}
    for old, new in _MOVED:
        if upgraded.get(new) is None and old in upgraded:
            upgraded[new] = upgraded.pop(old)
    for name in _ONCE_STRINGS:
        if isinstance(upgraded.get(name), str):
            upgraded[name] = _object_in(upgraded[name])
    return upgraded


def _object_in(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # the field itself refuses it, and says so
