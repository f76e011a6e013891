"""Logging in to a tenant, and finding out which one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import BadInput, NoSuchTenant, NotFound, PermissionDenied
from orchestra_client.operations import checks, tenants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestra_client.operation import Procedure
    from orchestra_client.operations.checks import Id
    from orchestra_client.results import Tenant

__all__ = ["Login", "find_default_tenant", "login_to_tenant"]

_NO_TOKEN = ""
"""The bearer of a request that is to carry none."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that worked.

    Attributes:
        tenant: the tenant.
        tokens: the answer with the session's tokens; None when the API token is bound to the tenant by itself, or
            the server asks for no token.
    """

    tenant: Tenant
    tokens: dict[str, Any] | None


def login_to_tenant(
    tenant_slug: str | None, tenant_id: Id | None, *, api_token: str | None
) -> Procedure[Login]:
    """Log in to one of the tenants that an API token sees.

    Args:
        tenant_slug: the tenant's slug; may be None when `tenant_id` is given.
        tenant_id: the tenant's id; given both, both must fit.
        api_token: the token; None for a server that asks for none.

    Raises:
        BadInput: neither slug nor id is given, or the id is no UUID.
        NotFound: the token sees no such tenant.
        PermissionDenied: the token may not log in to a tenant.
    """
    bearer = api_token or _NO_TOKEN
    wanted = _wanted(tenant_slug, tenant_id)
    available: list[Tenant] = yield tenants.get_available_tenants(bearer=bearer)
    tenant = _match(available, wanted)
    if api_token is None:
        return Login(tenant, None)
    try:
        tokens: dict[str, Any] = yield tenants.switch_tenant(tenant.id, bearer=bearer)
    except PermissionDenied:
        # A token that sees this tenant alone is in it already.
        if len(available) > 1:
            raise
        return Login(tenant, None)
    return Login(tenant, tokens)


def _wanted(tenant_slug: str | None, tenant_id: Id | None) -> dict[str, str]:
    wanted: dict[str, str] = {}
    if tenant_slug is not None:
        wanted["slug"] = checks.filled(tenant_slug, "tenant_slug")
    if tenant_id is not None:
        wanted["id"] = checks.uuid(tenant_id, "tenant_id")
    if not wanted:
        raise BadInput("say which tenant: tenant_slug or tenant_id")
    return wanted


def _match(available: Sequence[Tenant], wanted: dict[str, str]) -> Tenant:
    for tenant in available:
        if all(tenant[name] == value for name, value in wanted.items()):
            return tenant
    asked = " and ".join(f"{name} {value!r}" for name, value in wanted.items())
    names = ", ".join(tenant.slug for tenant in available) or "none at all"
    raise NoSuchTenant(f"this token sees no tenant with {asked}; it sees: {names}")


def find_default_tenant(*, current_id: str | None, as_user: bool) -> Procedure[Tenant]:
    """Find the tenant that requests act in.

    Args:
        current_id: the tenant of the session, when there is one.
        as_user: whether the credential may be a user's, whose membership then decides without a session.

    Raises:
        NotFound: the credential acts in no tenant.
    """
    if current_id is None and as_user:
        default: Tenant | None = yield tenants.get_default_tenant()
        if default is not None:
            return default
    available: list[Tenant] = yield tenants.get_available_tenants()
    for tenant in available:
        if current_id in {None, tenant.id}:
            return tenant
    raise NotFound("this credential acts in no tenant; log in to one with login_to_tenant()")
