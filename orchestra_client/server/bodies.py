"""Request bodies: read within bounds, and understood as GraphQL requests."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, PayloadTooLarge
from orchestra_client.server.service import GraphQLRequest
from orchestra_client.server.store import json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

MAX_DISCARDED = 4
"""How many times the limit is still received, and thrown away, of a body that is too large.

A client that is cut off while it sends never reads why.
"""

MAX_VALUES = 4_000_000
"""Values of a body: lists, objects and what is in them. Each costs far more memory than its text."""


class Disconnected(Exception):
    """The client left before its body was complete."""


async def read_body(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes:
    """The body, of which never more than `limit` bytes are kept.

    Raises:
        PayloadTooLarge: it is longer, or says so.
        Disconnected: the client left.
    """
    declared = headers.get("content-length", "")
    is_too_large = declared.isascii() and declared.isdigit() and int(declared) > limit
    if is_too_large and headers.get("expect", "").lower() == "100-continue":
        raise _too_large(limit)
    chunks: list[bytes] = []
    received, has_more = 0, True
    while has_more and received <= limit * MAX_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk, has_more = message.get("body", b""), message.get("more_body", False)
        received += len(chunk)
        is_too_large = is_too_large or received > limit
        if is_too_large:
            chunks.clear()
        else:
            chunks.append(chunk)
    if is_too_large:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The request is longer than {limit} bytes; nothing of it was applied. Send less at once."
    )


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before its `Content-Encoding`.

    Raises:
        BadInput: the encoding is neither gzip nor none, or the body is damaged.
        PayloadTooLarge: decompressed, it is longer than `limit`.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise BadInput(f"The Content-Encoding {encoding!r} is not understood; send gzip or none.")
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(body, limit + 1)
    except zlib.error:
        raise BadInput("The body is not sound gzip.") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not inflate.eof or inflate.unused_data:
        raise BadInput("The body is incomplete gzip, or has more behind its end.")
    return plain


def read_request(body: bytes, request_id: str) -> GraphQLRequest:
    """The GraphQL request of a JSON body.

    Raises:
        BadInput: it is no JSON, or no GraphQL request.
        PayloadTooLarge: it holds too many values.
    """
    payload = _json(body, "The body")
    if isinstance(payload, list):
        raise BadInput("Batches of requests are not supported; put several fields into one, under aliases.")
    if not isinstance(payload, dict):
        raise BadInput('The body must be a JSON object: {"query": "…", "variables": {…}}.')
    query, operation_name = payload.get("query"), payload.get("operationName")
    if not isinstance(query, str):
        raise BadInput("`query` must be a string that holds a GraphQL document.")
    if not isinstance(operation_name, str | None):
        raise BadInput("`operationName` must be a string or null.")
    return GraphQLRequest(query, _variables(payload.get("variables")), operation_name or None, request_id)


def _variables(value: Any) -> dict[str, Any] | None:
    # Older clients send the variables as JSON text within the JSON, often "null".
    if isinstance(value, str):
        value = _json(value.encode("utf-8", "surrogatepass"), "`variables`") if value.strip() else None
    if not isinstance(value, dict | None):
        raise BadInput("`variables` must be an object, JSON text of one, or null.")
    return value


def _json(text: bytes, what: str) -> Any:
    if len(text) > MAX_VALUES and json.count(text) > MAX_VALUES:
        raise PayloadTooLarge(f"{what} holds more than {MAX_VALUES} values. Send less at once.")
    try:
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadInput(f"{what} is not UTF-8.") from None
    except RecursionError:
        raise BadInput(f"{what} is nested too deeply; flatten it.") from None
    except ValueError as error:
        raise BadInput(f"{what} is not JSON: {error}.") from None
