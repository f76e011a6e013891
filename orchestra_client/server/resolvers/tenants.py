"""Tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import PermissionDenied
from orchestra_client.server.access import tenants
from orchestra_client.server.registry import mutation

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.context import Context

Input = dict[str, Any]


@mutation("create_tenant", creates=True, unscoped=True)
def create_tenant(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A tenant whose first member is the user who asks."""
    user_id = context.principal.user_id
    if user_id is None:
        raise PermissionDenied(f"A {context.principal.role} token cannot create a tenant; a USER token can.")
    tenant_id = tenants.create(
        connection, now=context.access.now(), name=input["name"], slug=input["slug"], user_id=user_id
    )
    return {"id": tenant_id}
