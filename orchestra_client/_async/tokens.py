"""API tokens: making, listing and revoking them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations import tokens
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records
    from orchestra_client.results import ApiToken, Scope

__all__ = ["AsyncTokens"]


class AsyncTokens(AsyncPart):
    """The client's methods for API tokens."""

    async def create_api_token(
        self,
        name: str,
        scope: Scope = "TENANT",
        expires_in: timedelta | datetime | None = None,
        *,
        tenant_id: Id | None = None,
        flow_run_id: Id | None = None,
    ) -> ApiToken:
        """Create an API token. A lost answer never makes a second one.

        Args:
            name: what it is for.
            scope: ``USER`` acts as you in all your tenants, ``TENANT`` in one, ``RUNNER`` does what a run needs.
            expires_in: how long it works, or until when; unset means for ever.
            tenant_id: the tenant it acts in; unset means the one you are logged in to.
            flow_run_id: the single run that a ``RUNNER`` token is good for; unset means any.

        Returns:
            The token, its secret part in `token`, which is shown only this once.

        Raises:
            PermissionDenied: the scope is wider than your own.
            BadInput: the scope does not exist, an id is no UUID, or it expires in the past. Also a ValueError.
        """
        creation = tokens.create_api_token(
            name,
            scope,
            expires_at=tokens.end_of(expires_in, self._session.clock.now()),
            tenant_id=tenant_id,
            flow_run_id=flow_run_id,
            key=self._session.new_id(),
        )
        return await self._execute(creation)

    async def delete_api_token(self, token_id: Id) -> bool:
        """Revoke an API token, at once and with every session bought with it.

        Args:
            token_id: its id, from `create_api_token` or `api_tokens`.

        Returns:
            Whether it is gone.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: there is no such token among yours.
        """
        return await self._run(delete(tokens.delete_api_token(token_id)))

    async def api_tokens(self) -> Records[ApiToken]:
        """List the API tokens that you may see.

        Returns:
            The tokens without their secret parts.
        """
        return await self._execute(tokens.list_api_tokens())
