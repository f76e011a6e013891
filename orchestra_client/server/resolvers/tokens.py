"""Sessions and API tokens, the user they belong to, and what a credential is told of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_client.errors import AuthenticationError, PermissionDenied
from orchestra_client.server.access import api_tokens, sessions, tenants
from orchestra_client.server.registry import mutation, query

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.context import Context
    from orchestra_client.server.store.session import Session

Input = dict[str, Any]


@mutation("switch_tenant", unscoped=True)
def switch_tenant(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Open a session in one of the user's tenants."""
    return sessions.switch_tenant(context.access, connection, context.principal, input["tenant_id"])


@mutation("refresh_token", unscoped=True)
def refresh_token(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """Continue a session whose refresh token is the bearer."""
    bearer = context.credentials.token
    if not context.principal.is_refresh or bearer is None:
        raise AuthenticationError("Send the session's refresh token as the bearer; only it gets new tokens.")
    return sessions.refresh(
        context.access, connection, refresh_token=bearer, access_token=input["access_token"]
    )


@mutation("create_api_token", creates=True, unscoped=True)
def create_api_token(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A token that can do no more than the credential it is made with."""
    return api_tokens.create(
        connection,
        context.principal,
        now=context.access.now(),
        name=input["name"],
        scope=input["scope"],
        tenant_id=input.get("tenant_id"),
        flow_run_id=input.get("flow_run_id"),
        expires_at=input.get("expires_at"),
    )


@mutation("delete_api_token", unscoped=True)
def delete_api_token(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """End a token and every session that was opened with it, at once."""
    api_tokens.remove(connection, context.principal, input["token_id"])
    return {"success": True}


@mutation("create_api_key", creates=True, unscoped=True)
def create_api_key(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """A USER token under the name that newer cores give it."""
    principal = context.principal
    if input.get("user_id") not in {None, principal.user_id}:
        raise PermissionDenied("An API key can only be made for the user who asks; leave out user_id.")
    made = api_tokens.create(
        connection,
        principal,
        now=context.access.now(),
        name=input["name"],
        scope="USER",
        expires_at=input.get("expires_at"),
    )
    return {"id": made["id"], "key": made["token"], "expires_at": made["expires_at"]}


@mutation("delete_api_key", unscoped=True)
def delete_api_key(connection: Connection, context: Context, input: Input) -> dict[str, Any]:  # noqa: A002
    """As `delete_api_token`."""
    api_tokens.remove(connection, context.principal, input["key_id"])
    return {"success": True}


@query("api_token", unscoped=True)
def list_api_tokens(connection: Connection, context: Context) -> list[dict[str, Any]]:
    """The tokens that the credential can see and delete, without their secret part."""
    return api_tokens.visible(connection, context.principal)


@query("auth_api_key", unscoped=True)
def list_api_keys(connection: Connection, context: Context) -> list[dict[str, Any]]:
    """As `api_token`."""
    return api_tokens.visible(connection, context.principal)


@query("auth_info")
def auth_info(session: Session, context: Context) -> dict[str, Any]:
    """What the credential may do, where, and for how long."""
    principal = context.principal
    return {
        "tenant_id": principal.tenant_id,
        "user_id": principal.user_id,
        "api_token_scope": principal.role,
        "api_token_id": principal.token_id,
        "expires_at": principal.expires_at,
    }


@query("user", unscoped=True)
def user(connection: Connection, context: Context) -> list[dict[str, Any]]:
    """The user who asks; none for a credential that is not a user's."""
    user_id = context.principal.user_id
    return [] if user_id is None else [tenants.account(connection, user_id)]
