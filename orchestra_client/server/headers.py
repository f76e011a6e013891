"""What the server reads from a request's headers, under our names and under those of older clients."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from orchestra_client.server.context import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REQUEST_ID = "x-request-id"

_REQUEST_ID = re.compile(r"[\w.:\-]{1,128}", re.ASCII)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers of an ASGI scope by their lower-case names; one that is repeated is joined by commas (RFC 9110, 5.3).

    So two tokens, or two tenants, are none: whoever stands between might go by the other one.
    """
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def credentials_of(headers: Mapping[str, str]) -> Credentials:
    """Who asks, in what tenant, and as what repeat of a request."""
    return Credentials(
        token=_bearer(headers.get("authorization", "")),
        tenant_id=headers.get("x-orchestra-tenant-id") or headers.get("x-prefect-tenant-id"),
        agent_id=headers.get("x-orchestra-agent-id") or headers.get("x-prefect-agent-id"),
        client_version=headers.get("x-orchestra-client-version") or headers.get("x-prefect-core-version"),
        idempotency_key=headers.get("idempotency-key"),
    )


def _bearer(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def request_id_of(headers: Mapping[str, str]) -> str:
    """The request's own id, where it is one that can be logged; else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
