"""GraphQL over HTTP."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from anyio.to_thread import run_sync
from starlette.responses import Response

from orchestra_client.errors import BadInput, OrchestraError
from orchestra_client.server.bodies import Disconnected, decompress, read_body, read_request
from orchestra_client.server.failures import describe
from orchestra_client.server.headers import REQUEST_ID, credentials_of, headers_of, request_id_of

if TYPE_CHECKING:
    import anyio
    from starlette.types import Receive, Scope, Send

    from orchestra_client.server.service import Answer, GraphQLRequest, Service

logger = logging.getLogger("orchestra_client.server.access")

_MEDIA_TYPES = ("application/json", "application/graphql+json")
# Digits of the length of a body that is read whoever sent it.
_SHORT = 5
_OPERATION = re.compile(r"\s*(?:query|mutation)\s+(\w{1,64})", re.ASCII)
# Bytes of a body in which the document is looked for.
_HEAD = 16 * 1024
_MUTATION = re.compile(rb'"query"\s*:\s*"(?:\\[nrt]|\s)*mutation\b')


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """An ASGI application that answers POST requests from a service, in worker threads.

    Safe to share between tasks of one event loop.

    Attributes:
        service: answers.
        writers: how many mutations are answered at the same time.
        readers: the same of queries. Queries may take long; heartbeats and states do not wait for them.
    """

    service: Service
    writers: anyio.CapacityLimiter
    readers: anyio.CapacityLimiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        headers = headers_of(scope["headers"])
        exchange = _Exchange(self.service, headers, request_id_of(headers))
        try:
            exchange.check_media_type()
            refusal = (
                await run_sync(exchange.turned_away, limiter=self.writers) if exchange.is_costly else None
            )
            if refusal is None:
                body = await read_body(headers, receive, self.service.settings.max_body_bytes)
                limiter = self.writers if exchange.is_encoded or _is_mutation(body) else self.readers
                status, content = await run_sync(exchange.answer, body, limiter=limiter)
            else:
                status, content = refusal
        except Disconnected:
            return
        except _Unacceptable as refused:
            status, content = refused.status, exchange.refusal(refused.error)
        except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer)
            status, content = 200 if isinstance(error, OrchestraError) else 500, exchange.refusal(error)
        response_headers = {REQUEST_ID: exchange.request_id}
        response = Response(content, status, response_headers, media_type="application/json")
        await response(scope, receive, send)
        elapsed = (time.perf_counter() - started) * 1000
        logger.info("%s %s %d %.1f ms", exchange.request_id, exchange.operation, status, elapsed)


class _Unacceptable(Exception):
    """The request is no GraphQL request; answered with its own HTTP status."""

    def __init__(self, status: int, error: BadInput) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


@dataclass(slots=True)
class _Exchange:
    """One request and its answer; `operation` names it in the log once it is known."""

    service: Service
    headers: dict[str, str]
    request_id: str
    operation: str = "-"

    def check_media_type(self) -> None:
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES:
            wanted = " or ".join(_MEDIA_TYPES)
            raise _Unacceptable(
                415, BadInput(f"Send the request as {wanted}, not as {media_type or 'nothing'}.")
            )

    @property
    def is_costly(self) -> bool:
        """Whether the body is, or may turn out to be, so large that strangers shall not have it read."""
        length = self.headers.get("content-length", "")
        is_short = length.isascii() and length.isdigit() and len(length) <= _SHORT
        return not is_short or self.is_encoded

    @property
    def is_encoded(self) -> bool:
        """Whether the body cannot be looked at as it is."""
        return "content-encoding" in self.headers

    def turned_away(self) -> tuple[int, bytes] | None:
        """What a stranger is answered; called in a worker thread."""
        answer = self.service.turned_away(credentials_of(self.headers), self.request_id)
        return None if answer is None else (answer.status, _encoded(answer.body))

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body; called in a worker thread, where a large request holds nobody up."""
        try:
            encoding = self.headers.get("content-encoding", "").strip().lower()
            plain = decompress(body, encoding, self.service.settings.max_body_bytes)
            request = read_request(plain, self.request_id)
        except BadInput as error:
            raise _Unacceptable(400, error) from None
        self.operation = _name(request)
        answer: Answer = self.service.execute(request, credentials_of(self.headers))
        return answer.status, _encoded(answer.body)

    def refusal(self, error: Exception) -> bytes:
        return _encoded({"errors": [describe(error, request_id=self.request_id)], "data": None})


def _is_mutation(body: bytes) -> bool:
    """Whether a request looks like a mutation, without reading it: only how long it waits depends on that."""
    return _MUTATION.search(body, 0, _HEAD) is not None


def _name(request: GraphQLRequest) -> str:
    """The operation's name for the log, where nothing else of a document belongs: it may hold secrets."""
    name = re.sub(r"\W", "", request.operation_name or "", flags=re.ASCII)[:64]
    if not name and (match := _OPERATION.match(request.query)):
        name = match.group(1)
    return name or "-"


def _encoded(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Integers beyond 64 bits, and what is left of a damaged string that an error quotes.
        return json.dumps(body, separators=(",", ":")).encode()
