"""A server that costs next to nothing: it answers every operation that the benchmarks send with the same bytes.

Runs as a process of its own, prints the port it listens on, and ends when its standard input does::

    python benchmarks/stub_server.py
"""

from __future__ import annotations

import asyncio
import json
import sys
from email.utils import formatdate
from typing import Any

TASK_RUN_ID = "3f0c9f0e-6a52-4bd8-9d7a-1b6f5c3b7a10"
FLOW_RUN_ID = "b7a43f6e-8e21-4a55-8a3c-52f3c0c7d911"

_STATE = {"id": TASK_RUN_ID, "status": "SUCCESS", "message": None, "code": None, "version": 2}
_BEAT = {"id": FLOW_RUN_ID, "success": True, "state": "Running", "version": 2, "message": None}

# By what is looked for in the request, the first that is found.
_ANSWERS: dict[bytes, dict[str, Any]] = {
    b"set_task_run_states": {"set_task_run_states": {"states": [_STATE]}},
    b"update_heartbeats": {"update_heartbeats": {"heartbeats": [_BEAT]}},
    b"update_flow_run_heartbeat": {"update_flow_run_heartbeat": {"success": True}},
    b"write_run_logs": {"write_run_logs": {"success": True}},
    b"capabilities": {
        "get_capabilities": {"capabilities": ["transition_id", "update_heartbeats", "idempotency_key_header"]}
    },
    b"tenant": {"tenant": [{"id": "00000000-0000-0000-0000-000000000001"}]},
}
_LENGTH = b"content-length:"


def _message(answer: dict[str, Any]) -> bytes:
    body = json.dumps({"data": answer}, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ndate: {formatdate(usegmt=True)}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """One connection that is kept alive; requests come one after the other, each with a Content-Length."""

    _transport: asyncio.Transport

    def __init__(self, messages: dict[bytes, bytes]) -> None:
        self._messages = messages
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            self._received = b""
            self._transport.write(next(text for mark, text in self._messages.items() if mark in body))


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(_LENGTH) + len(_LENGTH)
    return int(lowered[start:].split(b"\r\n", 1)[0])


async def main() -> None:
    """Answer until the standard input ends."""
    loop = asyncio.get_running_loop()
    messages = {mark: _message(answer) for mark, answer in _ANSWERS.items()}
    server = await loop.create_server(lambda: _Connection(messages), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
