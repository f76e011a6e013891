"""What can be said about a login: the credential, where it is from, and whether the server takes it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestra_client.auth.resolution import resolve_login
from orchestra_client.auth.session import Credentials, CredentialSource, TenantWish
from orchestra_client.client import Client
from orchestra_client.config import ServerSource
from orchestra_client.errors import (
    AuthenticationError,
    BadInput,
    ClientError,
    NoSuchTenant,
    OrchestraError,
    PermissionDenied,
    TransportProtocolError,
    mask_token,
)
from orchestra_client.results import Tenant
from orchestra_client.transport import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestra_client.auth.resolution import Login
    from orchestra_client.auth.store import CredentialStore, SavedLogin

__all__ = [
    "LoginStatus",
    "TokenFacts",
    "current_status",
    "facts_of",
    "find_tenant",
    "reason_of",
    "saved_status",
]

TIMEOUT = 10.0
"""Seconds for an answer: people wait, perhaps for several servers."""

_WHO = "auth_info { tenant_id api_token_scope %s }"
_QUERY = "query auth_info { %s tenant(order_by: { slug: asc }) { id name slug } api { version } }"
_QUERIES = (
    _QUERY % (_WHO % "api_token_id expires_at"),
    # An older server knows less about tokens.
    _QUERY % (_WHO % ""),
)
# Every version of the API knows this.
_IS_OURS = "query api { api { version } }"
_NOT_OURS = "This is a GraphQL server, but not an orchestration server; check the address."
_NO_TOKEN = ""
_TENANT = "ORCHESTRA_TENANT"


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What the server knows about a token.

    Attributes:
        id: to revoke it with; None from a server that does not tell, or asks for no login.
        scope: its role.
        expires_at: when it stops working; None for never.
        tenant_id: the tenant that it acts in when none is asked for.
        tenants: those that it can act in.
        server_version: of the server.
    """

    id: str | None
    scope: str | None
    expires_at: datetime | None
    tenant_id: str | None
    tenants: tuple[Tenant, ...]
    server_version: str | None


@dataclass(frozen=True, slots=True)
class LoginStatus:
    """How things stand with one server.

    Attributes:
        server: its URL.
        is_current: whether commands use it when they are told nothing.
        server_from: what decided on it.
        credential: the API token, masked; None when there is none.
        credential_from: where the token is from.
        tenant: slug of the tenant that commands act in.
        tenant_id: its id.
        scope: the token's role.
        expires_at: when the token stops working; None for never, or when nobody knows.
        server_version: of the server.
        has_logins: whether the server knows of logins; an older one may not.
        works: whether the server takes the token and lets it into the tenant.
        is_refused: whether it does not because of the token, or for want of one.
        problem: why not.
        warnings: what is saved and not used, and why.
    """

    server: str
    is_current: bool
    server_from: str
    credential: str | None = None
    credential_from: str | None = None
    tenant: str | None = None
    tenant_id: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None
    server_version: str | None = None
    has_logins: bool = True
    works: bool = False
    is_refused: bool = False
    problem: str | None = None
    warnings: tuple[str, ...] = ()


def facts_of(client: Client, api_token: str | None) -> TokenFacts:
    """Ask the server about a token, in one request; two for an older server.

    Args:
        client: of the server.
        api_token: None asks without one.

    Raises:
        AuthenticationError: the server refuses the token, or wants one.
        BadInput: the server is too old to know of logins.
        TransportProtocolError: it is no orchestration server.
        OrchestraError: anything else that kept it from answering.
    """
    answer = _known(client, (*_QUERIES, _IS_OURS), api_token)
    if answer is None:
        raise TransportProtocolError(_NOT_OURS)
    query, data = answer
    if query == _IS_OURS:
        raise BadInput("The server knows of no logins; it is an older one.")
    return _facts(data)


def _known(client: Client, queries: Iterable[str], api_token: str | None) -> tuple[str, Any] | None:
    """The first of some queries that the server understands, with its answer."""
    for query in queries:
        try:
            return query, client.graphql(query, token=api_token or _NO_TOKEN).data
        except ClientError as error:
            # Servers of other makers may not say by a code that they do not know a field.
            if not (isinstance(error, BadInput) or error.code is None):
                raise
    return None


def reason_of(error: AuthenticationError) -> str:
    """Why a token was refused, without the part that tells which token it was: here, that is known better."""
    return error.reason


def _facts(data: Any) -> TokenFacts:
    try:
        who = data["auth_info"]
        expires_at = who.get("expires_at")
        return TokenFacts(
            id=who.get("api_token_id"),
            scope=who["api_token_scope"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            tenant_id=who["tenant_id"],
            tenants=tuple(Tenant(**tenant) for tenant in data["tenant"]),
            server_version=data["api"]["version"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TransportProtocolError(_NOT_OURS) from error


def current_status(api_server: str | None, tenant: str | None = None) -> LoginStatus:
    """How things stand with the server that commands use.

    Args:
        api_server: the URL that was given; None means what is configured.
        tenant: the tenant's slug or id that was given; None means what is configured.

    Raises:
        ConfigurationError: what is configured makes no sense.
    """
    login = resolve_login(api_server, None, os.environ)
    if tenant:
        login.credentials.want(TenantWish(None, tenant, "--tenant"))
    server, source = login.server, login.server.source
    said_by = "--api-server" if source is ServerSource.ARGUMENT else source.value
    status = LoginStatus(server.shown, is_current=True, server_from=said_by)
    if server.is_embedded:
        # It asks for no login, and is not opened: that would create it.
        status = replace(status, works=True)
    else:
        status = _asked(status, server.url, login.credentials, str(login.store.path))
    return replace(status, warnings=tuple(_warnings(login, status.tenant_id)))


def saved_status(store: CredentialStore, server: str) -> LoginStatus:
    """How things stand with a server that commands only use when it is named, by its saved login.

    Args:
        store: the saved logins.
        server: one of its servers.

    Raises:
        ConfigurationError: the store cannot be read.
    """
    saved = store.load(server)
    wish = TenantWish(saved.tenant_id, saved.tenant_slug, "") if saved and saved.tenant_id else None
    token = saved.api_token if saved else None
    source = CredentialSource.SAVED_LOGIN if token else CredentialSource.NONE
    status = LoginStatus(server, is_current=False, server_from=ServerSource.SAVED_LOGIN.value)
    return _asked(status, server, Credentials(token, source, wish=wish), str(store.path))


def _asked(status: LoginStatus, server: str, credentials: Credentials, path: str) -> LoginStatus:
    token, wish = credentials.api_token, credentials.wish
    if token:
        is_saved = credentials.source is CredentialSource.SAVED_LOGIN
        place = f"{credentials.source.value}, {path}" if is_saved else credentials.source.value
        status = replace(status, credential=mask_token(token), credential_from=place)
    if wish:
        status = replace(status, tenant=wish.tenant_slug, tenant_id=wish.tenant_id)
    try:
        with Client(server, token, timeout=TIMEOUT, retry=RetryPolicy(max_attempts=1)) as client:
            facts = facts_of(client, token)
        status = replace(
            status, scope=facts.scope, expires_at=facts.expires_at, server_version=facts.server_version
        )
        tenant = _tenant(facts, wish)
    except AuthenticationError as error:
        return replace(status, is_refused=True, problem=reason_of(error))
    except PermissionDenied as error:
        return replace(status, is_refused=True, problem=str(error))
    except OrchestraError as error:
        knows_none = isinstance(error, BadInput)
        return replace(status, problem=str(error), has_logins=not knows_none)
    if tenant:
        status = replace(status, tenant=tenant.slug, tenant_id=tenant.id)
    return replace(status, works=True)


def find_tenant(tenants: Iterable[Tenant], name: str) -> Tenant:
    """The tenant of a slug or an id.

    Args:
        tenants: that a token sees.
        name: the slug or the id.

    Raises:
        NoSuchTenant: it is none of them.
    """
    tenants = tuple(tenants)
    for tenant in tenants:
        if name == tenant.slug or name.lower() == tenant.id:
            return tenant
    names = ", ".join(tenant.slug for tenant in tenants) or "none at all"
    raise NoSuchTenant(f"This token sees no tenant {name!r}; it sees: {names}.")


def _tenant(facts: TokenFacts, wish: TenantWish | None) -> Tenant | None:
    if wish is not None:
        return find_tenant(facts.tenants, wish.tenant_id or wish.name)
    return next((tenant for tenant in facts.tenants if tenant.id == facts.tenant_id), None)


def _warnings(login: Login, tenant_id: str | None) -> Iterator[str]:
    """What the environment hides of the saved logins."""
    server, active = login.server, login.store.active_server
    if server.source is ServerSource.ENVIRONMENT and active not in {None, server.url}:
        yield f"ORCHESTRA_API_SERVER is set, and hides the server of your latest login, {active}."
    saved = None if server.is_embedded else login.store.load(server.url)
    if saved:
        yield from _hidden(saved, login.credentials, tenant_id)


def _hidden(saved: SavedLogin, credentials: Credentials, tenant_id: str | None) -> Iterator[str]:
    token, wish = saved.api_token, credentials.wish
    if credentials.source is CredentialSource.ENVIRONMENT and token not in {None, credentials.api_token}:
        yield f"ORCHESTRA_API_TOKEN is set, and hides your saved login with {mask_token(token)}."
    is_other = saved.tenant_id not in {None, tenant_id}
    if wish and wish.source == _TENANT and is_other and saved.tenant_slug != wish.tenant_slug:
        name = saved.tenant_slug or saved.tenant_id
        yield f"{_TENANT} is set, and hides the tenant of your saved login, {name}."
