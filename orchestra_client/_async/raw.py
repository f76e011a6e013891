"""Requests of one's own: any GraphQL, and plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations.raw import raw
from orchestra_client.web import web_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.graphql import GraphQLResult
    from orchestra_client.transport.gql_transport import AsyncOrchestraTransport

__all__ = ["AsyncRaw"]


class AsyncRaw(AsyncPart):
    """The client's methods for requests of one's own."""

    async def graphql(
        self,
        query: Any,
        raise_on_error: bool = True,
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> GraphQLResult:
        """Execute any query or mutation.

        A query is repeated when it fails for a reason that passes. A mutation is only repeated when it surely was
        not applied: nothing is known of what a repeat would do.

        Args:
            query: a string; dicts, lists and sets as :func:`~orchestra_client.graphql.parse_graphql` takes them; a
                `gql.GraphQLRequest`, `graphql.DocumentNode` or query of gql's DSL.
            raise_on_error: whether errors in the answer are raised; else they stand in its `errors`.
            headers: to send along.
            variables: the query's variables, by name.
            token: to authenticate with; unset means the client's own.

        Returns:
            The answer, readable as items and as attributes: ``result.data.flow_run[0].id``.

        Raises:
            ClientError: the API answered with errors.
            BadInput: the query or a variable cannot be sent.
            TransportError: no usable answer came back.
        """
        return await self._execute(
            raw(query, variables, headers=headers, token=token, raise_on_error=raise_on_error)
        )

    async def get(
        self,
        path: str,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> dict[str, Any]:
        """Send a GET request to a path of the server that is not GraphQL.

        Args:
            path: below the server's root, e.g. ``health``.
            server: another server's URL; unset means the client's own.
            headers: to send along.
            params: the query of the URL.
            token: to authenticate with; unset means the client's own, which is never sent to another server.

        Returns:
            The answer's JSON; empty when there is none.

        Raises:
            ClientError: the server answered with a status that says it failed.
            ConfigurationError: the client's server is not reached over HTTP.
        """
        return await self._fetch("GET", path, server=server, headers=headers, params=params, token=token)

    async def post(
        self,
        path: str,
        server: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> dict[str, Any]:
        """Send a POST request to a path of the server that is not GraphQL.

        Args:
            path: below the server's root.
            server: another server's URL; unset means the client's own.
            headers: to send along.
            params: the body, as JSON.
            token: to authenticate with; unset means the client's own, which is never sent to another server.

        Returns:
            The answer's JSON; empty when there is none.

        Raises:
            ClientError: the server answered with a status that says it failed.
            ConfigurationError: the client's server is not reached over HTTP.
        """
        return await self._fetch("POST", path, server=server, headers=headers, params=params, token=token)

    def gql_transport(self) -> AsyncOrchestraTransport:
        """This client as a transport of gql, for gql's own client, its DSL and its schema tools.

        Returns:
            What goes into ``gql.Client(transport=…)``; its requests go through this client, which it never closes.
        """
        from orchestra_client.transport.gql_transport import AsyncOrchestraTransport  # noqa: PLC0415

        return AsyncOrchestraTransport(self)

    def attach_headers(self, headers: Mapping[str, str]) -> None:
        """Add headers to every request from now on.

        Args:
            headers: by name, case not counting; one that is attached already is replaced.
        """
        self._session.headers.update({name.lower(): value for name, value in headers.items()})

    async def _fetch(self, method: str, path: str, *, token: str | None, **parts: Any) -> dict[str, Any]:
        call = web_call(method, path, own_server=self._session.server, token=token, **parts)
        answer: dict[str, Any] = await self._session.fetch(call)
        return answer
