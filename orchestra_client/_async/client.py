"""The client itself: all its parts on one session."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestra_client._async.agents import AsyncAgents
from orchestra_client._async.artifacts import AsyncArtifacts
from orchestra_client._async.flow_runs import AsyncFlowRuns
from orchestra_client._async.flows import AsyncFlows
from orchestra_client._async.heartbeats import AsyncHeartbeats
from orchestra_client._async.key_values import AsyncKeyValues
from orchestra_client._async.limits import AsyncLimits
from orchestra_client._async.login import AsyncLogin
from orchestra_client._async.logs import AsyncLogs
from orchestra_client._async.opening import open_transport
from orchestra_client._async.overview import AsyncOverview
from orchestra_client._async.projects import AsyncProjects
from orchestra_client._async.raw import AsyncRaw
from orchestra_client._async.registration import AsyncRegistration
from orchestra_client._async.secrets import AsyncSecrets
from orchestra_client._async.session import AsyncSession
from orchestra_client._async.task_runs import AsyncTaskRuns
from orchestra_client._async.tenants import AsyncTenants
from orchestra_client._async.timelines import AsyncTimelines
from orchestra_client._async.tokens import AsyncTokens
from orchestra_client._async.trusts import AsyncTrusts
from orchestra_client._async.watching import AsyncWatching
from orchestra_client.auth.resolution import resolve_login
from orchestra_client.auth.session import TenantWish
from orchestra_client.clock import Clock, SystemClock
from orchestra_client.config import warn_of_default
from orchestra_client.errors import BadInput
from orchestra_client.operations import checks
from orchestra_client.transport import RetryPolicy
from orchestra_client.transport.debug import enable_request_log

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from orchestra_client.operations.checks import Id
    from orchestra_client.transport import AsyncTransport

__all__ = ["AsyncClient"]


class AsyncClient(
    AsyncLogin,
    AsyncTokens,
    AsyncTrusts,
    AsyncProjects,
    AsyncFlows,
    AsyncRegistration,
    AsyncTenants,
    AsyncFlowRuns,
    AsyncOverview,
    AsyncTaskRuns,
    AsyncWatching,
    AsyncTimelines,
    AsyncHeartbeats,
    AsyncLogs,
    AsyncAgents,
    AsyncLimits,
    AsyncSecrets,
    AsyncKeyValues,
    AsyncArtifacts,
    AsyncRaw,
):
    """An asynchronous client for an orchestration server, remote or embedded in this process.

    With nothing given, the server is the first of: `orchestra_client.context`, `ORCHESTRA_API_SERVER`, the saved
    login, and a store of this user's own in `ORCHESTRA_HOME`; one log line says which. The API token comes from the
    same places. Nothing is sent before the first call. ::

        async with AsyncClient("https://orchestra.example.com", api_token="orc_…") as client:
            flow_run_id = await client.create_flow_run(flow_id=flow_id, parameters={"day": "2026-11-20"})
            run = await client.wait_for_flow_run(flow_run_id, timeout=600)

    Calls are retried while that is safe and may help: connection errors, 429, 5xx and the API's own transient errors,
    with growing pauses, within a budget of time. A lost answer never doubles anything.

    Safe to share between the tasks of one event loop; they share one session, which is refreshed once for all of
    them. After `aclose`, and in a forked child, every call raises `ClientClosed`.

    Args:
        api_server: ``http(s)://host``, ``sqlite:///path`` or ``memory:`` for an embedded server (the latter of its
            own, forgotten when the client is closed).
        api_token: the API token.
        tenant_id: the tenant to act in, by its id; unset means what the saved login or the token says.
        tenant_slug: the same by its slug.
        timeout: seconds to wait for each answer; unset means 30.
        retry: how patient to be; unset means pauses from half a second to ten, for a minute at most.
        http2: whether to speak HTTP/2 where the server does; needs the extra ``http2``.
        verify: whether to check the server's certificate; or the path of a CA bundle to check it with.
        proxy: the URL of a proxy; unset means what `HTTPS_PROXY` and its like say.
        transport: carries the requests instead of the one that `api_server` would need, and is closed with the
            client; for tests and unusual networks.
        clock: tells the time and waits; for tests.

    Raises:
        ConfigurationError: the server, the token or an option makes no sense, or nothing is configured in CI.
        BadInput: `tenant_id` is no UUID.
    """

    def __init__(
        self,
        api_server: str | None = None,
        api_token: str | None = None,
        *,
        tenant_id: Id | None = None,
        tenant_slug: str | None = None,
        timeout: float | None = None,
        retry: RetryPolicy | None = None,
        http2: bool = False,
        verify: bool | str = True,
        proxy: str | None = None,
        transport: AsyncTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):  # type: ignore[redundant-expr]  # callers may be unchecked
            raise BadInput(f"timeout is a number of seconds above 0, not {timeout!r}")
        enable_request_log(os.environ)
        # A transport of one's own knows where it leads; nothing shall be looked up, let alone opened, for it.
        login = resolve_login(api_server or ("memory:" if transport else None), api_token, os.environ)
        warn_of_default(login.server)
        if tenant_id is not None or tenant_slug is not None:
            wished_id = checks.optional(tenant_id, "tenant_id")
            login.credentials.want(TenantWish(wished_id, tenant_slug, "an argument"))
        self._server, self._store = login.server, login.store
        self._session = AsyncSession(
            transport or open_transport(login.server, http2=http2, verify=verify, proxy=proxy),
            login.credentials,
            retry=retry or RetryPolicy(),
            clock=clock or SystemClock(),
            random=random.random,
            new_id=lambda: str(uuid4()),
            timeout=timeout,
            server=login.server.shown,
        )

    def __repr__(self) -> str:
        credentials = self._session.credentials
        asks_nobody = self._server.is_embedded and credentials.api_token is None
        credential = "" if asks_nobody else f", {credentials.describe()}"
        return f"<{type(self).__name__} {self._server.shown}{credential}>"

    @property
    def api_server(self) -> str:
        """The URL of the server, without a password."""
        return self._server.shown

    @property
    def tenant_id(self) -> str | None:
        """The id of the tenant that was logged in to; None while the credential decides by itself."""
        return self._session.tenant_id

    async def aclose(self) -> None:
        """Release the connections, or the embedded server. Closing twice does nothing."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        self._session.guard.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
