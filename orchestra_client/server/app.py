"""The server as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from orchestra_client._version import __version__
from orchestra_client.server.endpoint import GraphQLEndpoint
from orchestra_client.server.explorer import ExplorerFiles, explorer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from orchestra_client.server.service import Service

PATHS = ("/graphql", "/", "/graphql/alpha")
"""Where the API answers; older clients use the last two."""

WORKERS = 16
"""Requests answered at the same time. Writers queue for the database anyway; more threads would only wait."""


def create_app(service: Service) -> Starlette:
    """The application around a service, which is closed when the application is shut down.

    Args:
        service: answers the requests.
    """
    endpoint = GraphQLEndpoint(service, anyio.CapacityLimiter(WORKERS))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await run_sync(service.close)

    async def health(_request: Request) -> Response:
        is_reachable = await run_sync(service.is_reachable)
        status = "ok" if is_reachable else "unavailable"
        body = {
            "status": status,
            "version": __version__,
            "database": "reachable" if is_reachable else "unreachable",
        }
        return JSONResponse(body, 200 if is_reachable else 503)

    return Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path in PATHS),
            *(Route(path, explorer, methods=["GET"]) for path in PATHS),
            Route("/health", health, methods=["GET"]),
            Mount("/graphiql", ExplorerFiles()),
        ],
        lifespan=lifespan,
    )
