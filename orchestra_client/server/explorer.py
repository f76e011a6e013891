"""GraphiQL in the browser, from files of our own: it works without the internet and asks nobody else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

_FOLDER = Path(__file__).parent / "static" / "graphiql"

_PROTECTION = {
    # Everything comes from this server; the icons in the style sheet are data of its own.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


async def explorer(request: Request) -> Response:
    """GraphiQL for a browser; anything else that comes with GET is told to use POST."""
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_page(), headers=_PROTECTION)
    message = "GraphQL requests are sent with POST; open this address in a browser for GraphiQL."
    error = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    return JSONResponse({"errors": [error], "data": None}, 405, {"allow": "GET, POST"})


@cache
def _page() -> str:
    return (_FOLDER / "index.html").read_text(encoding="utf-8")


class ExplorerFiles(StaticFiles):
    """The scripts and styles of the page."""

    def __init__(self) -> None:
        super().__init__(directory=_FOLDER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, and with the same protection as the page."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                protection = [(name.encode(), value.encode()) for name, value in _PROTECTION.items()]
                message["headers"] = [*message["headers"], *protection]
            await send(message)

        await super().__call__(scope, receive, send_protected)
