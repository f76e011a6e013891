"""Squeeze a serialized flow into a string, and open such strings without trusting them."""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Mapping
from math import isfinite
from typing import Any

from orchestra_client.errors import BadInput

__all__ = ["compress", "decompress"]

# RFC 1952: magic, deflate, no flags, no time, default effort, unknown system. Fixed, as Python's own header
# differs between versions, and a flow is recognised as unchanged by these bytes.
_GZIP_HEADER = bytes.fromhex("1f8b 08 00 00000000 00 ff")

_RAW_DEFLATE = -zlib.MAX_WBITS
_GZIP_WRAPPED = 16 + zlib.MAX_WBITS


def compress(obj: Any) -> str:
    """JSON, gzipped and base64-encoded: the form in which the API takes a serialized flow.

    Equal objects, their keys in the same order, give the same string at any time.

    Args:
        obj: anything JSON can express.

    Returns:
        ASCII text.

    Raises:
        BadInput: it holds something JSON cannot express, NaN and infinities included; the message names its path.
    """
    data = _to_json(obj)
    deflate = zlib.compressobj(wbits=_RAW_DEFLATE)
    body = deflate.compress(data) + deflate.flush()
    trailer = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return binascii.b2a_base64(_GZIP_HEADER + body + trailer, newline=False).decode("ascii")


def decompress(string: str, *, max_bytes: int = 64 * 1024 * 1024) -> Any:
    """The object that :func:`compress` was given.

    Args:
        string: base64 of gzip of JSON; line breaks in it are ignored.
        max_bytes: how large the JSON may be, in bytes. No more than this is ever unpacked, however small the
            string; 64 MiB unless set.

    Returns:
        The object.

    Raises:
        BadInput: it is not base64, gzip or JSON (the message says which), incomplete, or larger than `max_bytes`.
    """
    data = _unzip(_from_base64(string), max_bytes)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the compressed string does not hold JSON: {error}") from None


def _from_base64(string: str) -> bytes:
    try:
        return binascii.a2b_base64("".join(string.split()), strict_mode=True)
    except ValueError as error:
        raise BadInput(f"the compressed string is not base64: {error}") from None


def _unzip(packed: bytes, max_bytes: int) -> bytes:
    inflate = zlib.decompressobj(wbits=_GZIP_WRAPPED)
    try:
        # One byte more than allowed tells "just fits" from "too large".
        data = inflate.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise BadInput(f"the compressed string is not gzip: {error}") from None
    if len(data) > max_bytes:
        raise BadInput(
            f"the compressed string unpacks to more than {max_bytes} bytes, the most that is accepted"
        )
    if not inflate.eof:
        raise BadInput("the compressed string ends in the middle: part of it was lost")
    if inflate.unused_data:
        raise BadInput(f"the compressed string goes on for {len(inflate.unused_data)} bytes after its end")
    return data


def _to_json(obj: Any) -> bytes:
    try:
        return json.dumps(obj, allow_nan=False).encode("ascii")
    except RecursionError:
        raise BadInput("the object is nested too deeply to be JSON, or holds itself") from None
    except (TypeError, ValueError) as error:
        raise BadInput(f"{_path_of_fault(obj) or 'the object'} cannot be written as JSON: {error}") from None


def _path_of_fault(value: Any, path: str = "$", depth: int = 100) -> str | None:
    """The path of the first value that JSON cannot express, with what it is."""
    if value is None or isinstance(value, (str, bool, int)) or depth == 0:
        return None
    if isinstance(value, float):
        return None if isfinite(value) else f"{path} ({value})"
    if isinstance(value, Mapping):
        children = [(f"{path}.{key}", child) for key, child in value.items()]
    elif isinstance(value, (list, tuple)):
        children = [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    else:
        return f"{path} ({type(value).__name__})"
    return next((found for at, child in children if (found := _path_of_fault(child, at, depth - 1))), None)
