"""The JSON of the states that the server itself puts runs into."""

from __future__ import annotations

from typing import Any

from orchestra_client.schemas.version import WIRE_VERSION


def serialized_state(type_name: str, message: str | None, **fields: Any) -> dict[str, Any]:
    """What the state's `serialize()` would write, without the classes, which take much longer to load.

    Args:
        type_name: the type, e.g. ``"Cancelled"``.
        message: for people.
        fields: those of the class itself, e.g. `start_time` of a Scheduled state.
    """
    return {
        "type": type_name,
        "message": message,
        "context": {},
        "cached_inputs": {},
        "_result": {"type": "NoResultType", "__version__": WIRE_VERSION},
        **fields,
        "__version__": WIRE_VERSION,
    }
