# Generated from orchestra_client/_async/client.py by tools/generate.py: do not edit.
"""The client itself: all its parts on one session."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING
from uuid import uuid4

from orchestra_client._sync.agents import Agents
from orchestra_client._sync.artifacts import Artifacts
from orchestra_client._sync.flow_runs import FlowRuns
from orchestra_client._sync.flows import Flows
from orchestra_client._sync.heartbeats import Heartbeats
from orchestra_client._sync.key_values import KeyValues
from orchestra_client._sync.limits import Limits
from orchestra_client._sync.login import Login
from orchestra_client._sync.logs import Logs
from orchestra_client._sync.opening import open_transport
from orchestra_client._sync.overview import Overview
from orchestra_client._sync.projects import Projects
from orchestra_client._sync.raw import Raw
from orchestra_client._sync.registration import Registration
from orchestra_client._sync.secrets import Secrets
from orchestra_client._sync.session import Session
from orchestra_client._sync.task_runs import TaskRuns
from orchestra_client._sync.tenants import Tenants
from orchestra_client._sync.timelines import Timelines
from orchestra_client._sync.tokens import Tokens
from orchestra_client._sync.trusts import Trusts
from orchestra_client._sync.watching import Watching
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
    from orchestra_client.transport import Transport

__all__ = ["Client"]


class Client(
    Login,
    Tokens,
    Trusts,
    Projects,
    Flows,
    Registration,
    Tenants,
    FlowRuns,
    Overview,
    TaskRuns,
    Watching,
    Timelines,
    Heartbeats,
    Logs,
    Agents,
    Limits,
    Secrets,
    KeyValues,
    Artifacts,
    Raw,
):
    """A synchronous client for an orchestration server, remote or embedded in this process.

    With nothing given, the server is the first of: `orchestra_client.context`, `ORCHESTRA_API_SERVER`, the saved
    login, and a store of this user's own in `ORCHESTRA_HOME`; one log line says which. The API token comes from the
    same places. Nothing is sent before the first call. ::

        with Client("https://orchestra.example.com", api_token="orc_…") as client:
            flow_run_id = client.create_flow_run(flow_id=flow_id, parameters={"day": "2026-11-20"})
            run = client.wait_for_flow_run(flow_run_id, timeout=600)

    Calls are retried while that is safe and may help: connection errors, 429, 5xx and the API's own transient errors,
    with growing pauses, within a budget of time. A lost answer never doubles anything.

    Safe to share between threads; they share one session, which is refreshed once for all of
    them. After `close`, and in a forked child, every call raises `ClientClosed`.

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
        transport: Transport | None = None,
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
        self._session = Session(
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

    def close(self) -> None:
        """Release the connections, or the embedded server. Closing twice does nothing."""
        self._session.close()

    def __enter__(self) -> Self:
        self._session.guard.check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
