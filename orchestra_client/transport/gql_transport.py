"""A client as a transport of gql, so that gql's own client, its DSL and its schema tools work through it.

::

    from gql import Client as GQLClient, gql
    from orchestra_client.transport.gql_transport import OrchestraTransport

    session = GQLClient(transport=OrchestraTransport(client), fetch_schema_from_transport=True)
    session.execute(gql("{ hello }"))

Requests go through the client, with its credential, its connections and its retries. Its life is its own: gql opens and
closes a session per call, which does nothing here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from gql.transport import AsyncTransport as GQLAsyncTransport
from gql.transport import Transport as GQLTransport
from graphql import ExecutionResult

from orchestra_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from gql import GraphQLRequest

__all__ = ["AsyncOrchestraTransport", "OrchestraTransport"]


class _Client(Protocol):
    def graphql(self, query: Any, raise_on_error: bool) -> Mapping[str, Any]: ...


class _AsyncClient(Protocol):
    def graphql(self, query: Any, raise_on_error: bool) -> Awaitable[Mapping[str, Any]]: ...


class OrchestraTransport(GQLTransport):
    """Executes gql's requests through a client. As safe to share between threads, and as little across a fork, as it.

    Errors that the API answers come back in the result, from which gql makes a `TransportQueryError`; everything else,
    a lost connection or a refused credential, is raised as the client raises it.

    Args:
        client: an `orchestra_client.Client`; not closed with the transport.
    """

    def __init__(self, client: _Client) -> None:
        self._client = client

    def execute(self, request: GraphQLRequest, *_args: Any, **_options: Any) -> ExecutionResult:
        """Execute one request.

        Args:
            request: document, variables and operation name.

        Returns:
            The answer, errors included.

        Raises:
            OrchestraError: there was no answer.
        """
        return _result(self._client.graphql(request, raise_on_error=False))

    def execute_batch(
        self, reqs: list[GraphQLRequest], *_args: Any, **_options: Any
    ) -> list[ExecutionResult]:
        """Execute several requests, one after the other.

        Args:
            reqs: the requests.

        Returns:
            Their answers, in the same order.

        Raises:
            OrchestraError: one got no answer; those before it were executed.
        """
        return [self.execute(request) for request in reqs]


class AsyncOrchestraTransport(GQLAsyncTransport):
    """Executes gql's requests through an asynchronous client; see :class:`OrchestraTransport`.

    Args:
        client: an `orchestra_client.AsyncClient`; not closed with the transport.
    """

    def __init__(self, client: _AsyncClient) -> None:
        self._client = client

    async def connect(self) -> None:
        """Do nothing: the client connects when it needs to."""

    async def close(self) -> None:
        """Do nothing: the client is closed by whoever opened it."""

    async def execute(self, request: GraphQLRequest, *_args: Any, **_options: Any) -> ExecutionResult:
        """Execute one request; see :meth:`OrchestraTransport.execute`."""
        return _result(await self._client.graphql(request, raise_on_error=False))

    async def execute_batch(
        self, reqs: list[GraphQLRequest], *_args: Any, **_options: Any
    ) -> list[ExecutionResult]:
        """Execute several requests at the same time; their answers come in the order of the requests."""
        return await asyncio.gather(*(self.execute(request) for request in reqs))

    def subscribe(self, request: GraphQLRequest, *_args: Any, **_options: Any) -> NoReturn:
        """Refuse: the API has no subscriptions.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError("The API has no subscriptions; query in intervals instead.")


def _result(body: Mapping[str, Any]) -> ExecutionResult:
    return ExecutionResult(body.get("data"), body.get("errors"), body.get("extensions"))
