"""Text that every database takes: PostgreSQL refuses NUL, and nothing can encode half of a surrogate pair."""

from __future__ import annotations

import re
from typing import Any

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: Any) -> Any:
    """A JSON value in whose texts, keys included, each character that cannot be stored became U+FFFD.

    Args:
        value: any JSON value. It is not changed.

    Returns:
        A copy where there was something to replace or to look into, else the value itself.
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value
