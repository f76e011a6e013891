"""API tokens in the database: made, listed and deleted by those who may.

Nobody makes a token that can do more, or works longer, than the credential it was made with. Whoever acts in a
tenant sees that tenant's tokens; a USER token is seen by its user alone.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, false, insert, or_, select

from orchestra_client.errors import BadInput, NotFound, PermissionDenied
from orchestra_client.server import checks
from orchestra_client.server.access.tokens import digest, make_token
from orchestra_client.server.store.tables import api_token, flow_run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from orchestra_client.server.context import Principal, Role

# What each role may hand on.
_GRANTS: dict[Role, tuple[Role, ...]] = {
    "USER": ("USER", "TENANT", "RUNNER"),
    "TENANT": ("TENANT", "RUNNER"),
    # An agent's, for the single runs that it starts.
    "RUNNER": ("RUNNER",),
}
_SHOWN = [column for column in api_token.c if column is not api_token.c.digest]
_EXPIRY = select(api_token.c.expires_at).where(api_token.c.id == bindparam("id"))


def create(
    connection: Connection,
    principal: Principal,
    *,
    now: str,
    name: str,
    scope: Role,
    tenant_id: str | None = None,
    flow_run_id: str | None = None,
    expires_at: str | None = None,
) -> dict[str, Any]:
    """Make an API token.

    Args:
        connection: a write transaction.
        principal: who makes it.
        now: the time.
        name: what it is for.
        scope: what it may do.
        tenant_id: the tenant of a TENANT or RUNNER token; the one the principal acts in unless given.
        flow_run_id: the single run that a RUNNER token is bound to; the whole tenant's runs unless given.
        expires_at: when it stops working; never unless given, or with the credential it is made with.

    Returns:
        `id`, `token` (nowhere to be had again) and `expires_at`.

    Raises:
        PermissionDenied: it would do more than the principal may.
        BadInput: the arguments contradict each other, or the time has passed.
        NotFound: the tenant has no such run.
    """
    name = checks.name(name, "token's name")
    if scope not in _GRANTS[principal.role]:
        raise PermissionDenied(f"A {principal.role} token cannot create a {scope} token.")
    if principal.role == "RUNNER" and flow_run_id is None:
        raise PermissionDenied(
            "A RUNNER token creates tokens for single runs only; name the run in flow_run_id."
        )
    tenant_id = _tenant(principal, scope, tenant_id)
    _check_run(connection, scope, tenant_id, flow_run_id)
    token = make_token()
    row = {
        "id": str(uuid.uuid4()),
        "created": now,
        "name": name,
        "scope": scope,
        "user_id": principal.user_id if scope == "USER" else None,
        "tenant_id": tenant_id,
        "flow_run_id": flow_run_id,
        "digest": digest(token),
        "expires_at": _end(expires_at, now=now, latest=expiry(connection, principal.token_id)),
        # What a CI job makes ends with the trust that let it in.
        "oidc_trust_id": principal.oidc_trust_id,
    }
    connection.execute(insert(api_token), row)
    return {"id": row["id"], "token": token, "expires_at": row["expires_at"]}


def remove(connection: Connection, principal: Principal, token_id: str) -> None:
    """Delete an API token, and with it every session that was opened with it.

    Raises:
        NotFound: there is none that the principal can see.
    """
    statement = delete(api_token).where(api_token.c.id == token_id, _visible(principal))
    if connection.execute(statement).rowcount == 0:
        raise NotFound(f"No API token has the ID {token_id}.")


def visible(connection: Connection, principal: Principal) -> list[dict[str, Any]]:
    """The tokens that the principal can see, oldest first, without what is secret of them."""
    statement = select(*_SHOWN).where(_visible(principal)).order_by(api_token.c.created, api_token.c.id)
    return [dict(row) for row in connection.execute(statement).mappings()]


def expiry(connection: Connection, token_id: str | None) -> str | None:
    """When an API token stops working; None for never, and for no token."""
    if token_id is None:
        return None
    end: str | None = connection.execute(_EXPIRY, {"id": token_id}).scalar()
    return end


def _visible(principal: Principal) -> ColumnElement[bool]:
    own = api_token.c.user_id == principal.user_id if principal.user_id else false()
    shared = and_(api_token.c.tenant_id == principal.tenant_id, api_token.c.scope != "USER")
    if principal.role == "RUNNER":
        shared = and_(shared, api_token.c.flow_run_id.is_not(None))
    return or_(own, shared)


def _tenant(principal: Principal, scope: Role, asked: str | None) -> str | None:
    if scope == "USER":
        if asked is not None:
            raise BadInput("A USER token works in every tenant of its user; leave out tenant_id.")
        return None
    tenant_id = asked or principal.tenant_id
    if tenant_id is None:
        raise BadInput(f"A {scope} token belongs to a tenant; create one first, or name it in tenant_id.")
    if tenant_id not in principal.tenant_ids:
        raise PermissionDenied(f"The token gives no access to tenant {tenant_id}; it may not exist.")
    return tenant_id


def _check_run(connection: Connection, scope: Role, tenant_id: str | None, flow_run_id: str | None) -> None:
    if flow_run_id is None:
        return
    if scope != "RUNNER":
        raise BadInput("Only a RUNNER token can be bound to a run; leave out flow_run_id.")
    found = select(flow_run.c.id).where(flow_run.c.id == flow_run_id, flow_run.c.tenant_id == tenant_id)
    if connection.execute(found).first() is None:
        raise NotFound(f"No flow run has the ID {flow_run_id}.")


def _end(asked: str | None, *, now: str, latest: str | None) -> str | None:
    if asked is not None and asked <= now:
        raise BadInput(f"expires_at must lie in the future; {asked} has passed.")
    if asked is not None and latest is not None and asked > latest:
        raise BadInput(
            f"A token cannot outlive the one it is made with; expires_at must not be after {latest}."
        )
    return asked or latest
