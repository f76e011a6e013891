"""Which credential goes with a request, and getting another one when it no longer does."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client.auth import CredentialSource, TenantSession
from orchestra_client.errors import AuthenticationError, PermissionDenied, TransportError
from orchestra_client.operations.oidc import exchange_oidc_token
from orchestra_client.operations.tenants import refresh_token
from orchestra_client.procedures.tenants import login_to_tenant
from orchestra_client.transport.answers import is_unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.auth import Credentials
    from orchestra_client.auth.session import Step, Ticket
    from orchestra_client.clock import Clock
    from orchestra_client.operation import Operation, Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import JobLogin, Tenant
    from orchestra_client.transport import Response

__all__ = ["AsyncAuthentication"]

T = TypeVar("T")

_log = logging.getLogger("orchestra_client")

_TENANT_HEADER = "x-orchestra-tenant-id"


class AsyncAuthentication:
    """One credential for everyone who shares the client: logged in, refreshed and replaced once for all of them.

    Args:
        credentials: what to authenticate with.
        clock: tells the time.
    """

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self.credentials = credentials
        self.clock = clock
        # For a tenant without a session: the server asks for no token, or the token is bound to the tenant.
        self.tenant_headers: Mapping[str, str] = {}
        self._renewing = asyncio.Lock()

    async def execute(self, operation: Operation[T]) -> T:
        """Send an operation and read its answer; the session does it."""
        raise NotImplementedError

    async def run(self, procedure: Procedure[T]) -> T:
        """Execute what a procedure yields; the session does it."""
        raise NotImplementedError

    async def make_ready(self) -> None:
        """Log in or refresh, when that is due before the next request."""
        if self.credentials.next_step(self._epoch()):
            async with self._renewing:
                # Somebody else may have done it while this call waited for the lock.
                if step := self.credentials.next_step(self._epoch()):
                    await self._renew(step)

    async def login(
        self, tenant_slug: str | None, tenant_id: Id | None, *, typed_token: str | None = None
    ) -> Tenant:
        """Log in to a tenant and use it from now on; a login that fails changes nothing.

        Args:
            tenant_slug: the tenant's slug; may be None when `tenant_id` is given.
            tenant_id: the tenant's id; given both, both must fit.
            typed_token: an API token to use instead of the one there is; None for that.

        Returns:
            The tenant.
        """
        async with self._renewing:
            return await self._login(tenant_slug, tenant_id, typed_token)

    async def login_by_oidc(self, token: str, tenant: str | None, *, key: str) -> JobLogin:
        """Be the CI job that a token tells of from now on; a login that fails changes nothing.

        Args:
            token: that the CI made.
            tenant: slug or id of the tenant; None means the one that requests were to act in.
            key: the same for every repeat of this call.

        Returns:
            What the job may do, where and how long.
        """
        async with self._renewing:
            wish = self.credentials.wish
            if tenant is None and wish is not None:
                tenant = wish.tenant_id or wish.tenant_slug
            login = await self.execute(exchange_oidc_token(token, tenant, key=key))
            self.credentials.become(login.access_token, CredentialSource.OIDC)
            self.tenant_headers = {_TENANT_HEADER: login.tenant_id}
            return login

    async def adopt(self, login: Credentials) -> None:
        """Act by another login from now on, as where somebody has logged in anew.

        Args:
            login: with a token.
        """
        async with self._renewing:
            if login.api_token:
                self.credentials.become(
                    login.api_token, login.source, location=login.location, wish=login.wish
                )
                self.tenant_headers = {}

    async def logout(self) -> None:
        """Act as the API token itself from now on."""
        async with self._renewing:
            self.credentials.drop()
            self.tenant_headers = {}

    @property
    def tenant_id(self) -> str | None:
        """The tenant that requests act in, when it was chosen; None when the credential decides by itself."""
        session = self.credentials.session
        return session.tenant_id if session else self.tenant_headers.get(_TENANT_HEADER)

    async def _is_renewed(
        self, operation: Operation[Any], outcome: Response | TransportError, ticket: Ticket
    ) -> bool:
        """Whether the credential was refused, and there is a new one now to try again with."""
        if (
            operation.bearer is not None
            or isinstance(outcome, TransportError)
            or not is_unauthenticated(outcome)
        ):
            return False
        async with self._renewing:
            # All that were refused at the same moment come here; the first of them renews for the others.
            if self.credentials.ticket.generation == ticket.generation:
                if (step := self.credentials.renewal) is None:
                    return False
                await self._renew(step)
        return True

    async def _renew(self, step: Step) -> None:
        """Get a new session for the same tenant; to be called while holding the lock."""
        session = self.credentials.session
        if step == "refresh" and session is not None and session.refresh_token:
            try:
                answer = await self.execute(refresh_token(session.access_token, bearer=session.refresh_token))
            except (AuthenticationError, PermissionDenied) as error:
                _log.info("The session cannot be refreshed (%s); logging in again.", error)
                self.credentials.expire()
            else:
                self._accept(answer, session.tenant_id, session.tenant_slug)
                return
        wish = self.credentials.wish
        if wish is not None:
            await self._login(None if wish.tenant_id else wish.tenant_slug, wish.tenant_id)

    async def _login(
        self, tenant_slug: str | None, tenant_id: Id | None, typed_token: str | None = None
    ) -> Tenant:
        api_token = typed_token or self.credentials.api_token
        login = await self.run(login_to_tenant(tenant_slug, tenant_id, api_token=api_token))
        tenant = login.tenant
        if typed_token is not None:
            self.credentials.become(typed_token, CredentialSource.PROMPT)
        if login.tokens is None:
            self.credentials.drop()
            self.tenant_headers = {_TENANT_HEADER: tenant.id}
        else:
            self._accept(login.tokens, tenant.id, tenant.slug)
            self.tenant_headers = {}
        return tenant

    def _accept(self, answer: dict[str, Any], tenant_id: str, tenant_slug: str | None) -> None:
        now = self.credentials.server_time(self._epoch())
        self.credentials.accept(
            TenantSession.from_answer(answer, tenant_id=tenant_id, tenant_slug=tenant_slug, now=now)
        )

    def _epoch(self) -> float:
        return self.clock.now().timestamp()

    def _credential(self, operation: Operation[Any]) -> str:
        if operation.bearer is None or operation.bearer == self.credentials.api_token:
            return self.credentials.describe()
        return "the token given with the request" if operation.bearer else "no token"
