"""The server as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from orchestra_client._version import __version__
from orchestra_client.server import services
from orchestra_client.server.endpoint import GraphQLEndpoint
from orchestra_client.server.explorer import ExplorerFiles, explorer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from orchestra_client.server.service import Service
    from orchestra_client.server.services import Background

PATHS = ("/graphql", "/", "/graphql/alpha")
"""Where the API answers; older clients use the last two."""

WRITERS = 16
"""Mutations answered at the same time. They queue for the database anyway; more threads would only wait."""

READERS = 12
"""Queries answered at the same time, beside the mutations."""


def create_app(service: Service, background: Background | None = None) -> Starlette:
    """The application around a service, which is closed when the application is shut down.

    Args:
        service: answers the requests.
        background: what the process does of its own accord as long as the application runs; None for nothing.
    """
    endpoint = GraphQLEndpoint(service, anyio.CapacityLimiter(WRITERS), anyio.CapacityLimiter(READERS))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if background:
            background.start()
        yield
        if background:
            await run_sync(background.stop)
        await run_sync(service.close)

    async def health(_request: Request) -> Response:
        body = await run_sync(_health, service)
        return JSONResponse(body, 200 if body["status"] == "ok" else 503)

    return Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path in PATHS),
            *(Route(path, explorer, methods=["GET"]) for path in PATHS),
            Route("/health", health, methods=["GET"]),
            Mount("/graphiql", ExplorerFiles()),
        ],
        lifespan=lifespan,
    )


def _health(service: Service) -> dict[str, Any]:
    """Whether the database answers, and when each background service last did its work, in whatever process."""
    body: dict[str, Any] = {"status": "unavailable", "version": __version__, "database": "unreachable"}
    if service.is_reachable():
        body |= {"status": "ok", "database": "reachable", "services": services.health(service.database)}
    return body
