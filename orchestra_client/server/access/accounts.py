"""The statements that find an account: an API token or a user, a row per membership, the default one first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, case, literal, null, select

from orchestra_client.server.store.tables import api_token, membership, user

ADMIN = "admin"
"""The username of whoever asks a server that runs without login."""

# The default membership first, then the oldest.
_ORDER = (
    case((membership.c.id == user.c.default_membership_id, 0), else_=1),
    membership.c.created,
    membership.c.id,
)
# What an API token has and a user has not.
_OF_TOKENS = ("tenant_id", "flow_run_id", "expires_at", "oidc_trust_id")
_TOKENS: Select[Any] = (
    select(
        api_token.c.id.label("token_id"),
        *(api_token.c[name] for name in ("scope", "user_id", *_OF_TOKENS)),
        membership.c.tenant_id.label("member_of"),
    )
    .select_from(
        api_token.outerjoin(user, user.c.id == api_token.c.user_id).outerjoin(
            membership, membership.c.user_id == user.c.id
        )
    )
    .order_by(*_ORDER)
)
_USERS: Select[Any] = (
    select(
        null().label("token_id"),
        literal("USER").label("scope"),
        user.c.id.label("user_id"),
        *(null().label(name) for name in _OF_TOKENS),
        membership.c.tenant_id.label("member_of"),
    )
    .select_from(user.outerjoin(membership, membership.c.user_id == user.c.id))
    .order_by(*_ORDER)
)
# Built once, so that SQLAlchemy finds the compiled form by identity: one of these runs in every request.
BY_DIGEST = _TOKENS.where(api_token.c.digest == bindparam("value"))
BY_TOKEN_ID = _TOKENS.where(api_token.c.id == bindparam("value"))
BY_USER_ID = _USERS.where(user.c.id == bindparam("value"))
BY_USERNAME = _USERS.where(user.c.username == bindparam("value"))
