"""Tenants, and the tokens that act in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from orchestra_client.errors import mask_token
from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "ApiToken",
    "Scope",
    "Tenant",
]

Scope = Literal["USER", "TENANT", "RUNNER"]
"""What a token may do: a user in its tenants, one tenant, or just what a run needs."""


@dataclass(frozen=True, slots=True)
class Tenant(Record):
    """A tenant: who shares flows, runs and secrets.

    Attributes:
        id: its UUID.
        name: for people.
        slug: for URLs; unique.
    """

    id: str
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class ApiToken(Record):
    """An API token. Its secret part is in `token` and shown by no repr.

    Attributes:
        id: its UUID, to revoke it with.
        name: what it is for.
        scope: what it may do.
        token: the token itself; known only to whoever created it, at that moment, and None in lists.
        expires_at: when it stops working, in UTC; None for never.
        tenant_id: the tenant it acts in; None for a user's.
        flow_run_id: the single run it is good for, or None.
        created: when it was made.
    """

    id: str
    name: str
    scope: Scope
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    tenant_id: str | None = None
    flow_run_id: str | None = None
    created: datetime | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.scope}, {mask_token(self.token)})"
