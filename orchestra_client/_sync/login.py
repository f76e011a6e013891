# Generated from orchestra_client/_async/login.py by tools/generate.py: do not edit.
"""Logging in to tenants, and the tokens of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestra_client._sync.base import Part
from orchestra_client.auth import CredentialSource
from orchestra_client.errors import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from orchestra_client.auth.store import CredentialStore
    from orchestra_client.config import ServerChoice
    from orchestra_client.operations.checks import Id

__all__ = ["Login"]


class Login(Part):
    """The client's methods for its own credential."""

    _server: ServerChoice
    _store: CredentialStore
    _is_saved: bool = False

    def login_to_tenant(self, tenant_slug: str | None = None, tenant_id: Id | None = None) -> bool:
        """Log in to a tenant; everything from now on happens in it, and its session renews itself.

        When the client works with this user's saved login, the tenant is saved, too. A login that fails changes
        nothing, in the client as on disk.

        Args:
            tenant_slug: the tenant's slug; may be left out when `tenant_id` is given.
            tenant_id: the tenant's id; given both, both must fit.

        Returns:
            True.

        Raises:
            BadInput: neither is given, or the id is no UUID. Also a ValueError.
            NoSuchTenant: the API token sees no such tenant. Also a ValueError.
            PermissionDenied: the API token is not for logging in to tenants.
            AuthenticationError: the API token was refused.
        """
        tenant = self._session.login(tenant_slug, tenant_id)
        if self._has_saved_login():
            self._store.set_tenant(self._server.url, tenant_id=tenant.id, tenant_slug=tenant.slug)
        return True

    def logout_from_tenant(self) -> None:
        """Leave the tenant: from now on the API token acts as itself. A saved tenant is forgotten."""
        self._session.logout()
        if self._has_saved_login():
            self._store.set_tenant(self._server.url, tenant_id=None)

    def get_auth_token(self) -> str:
        """The token that requests are sent with: the API token, or in a tenant an access token with life in it.

        An access token that expires within 30 seconds by the server's clock is refreshed first.

        Returns:
            The token in full.

        Raises:
            AuthenticationError: there is no token, or it cannot be refreshed.
        """
        self._session.make_ready()
        token = self._session.credentials.ticket.bearer
        if token is None:
            raise AuthenticationError(
                f"There is no token: {self._session.credentials.describe()}. Pass api_token=, or set "
                "ORCHESTRA_API_TOKEN."
            )
        return token

    def save_api_token(self) -> None:
        """Save the API token and the tenant as this user's login for the server, readable by the user alone.

        Raises:
            ConfigurationError: there is no token to save, or it cannot be saved.
        """
        credentials = self._session.credentials
        if credentials.api_token is None:
            raise ConfigurationError(
                f"There is no API token to save for {self._server.shown}; pass api_token=."
            )
        wish = credentials.wish
        self._store.save_login(
            self._server.url,
            credentials.api_token,
            tenant_id=wish.tenant_id if wish else None,
            tenant_slug=wish.tenant_slug if wish else None,
        )
        self._is_saved = True

    def _has_saved_login(self) -> bool:
        return self._is_saved or self._session.credentials.source is CredentialSource.SAVED_LOGIN
