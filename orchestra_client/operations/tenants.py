"""Tenants: who can be logged in to, and the tokens of a login."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.operation import Operation, Repeat
from orchestra_client.operations import checks
from orchestra_client.operations.answers import id_of
from orchestra_client.results import Tenant

if TYPE_CHECKING:
    from orchestra_client.operations.checks import Id

__all__ = [
    "create_tenant",
    "get_available_tenants",
    "get_default_tenant",
    "refresh_token",
    "switch_tenant",
]


def get_available_tenants(*, bearer: str | None = None) -> Operation[list[Tenant]]:
    """List the tenants that a credential sees.

    Args:
        bearer: the credential; unset means the session's.
    """
    return Operation("get_available_tenants", {}, lambda rows: [Tenant(**row) for row in rows], bearer=bearer)


def get_default_tenant() -> Operation[Tenant | None]:
    """The tenant that the user acts in unless told otherwise; None when the credential is no user's."""
    return Operation("get_default_tenant", {}, _default_tenant)


def _default_tenant(users: list[dict[str, Any]]) -> Tenant | None:
    membership = users[0].get("default_membership") if users else None
    return Tenant(**membership["tenant"]) if membership else None


def create_tenant(name: str, slug: str, *, key: str) -> Operation[str]:
    """Create a tenant; the result is its id."""
    given = {"name": checks.filled(name, "name"), "slug": checks.filled(slug, "slug")}
    return Operation("create_tenant", {"input": given}, id_of, Repeat.KEYED, key)


def switch_tenant(tenant_id: Id, *, bearer: str) -> Operation[dict[str, Any]]:
    """Buy a session in a tenant with an API token; the result is the answer with its tokens."""
    given = {"tenant_id": checks.uuid(tenant_id, "tenant_id")}
    return Operation("switch_tenant", {"input": given}, dict, bearer=bearer)


def refresh_token(access_token: str, *, bearer: str) -> Operation[dict[str, Any]]:
    """Renew a session; the result is the answer with its tokens.

    Args:
        access_token: the one that expires.
        bearer: the refresh token.
    """
    return Operation("refresh_token", {"input": {"access_token": access_token}}, dict, bearer=bearer)
