"""CI jobs log in: the token that their CI gives them, for a short-lived one of ours.

A login is rooted in an API token without a secret, which is listed among the tenant's tokens under the job's name, so
that it is seen, ended and judged like every other. It goes with the trust that let the job in.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, delete, insert, select

from orchestra_client.errors import AuthenticationError
from orchestra_client.server import checks
from orchestra_client.server.access import jwts, oidc_tokens
from orchestra_client.server.access.oidc_issuers import Issuers
from orchestra_client.server.access.oidc_tokens import UnverifiedToken
from orchestra_client.server.access.oidc_trusts import objection, shown
from orchestra_client.server.access.tokens import digest, make_token
from orchestra_client.server.store.tables import api_token, oidc_trust, tenant, used_oidc_token
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, RowMapping

    from orchestra_client.server.access.keys import SigningKeys
    from orchestra_client.server.access.oidc_tokens import VerifiedToken
    from orchestra_client.server.store.database import Database

_log = logging.getLogger(__name__)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_TENANTS = select(tenant.c.id, tenant.c.slug)
# A trust that gives more comes first: each of them was meant.
_TRUSTS = (
    select(oidc_trust)
    .where(oidc_trust.c.tenant_id == bindparam("tenant"), oidc_trust.c.issuer == bindparam("issuer"))
    .order_by(case((oidc_trust.c.role == "TENANT", 0), else_=1), oidc_trust.c.created, oidc_trust.c.id)
)
_IS_TRUSTED = select(oidc_trust.c.id).where(oidc_trust.c.id == bindparam("id"))
_IS_USED = select(used_oidc_token.c.digest).where(used_oidc_token.c.digest == bindparam("digest"))
_FORGET_USED = delete(used_oidc_token).where(used_oidc_token.c.expires_at < bindparam("now"))
_FORGET_LOGINS = delete(api_token).where(
    api_token.c.oidc_trust_id.is_not(None), api_token.c.expires_at < bindparam("now")
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that a tenant's trust lets in.

    Attributes:
        token: what its issuer says of it.
        trust: the row of `oidc_trust`.
        tenant_slug: of the tenant.
    """

    token: VerifiedToken
    trust: Mapping[str, Any]
    tenant_slug: str

    @property
    def name(self) -> str:
        """For people: the trust, whom the token is about, and which run of it."""
        claims = self.token.claims
        number = claims.get("run_id") or claims.get("job_id")
        subject = claims.get("sub") or "a job"
        text = f"{self.trust['name']}: {subject}{f', run {number}' if number else ''}"
        return "".join(character for character in text if character.isprintable())[: checks.MAX_NAME]


class JobLogins:
    """Lets CI jobs in, each of their tokens once.

    Safe to share between threads, not across a fork (nor is the database).

    Args:
        database: where trusts, tokens and signing keys are.
        keys: sign the logins.
    """

    def __init__(self, database: Database, keys: SigningKeys) -> None:
        self._database = database
        self._keys = keys
        self._issuers = Issuers(lambda: _seconds(database.now()))

    def verify(self, text: str, wanted_tenant: str | None) -> Job:
        """Whose token it is, and what its tenant lets it do. Asks the issuer: never call it within a transaction.

        Args:
            text: the token.
            wanted_tenant: slug or id of the tenant; None where there is just one.

        Raises:
            AuthenticationError: says which check failed, and what was expected.
            ServerError: the issuer does not tell its keys.
            RateLimited: enough others wait for an issuer already.
        """
        token = UnverifiedToken.read(text)
        with self._database.connect(write=False) as connection:
            found = _tenant(connection, wanted_tenant)
            trusts = _trusts(connection, found, token.issuer) if found else []
        if found is None or not trusts:
            # The same for a tenant that is not there.
            named = f"The tenant {shown(wanted_tenant)}" if wanted_tenant else "The tenant"
            raise AuthenticationError(
                f"{named} trusts no tokens of the issuer {shown(token.issuer)}, or there is no such tenant. An admin "
                "of it can trust it: orchestra tenant trust add."
            )
        key = self._issuers.key(token.issuer, token.key_id)
        verified = oidc_tokens.verify(token, key, now=self._database.now())
        return Job(verified, _admitting(trusts, verified), found["slug"])

    def admit(self, connection: Connection, job: Job) -> dict[str, Any]:
        """Log a job in, once.

        Args:
            connection: a write transaction.
            job: as verified, a moment ago.

        Returns:
            What `exchange_oidc_token` answers.

        Raises:
            AuthenticationError: its token was used before, or the trust was deleted meanwhile.
        """
        now = self._database.now()
        if now >= job.token.useless_at:
            # That it was used may be forgotten from then on.
            raise AuthenticationError(
                "The OIDC token expired while the login waited; have your CI make a new one."
            )
        connection.execute(_FORGET_USED, {"now": _earlier(now, jwts.MAX_CLOCK_LEAD)})
        connection.execute(_FORGET_LOGINS, {"now": now})
        if connection.scalar(_IS_TRUSTED, {"id": job.trust["id"]}) is None:
            raise AuthenticationError(f"The trust {job.trust['name']!r} was deleted just now.")
        _use(connection, job.token)
        end = int(_seconds(now)) + job.trust["token_seconds"]
        expires_at = format_time(dt.datetime.fromtimestamp(end, dt.UTC))
        token_id = _root(connection, job, now=now, expires_at=expires_at)
        kid, key = self._keys.current(connection, now=now)
        # The listed token is soon gone, and this stays.
        _log.info("CI job %r logged in to tenant %s until %s.", job.name, job.tenant_slug, expires_at)
        return {
            "access_token": jwts.sign(_claims(job, token_id, now=now, end=end), kid=kid, key=key),
            "expires_at": expires_at,
            "tenant_id": job.trust["tenant_id"],
            "tenant_slug": job.tenant_slug,
            "role": job.trust["role"],
            "trust": job.trust["name"],
        }


def _tenant(connection: Connection, wanted: str | None) -> RowMapping | None:
    """The tenant of that id or slug, or the only one.

    Never the one tenant among several that happens to trust a token: another could trust it on purpose, and a job
    would hand it what is not its own.
    """
    if wanted is None:
        rows = connection.execute(_TENANTS.limit(2)).mappings().all()
        if len(rows) > 1:
            raise AuthenticationError(
                "This server has several tenants; name the one to log in to, by --tenant or ORCHESTRA_TENANT on the "
                "command line."
            )
        return rows[0] if rows else None
    wanted = wanted.strip()
    # A slug can look like an id; it must not shadow the tenant whose id it is.
    is_id = _UUID.fullmatch(wanted.lower()) is not None
    column, value = (tenant.c.id, wanted.lower()) if is_id else (tenant.c.slug, wanted)
    return connection.execute(_TENANTS.where(column == value)).mappings().first()


def _trusts(connection: Connection, found: RowMapping, issuer: str) -> list[dict[str, Any]]:
    rows = connection.execute(_TRUSTS, {"tenant": found["id"], "issuer": issuer}).mappings()
    return [dict(row) for row in rows]


def _admitting(trusts: Sequence[dict[str, Any]], token: VerifiedToken) -> dict[str, Any]:
    objections = [(trust, objection(trust, token.claims)) for trust in trusts]
    for trust, found in objections:
        if found is None:
            return trust
    told = "; ".join(f"trust {trust['name']!r}: {found}" for trust, found in objections[:5])
    raise AuthenticationError(f"The OIDC token is sound, and no trust lets it in: {told}.")


def _use(connection: Connection, token: VerifiedToken) -> None:
    if connection.scalar(_IS_USED, {"digest": token.digest}) is not None:
        raise AuthenticationError(
            "The OIDC token was used before, and is good for one login only; have your CI make a new one."
        )
    # Of two at once, the database refuses one; it comes here again.
    connection.execute(insert(used_oidc_token), {"digest": token.digest, "expires_at": token.useless_at})


def _root(connection: Connection, job: Job, *, now: str, expires_at: str) -> str:
    row = {
        "id": str(uuid.uuid4()),
        "created": now,
        "name": job.name,
        "scope": job.trust["role"],
        "tenant_id": job.trust["tenant_id"],
        # Of a token that nobody gets to see.
        "digest": digest(make_token()),
        "expires_at": expires_at,
        "oidc_trust_id": job.trust["id"],
    }
    connection.execute(insert(api_token), row)
    return str(row["id"])


def _claims(job: Job, token_id: str, *, now: str, end: int) -> jwts.Claims:
    return jwts.Claims(
        "access",
        sub=job.trust["id"],
        tenant_id=job.trust["tenant_id"],
        token_id=token_id,
        role=job.trust["role"],
        iat=int(_seconds(now)),
        exp=end,
        jti=str(uuid.uuid4()),
    )


def _earlier(time: str, seconds: int) -> str:
    """That long before: the clock of another process may be behind by as much."""
    return format_time(dt.datetime.fromisoformat(time) - dt.timedelta(seconds=seconds))


def _seconds(time: str) -> float:
    return dt.datetime.fromisoformat(time).timestamp()
