"""Trusts: which CI jobs may log in to the tenant without a lasting secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.auth.oidc import default_audience
from orchestra_client.errors import ConfigurationError
from orchestra_client.operations import oidc
from orchestra_client.procedures.deletion import delete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestra_client.config import ServerChoice
    from orchestra_client.operations.checks import Id
    from orchestra_client.records import Records
    from orchestra_client.results import Scope, Trust

__all__ = ["AsyncTrusts"]


class AsyncTrusts(AsyncPart):
    """The client's methods for trusts."""

    _server: ServerChoice

    async def create_trust(
        self,
        name: str,
        *,
        issuer: str,
        claims: Mapping[str, str],
        audience: str | None = None,
        scope: Scope = "TENANT",
        lifetime: int = 900,
    ) -> Trust:
        """Let jobs of a CI log in to the tenant by the OpenID Connect tokens that the CI makes for them.

        Args:
            name: what it is for.
            issuer: the CI's `iss`, exactly, e.g. ``https://token.actions.githubusercontent.com`` or
                ``https://gitlab.com``.
            claims: by the name of a claim the pattern that its value must match as a whole, in its case: ``*``, ``?``
                and ``[…]`` as in a shell, a star also across slashes. All must match. At an issuer that everybody can
                use, one of them has to tell whose the job is: ``{"repository": "acme/flows"}``.
            audience: whom tokens must be made for; unset means the server's URL without its path, which
                `login_with_oidc` asks for, too.
            scope: what the jobs may do: ``TENANT`` or ``RUNNER``.
            lifetime: seconds that their login lives, from 60 to 3600.

        Returns:
            The trust.

        Raises:
            BadInput: it would let in whom nobody named, or nobody at all.
            UniquenessViolation: the tenant has a trust of that name.
            PermissionDenied: the credential may not, as that of a CI job or a RUNNER, or one that expires.
            ConfigurationError: the server lets no jobs in.
        """
        await self._check_server()
        creation = oidc.create_trust(
            name,
            issuer=issuer,
            audience=default_audience(self._server.url) if audience is None else audience,
            claims=claims,
            scope=scope,
            lifetime=lifetime,
            key=self._session.new_id(),
        )
        return await self._execute(creation)

    async def trusts(self) -> Records[Trust]:
        """List the tenant's trusts.

        Returns:
            The trusts, by name.

        Raises:
            ConfigurationError: the server lets no jobs in.
        """
        await self._check_server()
        return await self._execute(oidc.list_trusts())

    async def delete_trust(self, trust_id: Id) -> bool:
        """Let its jobs in no more, and end at once what they logged in to by it.

        Args:
            trust_id: its id, from `create_trust` or `trusts`.

        Returns:
            Whether it is gone.

        Raises:
            BadInput: the id is no UUID. Also a ValueError.
            NotFound: the tenant has no such trust.
            PermissionDenied: the credential may not, as that of a CI job or a RUNNER, or one that expires.
        """
        return await self._run(delete(oidc.delete_trust(trust_id)))

    async def _check_server(self) -> None:
        if not await self._server_has("oidc"):
            raise ConfigurationError(
                f"{self._server.shown} lets no CI jobs in by OIDC; use API tokens, or a server that has the "
                "capability oidc"
            )
