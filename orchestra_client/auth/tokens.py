"""Tenant sessions: a short-lived access JWT, the token that renews it, and the server's idea of the time.

Pure functions over epoch seconds; whoever calls them brings the clock.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from orchestra_client.errors import AuthenticationError

__all__ = ["REFRESH_MARGIN", "TenantSession", "expiry_of", "learn_skew", "needs_refresh"]

REFRESH_MARGIN = 30.0
"""Seconds before its expiry at which an access token is renewed."""

# The `Date` header counts whole seconds, and the answer was on its way for a while: less than this is no skew.
_DATE_RESOLUTION = 1.5


@dataclass(frozen=True, slots=True)
class TenantSession:
    """A login to one tenant. Its repr shows no token.

    Attributes:
        access_token: the JWT that goes with every request.
        refresh_token: the JWT that buys the next pair; None when the session cannot be renewed.
        expires_at: when the access token stops working, in epoch seconds by the server's clock.
        tenant_id: the tenant it acts in.
        tenant_slug: the same tenant as people call it; None when nobody told.
        obtained_at: when the pair was issued, in epoch seconds by the server's clock; None when unknown.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float
    tenant_id: str
    tenant_slug: str | None = None
    obtained_at: float | None = None

    @classmethod
    def from_answer(
        cls,
        answer: dict[str, Any],
        *,
        tenant_id: str,
        tenant_slug: str | None = None,
        now: float,
    ) -> TenantSession:
        """Read the answer of `switch_tenant` or `refresh_token`.

        Args:
            answer: with `access_token`, and usually `refresh_token` and `expires_at` (ISO 8601).
            tenant_id: the tenant of the session.
            tenant_slug: its slug, when known.
            now: epoch seconds by the server's clock (see :meth:`Credentials.server_time`); counts as the time of
                issue when the token itself does not tell.

        Raises:
            AuthenticationError: the answer holds no token, or none that says when it expires.
        """
        access_token = answer.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            raise AuthenticationError("The server's answer to the login holds no access token.")
        return cls(
            access_token=access_token,
            refresh_token=answer.get("refresh_token") or None,
            expires_at=expiry_of(access_token, answer.get("expires_at")),
            tenant_id=tenant_id,
            tenant_slug=tenant_slug,
            obtained_at=_number(_claims(access_token).get("iat")) or now,
        )


def expiry_of(access_token: str, expires_at: str | None = None) -> float:
    """When an access token stops working.

    Args:
        access_token: a JWT; it is read without being verified, which is the server's business.
        expires_at: what the server said, ISO 8601; wins over the claim. A time without zone counts as UTC.

    Returns:
        Epoch seconds by the server's clock.

    Raises:
        AuthenticationError: neither tells a time.
    """
    if expires_at:
        try:
            moment = dt.datetime.fromisoformat(expires_at)
        except ValueError:
            pass
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
    claim = _number(_claims(access_token).get("exp"))
    if claim is not None:
        return claim
    raise AuthenticationError("The server's answer to the login does not say when the access token expires.")


def learn_skew(date_header: str | None, received_at: float) -> float | None:
    """How far the server's clock is ahead of ours.

    Args:
        date_header: the `Date` of an answer (RFC 9110, section 6.6.1), or None when there was none.
        received_at: epoch seconds by our clock when it arrived.

    Returns:
        Seconds to add to our time to get the server's; 0.0 for a difference too small to be told from the header's
        resolution; None when the header is missing or unreadable.
    """
    if not date_header:
        return None
    # Costs 8 ms to import, which a client that never meets a server need not pay.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        moment = parsedate_to_datetime(date_header)
    except ValueError:
        return None
    # A Date of 12:00:00 was written anywhere in that second: its middle errs least.
    skew = moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp() + 0.5 - received_at
    return skew if abs(skew) > _DATE_RESOLUTION else 0.0


def needs_refresh(
    session: TenantSession, now: float, skew: float = 0.0, margin: float = REFRESH_MARGIN
) -> bool:
    """Whether the access token should be renewed before the next request.

    Args:
        session: the login.
        now: epoch seconds by our clock.
        skew: see :func:`learn_skew`.
        margin: seconds before the expiry at which to renew. A token that lives shorter than four margins is renewed
            in the last quarter of its life instead, or it would be renewed with every request.
    """
    if session.refresh_token is None:
        return False
    if session.obtained_at is not None:
        margin = min(margin, max(session.expires_at - session.obtained_at, 0.0) / 4)
    return now + skew >= session.expires_at - margin


def _claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified; empty for anything else."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _number(claim: Any) -> float | None:
    return float(claim) if isinstance(claim, int | float) and not isinstance(claim, bool) else None
