"""Tenants: logging in and out, finding and creating them, and the URLs of their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._async.base import AsyncPart
from orchestra_client.operations import tenants
from orchestra_client.operations.checks import filled
from orchestra_client.pages import check_pages, page_url, slug_of
from orchestra_client.procedures.tenants import find_default_tenant

if TYPE_CHECKING:
    from orchestra_client.results import Tenant

__all__ = ["AsyncTenants"]


class AsyncTenants(AsyncPart):
    """The client's methods for tenants."""

    async def get_available_tenants(self) -> list[Tenant]:
        """List the tenants that can be logged in to.

        Returns:
            The tenants in the order of their slugs: a user's memberships, or the one tenant of a token that is
            bound to it.
        """
        return await self._execute(tenants.get_available_tenants(bearer=self._session.credentials.api_token))

    async def get_default_tenant_slug(self, as_user: bool = True) -> str:
        """Find the slug of the tenant that requests act in.

        Args:
            as_user: whether the credential is a user's; only counts before a login to a tenant.

        Returns:
            The slug.

        Raises:
            NotFound: the credential acts in no tenant.
        """
        # A tenant that is only wished for yet is logged in to first.
        await self._session.make_ready()
        current_id = self._session.tenant_id
        return (await self._run(find_default_tenant(current_id=current_id, as_user=as_user))).slug

    async def create_tenant(self, name: str, slug: str | None = None) -> str:
        """Create a tenant, of which the caller becomes a member.

        Args:
            name: for people.
            slug: for URLs, unique; unset means the name in lower case with dashes.

        Returns:
            The id of the tenant.

        Raises:
            UniquenessViolation: there is a tenant with this slug.
            PermissionDenied: the credential is no user's.
        """
        chosen = slug_of(filled(name, "name")) if slug is None else slug
        return await self._execute(tenants.create_tenant(name, chosen, key=self._session.new_id()))

    async def get_cloud_url(self, subdirectory: str, id: str, as_user: bool = True) -> str:  # noqa: A002  # the API's name
        """Make the URL of a page about something, as the cloud of the older API has them.

        It only puts the parts together. `orchestra server start` serves no such pages, so there the URL is answered
        with 404.

        Args:
            subdirectory: what it is, e.g. ``flow-run``.
            id: its id.
            as_user: whether the credential is a user's; only counts before a login to a tenant.

        Returns:
            ``BASE/TENANT_SLUG/SUBDIRECTORY/ID``.

        Raises:
            ConfigurationError: the server is embedded in this process, and so has no URLs for people.
            NotFound: the credential acts in no tenant.
        """
        check_pages(self._session.server)
        slug = await self.get_default_tenant_slug(as_user=as_user)
        return page_url(self._session.server, slug, subdirectory, id)
