"""JSON as the store and the API write it: fast where orjson can, exact where only the standard library is."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any) -> str:
    """Compact JSON text. Integers beyond 64 bits, which orjson refuses, go through the standard library."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes) -> Any:
    """The value of JSON text, integers of any size exactly, which orjson would round.

    Raises:
        ValueError: the text is not JSON; NaN and Infinity are not.
    """
    return _read(text if isinstance(text, str) else text.decode())


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


# json.loads would make a decoder for each call.
_read = json.JSONDecoder(parse_constant=_refuse).decode
