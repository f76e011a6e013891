"""JSON as the store and the API write it: fast where orjson can, exact where only the standard library is."""

from __future__ import annotations

import json
import math
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
        ValueError: the text is not JSON; NaN and Infinity are not, nor is a number that only Infinity could stand for.
    """
    return _read(text if isinstance(text, str) else text.decode())


def count(text: bytes) -> int:
    """How many values JSON text holds, at most; found without reading it, which can take twenty times its length."""
    # A value stands behind one of these, but for the keys and values of objects.
    return sum(text.count(sign) for sign in (b",", b"[", b"{"))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


# json.loads would make a decoder for each call.
_read = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
