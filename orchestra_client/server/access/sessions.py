"""Sessions: a user's work in one tenant, carried by a pair of JWTs.

The access token goes with requests and is short-lived. The refresh token only gets new pairs. It stays good until
it expires, also after it was used: several processes share one saved login and refresh it when they like, and
making it single-use would log all but the fastest out. What ends a session at once is deleting the API token that
it was opened with; no session outlives that token.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestra_client.errors import AuthenticationError, PermissionDenied
from orchestra_client.server.access import jwts
from orchestra_client.server.access.api_tokens import expiry
from orchestra_client.server.access.jwts import Claims
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from orchestra_client.server.access.principals import Access
    from orchestra_client.server.context import Principal


def switch_tenant(
    access: Access, connection: Connection, principal: Principal, tenant_id: str
) -> dict[str, Any]:
    """Open a session in a tenant of the user.

    Returns:
        `access_token`, `expires_at` (of that token, the store's text form) and `refresh_token`.

    Raises:
        PermissionDenied: the credential is not a user's, or the user is not a member of the tenant.
    """
    if principal.user_id is None:
        raise PermissionDenied(
            f"A {principal.role} token works in its own tenant as it is; only a user can switch."
        )
    if tenant_id not in principal.tenant_ids:
        raise PermissionDenied(f"The user is not a member of tenant {tenant_id}, or there is none.")
    claims = Claims(
        "access",
        sub=principal.user_id,
        tenant_id=tenant_id,
        token_id=principal.token_id,
        role=principal.role,
        iat=0,
        exp=0,
        jti="",
    )
    return _pair(access, connection, claims)


def refresh(
    access: Access, connection: Connection, *, refresh_token: str, access_token: str
) -> dict[str, Any]:
    """Continue a session with a new pair of tokens.

    Args:
        access: verifies and signs.
        connection: a write transaction.
        refresh_token: the request's bearer.
        access_token: the access token of the same session, which may have expired.

    Returns:
        As :func:`switch_tenant`.

    Raises:
        AuthenticationError: one of the tokens is not sound or not of its type, or they are of two sessions.
    """
    session = access.verify(connection, refresh_token, typ="refresh")
    previous = access.verify(connection, access_token, typ="access", is_expiry_ignored=True)
    if (session.sub, session.tenant_id, session.token_id) != (
        previous.sub,
        previous.tenant_id,
        previous.token_id,
    ):
        raise AuthenticationError("The access token and the refresh token are of two sessions; log in again.")
    return _pair(access, connection, session)


def _pair(access: Access, connection: Connection, claims: Claims) -> dict[str, Any]:
    kid, key = access.keys.current(connection, now=access.now())
    now = int(dt.datetime.fromisoformat(access.now()).timestamp())
    end = _seconds(expiry(connection, claims.token_id))

    def issue(typ: jwts.TokenType, lifetime: int) -> Claims:
        expires = now + lifetime if end is None else min(now + lifetime, end)
        return replace(claims, typ=typ, iat=now, exp=expires, jti=str(uuid.uuid4()))

    short = issue("access", access.settings.access_token_seconds)
    long = issue("refresh", access.settings.refresh_token_seconds)
    return {
        "access_token": jwts.sign(short, kid=kid, key=key),
        "expires_at": format_time(dt.datetime.fromtimestamp(short.exp, dt.UTC)),
        "refresh_token": jwts.sign(long, kid=kid, key=key),
    }


def _seconds(time: str | None) -> int | None:
    return None if time is None else int(dt.datetime.fromisoformat(time).timestamp())
