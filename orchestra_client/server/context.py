"""What a resolver is told besides its input: who asks, and with what the server was set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from orchestra_client.server.store.budget import MAX_ROWS, Budget
from orchestra_client.server.store.views import Scope

if TYPE_CHECKING:
    from orchestra_client.server.access import Access
    from orchestra_client.server.vault import Vault

Role = Literal["USER", "TENANT", "RUNNER"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request came with, in its headers; every part may be missing.

    Attributes:
        token: the bearer token.
        tenant_id: the tenant asked for (`X-Orchestra-Tenant-Id` or the older spelling).
        agent_id: the agent that asks.
        client_version: of our client, or of an older core.
        idempotency_key: the same for every repeat of one request (`Idempotency-Key`).
    """

    token: str | None = None
    tenant_id: str | None = None
    agent_id: str | None = None
    client_version: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as the server found out.

    Attributes:
        role: what the credential may do.
        tenant_id: the tenant the request acts in; None for a user without a membership.
        tenant_ids: the tenants it may list: a user's memberships, or just `tenant_id`.
        user_id: the user, where there is one.
        token_id: the API token at the root of the credential; None when the server runs without login.
        flow_run_id: the single run that a RUNNER token is bound to, or None.
        expires_at: when the credential stops working, in the store's text form, or None for never.
        root_expires_at: when that API token stops working; a session of it often ends before.
        oidc_trust_id: the trust that let a CI job in, whose credential this is, or is made with; None for others.
        is_refresh: a refresh token: good for `refresh_token` and nothing else.
        is_stranger: nobody with a credential: good for what is open to all and nothing else.
    """

    role: Role
    tenant_id: str | None
    tenant_ids: tuple[str, ...] = ()
    user_id: str | None = None
    token_id: str | None = None
    flow_run_id: str | None = None
    expires_at: str | None = None
    root_expires_at: str | None = None
    oidc_trust_id: str | None = None
    is_refresh: bool = False
    is_stranger: bool = False

    @property
    def scope(self) -> Scope:
        """Whose rows it may touch."""
        return Scope(self.tenant_id, self.tenant_ids, self.flow_run_id)


STRANGER = Principal("RUNNER", tenant_id=None, is_stranger=True)
"""Whoever sends no credential, to what asks for none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server was set up.

    Attributes:
        auth: ``"token"`` asks every request for a credential; ``"none"`` takes anyone for the admin user.
        max_depth: of a query's selections.
        max_body_bytes: of a request.
        max_state_bytes: of one serialized state.
        max_aliases: root fields of one operation, so that batching by alias has an end.
        max_rows: of one answer, a row counted at each place where it stands.
        query_timeout: seconds for which a query goes on reading; mutations are not cut short.
        request_timeout: seconds that a request may take to arrive, as
            :class:`~orchestra_client.server.protocol.BoundedProtocol` counts them.
        access_token_seconds: how long an access JWT lives.
        refresh_token_seconds: how long a refresh JWT lives.
    """

    auth: Literal["token", "none"] = "token"
    max_depth: int = 12
    max_body_bytes: int = 32 * 1024 * 1024
    max_state_bytes: int = 1_000_000
    max_aliases: int = 1000
    max_rows: int = MAX_ROWS
    query_timeout: float = 30.0
    request_timeout: float = 30.0
    access_token_seconds: int = 600
    refresh_token_seconds: int = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to every resolver.

    Attributes:
        principal: who asks.
        credentials: what the request came with.
        settings: how the server was set up.
        vault: encrypts and decrypts what must not be readable at rest.
        access: found out who asks; opens sessions and makes tokens.
        budget: what the answer may still hold.
    """

    principal: Principal
    credentials: Credentials
    settings: Settings
    vault: Vault
    access: Access
    budget: Budget = field(default_factory=Budget)
