# Generated from orchestra_client/_async/login.py by tools/generate.py: do not edit.
"""Logging in to tenants, and the tokens of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra_client._sync.base import Part
from orchestra_client.auth import CredentialSource, oidc
from orchestra_client.auth.resolution import checked_token
from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    ConfigurationError,
    NoSuchTenant,
    mask_token,
)
from orchestra_client.operations.tenants import get_available_tenants
from orchestra_client.prompting import Person, PersonHere, sync_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestra_client.auth.store import CredentialStore
    from orchestra_client.config import ServerChoice
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import JobLogin, Tenant

__all__ = ["Login"]

T = TypeVar("T")


class Login(Part):
    """The client's methods for its own credential."""

    _server: ServerChoice
    _store: CredentialStore
    _person: Person = PersonHere()
    _is_saved: bool = False

    def login_to_tenant(self, tenant_slug: str | None = None, tenant_id: Id | None = None) -> bool:
        """Log in to a tenant; everything from now on happens in it, and its session renews itself.

        Without arguments it takes the only tenant that the token sees. In a notebook or at a terminal it asks for what
        it needs to know: for the API token when there is none and the server wants one, without showing it, and for
        the tenant when there are several. `save_api_token` keeps what was typed.

        When the client works with this user's saved login, the tenant is saved, too. A login that fails changes
        nothing, in the client as on disk.

        Args:
            tenant_slug: the tenant's slug; may be left out when `tenant_id` is given.
            tenant_id: the tenant's id; given both, both must fit.

        Returns:
            True.

        Raises:
            BadInput: neither is given, there are several tenants and nobody answers which; or the id is no UUID. Also
                a ValueError.
            NoSuchTenant: the API token sees no such tenant. Also a ValueError.
            PermissionDenied: the API token is not for logging in to tenants.
            AuthenticationError: the API token was refused, or there is none and nobody to ask.
            ConfigurationError: what was typed cannot be a token.
        """
        typed_token = None
        if tenant_slug is None and tenant_id is None:
            typed_token, tenant_id = self._whom_and_where()
        tenant = self._session.login(tenant_slug, tenant_id, typed_token=typed_token)
        if typed_token is not None:
            self._person.tell(
                f"Logged in to {tenant.slug}. To keep the token for next time: save_api_token()"
            )
        if self._has_saved_login():
            self._store.set_tenant(self._server.url, tenant_id=tenant.id, tenant_slug=tenant.slug)
        return True

    def login_with_oidc(
        self, token: str | None = None, *, audience: str | None = None, tenant: str | None = None
    ) -> JobLogin:
        """Log in as the CI job that this is, by the OpenID Connect token that its CI gives it.

        An admin of the tenant has to trust the CI's tokens first: `create_trust`. From now on the client acts as the
        job. Nothing can renew that, so log in anew when it has ended; each token is good for one login. A login that
        fails changes nothing.

        Args:
            token: the token; unset means that of `ORCHESTRA_OIDC_TOKEN`, as GitLab's `id_tokens:` can set it, or else
                a new one of GitHub Actions, which needs `permissions: id-token: write`.
            audience: whom a new token is to be made for; unset means what `ORCHESTRA_OIDC_AUDIENCE` says, or else the
                server's URL without its path.
            tenant: slug or id of the tenant; unset means the one that the client was to act in, or else the server's
                only one.

        Returns:
            What the job may do, where, and until when.

        Raises:
            ConfigurationError: there is no token; the message says what the CI's settings lack. Or the server lets
                no jobs in.
            AuthenticationError: the token was refused; the message says which check failed.
        """
        if token is None:
            token = self._ci_token(audience or os.environ.get("ORCHESTRA_OIDC_AUDIENCE"))
        try:
            return self._session.login_by_oidc(token, tenant, key=self._session.new_id())
        except BadInput as error:
            if error.code != "GRAPHQL_VALIDATION_FAILED":
                raise
            raise ConfigurationError(
                f"{self._server.shown} lets no CI jobs in by OIDC; use an API token, or a server that has the "
                "capability oidc"
            ) from error

    def _ci_token(self, audience: str | None) -> str:
        found = oidc.find_token(os.environ, audience or oidc.default_audience(self._server.url))
        return found if isinstance(found, str) else oidc.token_of(self._session.fetch(found))

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

    def _whom_and_where(self) -> tuple[str | None, str]:
        """Find out as whom and in which tenant to act; returns a token when one was typed, and the tenant's id."""
        typed_token, available = None, self._visible_tenants()
        if available is None:
            typed_token, available = self._ask_whom()
        if not available:
            raise NoSuchTenant("this token sees no tenant at all; ask its owner for another one")
        if len(available) == 1:
            return typed_token, available[0].id
        slugs = [tenant.slug for tenant in available]
        if not self._person.is_there():
            raise BadInput(
                f"say which tenant: tenant_slug or tenant_id. This token sees {', '.join(slugs)}, and there is nobody "
                "to choose"
            )
        return typed_token, available[self._answer(self._person.choose, "Which tenant?", slugs)].id

    def _visible_tenants(self) -> list[Tenant] | None:
        """The tenants that can be logged in to; None when the server wants a token that somebody may type."""
        known = self._session.credentials.api_token
        try:
            return self._execute(get_available_tenants(bearer=known))
        except AuthenticationError:
            if known is not None or not self._person.is_there():
                raise
        return None

    def _ask_whom(self) -> tuple[str, list[Tenant]]:
        typed = self._answer(self._person.read_token, self._server.shown)
        token = checked_token(typed, CredentialSource.PROMPT)
        try:
            return token, self._execute(get_available_tenants(bearer=token))
        except AuthenticationError as error:
            raise AuthenticationError(
                f"{self._server.shown} refused the token that was typed, {mask_token(token)}; copy it again, or ask an "
                "admin for another one.",
                source=CredentialSource.PROMPT.value,
                operation=error.operation,
            ) from None

    def _answer(self, ask: Callable[..., T], *questions: Any) -> T:
        try:
            return sync_answer(ask, *questions)
        except EOFError:
            raise BadInput(
                "the question was not answered, and nothing was changed; pass tenant_slug, and api_token to the "
                "client, to be asked nothing"
            ) from None

    def _has_saved_login(self) -> bool:
        return self._is_saved or self._session.credentials.source is CredentialSource.SAVED_LOGIN
