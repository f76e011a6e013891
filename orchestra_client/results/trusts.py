"""Which CI jobs may log in, and what they get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra_client.results.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orchestra_client.results.tenants import Scope

__all__ = [
    "JobLogin",
    "Trust",
]


@dataclass(frozen=True, slots=True)
class Trust(Record):
    """Lets jobs of a CI log in to the tenant.

    Attributes:
        id: its UUID, to delete it with.
        name: what it is for.
        issuer: whose tokens: their `iss`.
        audience: whom they must be made for: one of their `aud`.
        claims: the pattern that each of these claims must match as a whole; all of them must.
        scope: what the jobs may do, ``TENANT`` or ``RUNNER``.
        lifetime: seconds that their login lives.
        created: when it was made; None from `create_trust`.
    """

    id: str
    name: str
    issuer: str
    audience: str
    claims: Mapping[str, str]
    scope: Scope
    lifetime: int
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobLogin(Record):
    """A login by the token of a CI job. The token that it got is shown by no repr.

    Attributes:
        tenant_id: the tenant that the job acts in.
        tenant_slug: the same tenant as people call it.
        scope: what it may do there.
        trust: the name of the trust that let it in.
        expires_at: when the login ends, in UTC; it cannot be renewed.
        access_token: what requests are sent with.
    """

    tenant_id: str
    tenant_slug: str
    scope: Scope
    trust: str
    expires_at: datetime
    access_token: str = field(repr=False)
