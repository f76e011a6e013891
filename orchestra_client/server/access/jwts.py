"""JSON web tokens of a session: signed and verified, with the time given by the caller."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import jwt

from orchestra_client.errors import AuthenticationError

if TYPE_CHECKING:
    from orchestra_client.server.context import Role

ALGORITHM = "HS256"
AUDIENCE = "orchestra"

MAX_CLOCK_LEAD = 60
"""Seconds that the clock of another server process may be ahead of ours."""

_KEY_ID = re.compile(r"[0-9a-f\-]{36}")

TokenType = Literal["access", "refresh"]

_NAMES = {"access": "a session's access token", "refresh": "a session's refresh token"}

# PyJWT asks the system's clock; `verify` compares with the server's instead.
_OPTIONS: Any = {
    "require": ["typ", "sub", "tenant_id", "token_id", "role", "iat", "exp", "jti", "aud"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a session's token says of its bearer.

    Attributes:
        typ: ``"access"`` for requests, ``"refresh"`` to get new tokens.
        sub: the user's id; of a CI job, its trust's.
        tenant_id: the tenant the session works in.
        token_id: the API token the session was opened with; None on a server that asks for no login.
        role: that token's scope.
        iat: when it was issued, in seconds since the epoch.
        exp: when it stops working, in seconds since the epoch.
        jti: the token's own id.
        flow_run_id: the single run the session is bound to.
    """

    typ: TokenType
    sub: str
    tenant_id: str
    token_id: str | None
    role: Role
    iat: int
    exp: int
    jti: str
    flow_run_id: str | None = None


def sign(claims: Claims, *, kid: str, key: bytes) -> str:
    """The token that carries `claims`, signed with the key of that id."""
    # PyJWT takes a null for a missing claim.
    payload = {**asdict(claims), "token_id": claims.token_id or "", "aud": AUDIENCE}
    if claims.flow_run_id is None:
        del payload["flow_run_id"]
    return jwt.encode(payload, key, algorithm=ALGORITHM, headers={"kid": kid})


def key_id(token: str) -> str | None:
    """The id of the key that a token says it was signed with; None when it names none of ours, or is no JWT."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    # Whoever wrote this header is unknown yet: lone surrogates, endless nesting and numbers are theirs to try.
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    return kid if isinstance(kid, str) and _KEY_ID.fullmatch(kid) else None


def verify(
    token: str, key: bytes, *, now: float, typ: TokenType | None, is_expiry_ignored: bool = False
) -> Claims:
    """The claims of a token that was signed with `key`.

    Args:
        token: the JWT.
        key: the signing key that its `kid` names.
        now: the time, in seconds since the epoch.
        typ: the type it must have; None takes either.
        is_expiry_ignored: take it after its end, too.

    Raises:
        AuthenticationError: it was not signed with `key` by HS256, is not for us, lacks a claim, has another type,
            is expired, or comes from the future. The message says which, and what to do.
    """
    claims = _claims(token, key)
    if claims.typ not in _NAMES or typ not in {None, claims.typ}:
        raise AuthenticationError(
            f"This is {_NAMES.get(claims.typ, 'a token of another kind')}; send {_NAMES[typ or 'access']} here."
        )
    if claims.iat > now + MAX_CLOCK_LEAD:
        raise AuthenticationError("The session's token was issued in the future; set the servers' clocks.")
    if now >= claims.exp and not is_expiry_ignored:
        remedy = "refresh it, or log in again" if claims.typ == "access" else "log in again"
        raise AuthenticationError(f"The session's {claims.typ} token expired; {remedy}.")
    return claims


def _claims(token: str, key: bytes) -> Claims:
    try:
        payload = jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, options=_OPTIONS)
    except jwt.InvalidTokenError as error:
        raise AuthenticationError(f"The session's token {_fault(error)}; log in again.") from None
    return Claims(
        **{name: payload[name] for name in ("typ", "sub", "tenant_id", "role", "iat", "exp", "jti")},
        token_id=payload["token_id"] or None,
        flow_run_id=payload.get("flow_run_id"),
    )


def _fault(error: jwt.InvalidTokenError) -> str:
    """What is wrong, without the token; PyJWT's own messages can quote parts of it."""
    match error:
        case jwt.InvalidSignatureError():
            return "was altered, or signed by another server"
        case jwt.InvalidAlgorithmError():
            return f"is not signed with {ALGORITHM}"
        case jwt.MissingRequiredClaimError():
            return f"lacks the claim {error.claim!r}"
        case jwt.InvalidAudienceError():
            return "was issued for another service"
    return "cannot be read"
