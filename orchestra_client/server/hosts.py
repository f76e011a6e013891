"""Which names a server without login answers to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class LoopbackNames:
    """Passes on requests that were sent to this machine under a name of its own, and no others.

    A web page elsewhere can have its own name resolved to 127.0.0.1, and then talk to whatever listens here from the
    browser of whoever opened it (DNS rebinding). Its requests carry its name. Safe to share between tasks.

    Attributes:
        app: gets the requests.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else "localhost"
        if _is_loopback(host):
            await self.app(scope, receive, send)
            return
        message = "A server without login answers only to localhost and loopback addresses."
        error = {"message": message, "extensions": {"code": "FORBIDDEN"}}
        await JSONResponse({"errors": [error], "data": None}, 421)(scope, receive, send)


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
