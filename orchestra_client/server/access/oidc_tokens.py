"""The tokens that a CI gives its jobs: read, and verified with the issuer's key. No I/O."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from orchestra_client.errors import AuthenticationError
from orchestra_client.server.access.oidc_trusts import shown
from orchestra_client.server.store.types import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the issuer can make. With the HS ones, its public key would do to sign."""

LEEWAY = 60
"""Seconds by which the issuer's clock and ours may differ."""

MAX_LENGTH = 16_384
"""Characters of a token; GitHub's have about 2000."""

# The last second that a timestamp of the store can name, less the leeway.
_LAST = 253_402_300_799 - LEEWAY

# PyJWT asks the system's clock, and its messages quote the token; what it leaves out is checked here.
_OPTIONS: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
    "enforce_minimum_key_length": True,
}


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself; anybody can have written it.

    Attributes:
        text: the token. Not part of the repr.
        issuer: its `iss`.
        key_id: its `kid`.
    """

    text: str
    issuer: str
    key_id: str

    def __repr__(self) -> str:
        return f"<UnverifiedToken of {shown(self.issuer)}>"

    @classmethod
    def read(cls, text: str) -> UnverifiedToken:
        """Read a token without believing it.

        Raises:
            AuthenticationError: it is no signed JWT that names its issuer and key, or too long for one.
        """
        if len(text) > MAX_LENGTH:
            raise AuthenticationError(f"The OIDC token has {len(text)} characters of at most {MAX_LENGTH}.")
        try:
            header = jwt.get_unverified_header(text)
            claims = jwt.decode(text, options={"verify_signature": False})
        # Whoever wrote this is unknown yet: lone surrogates, endless nesting and numbers are theirs to try.
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise AuthenticationError(
                "This is no OIDC token: three parts of base64url, joined by dots, with a header that can be read."
            ) from None
        if (algorithm := header.get("alg")) not in ALGORITHMS:
            raise AuthenticationError(
                f"The OIDC token is signed with {shown(algorithm)}, expected one of {', '.join(ALGORITHMS)}."
            )
        issuer, key_id = claims.get("iss"), header.get("kid")
        if not isinstance(issuer, str) or not isinstance(key_id, str):
            raise AuthenticationError("The OIDC token must name its issuer (`iss`) and its key (`kid`).")
        return cls(text, issuer, key_id)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What an issuer says of a job.

    Attributes:
        claims: all of them.
        digest: the same for every copy of the token, however its signature is written.
        useless_at: when no copy of it is good for anything any more, in the store's text form.
    """

    claims: Mapping[str, Any]
    digest: str
    useless_at: str


def verify(token: UnverifiedToken, key: jwt.PyJWK, *, now: str) -> VerifiedToken:
    """The claims of a token that its issuer signed and that is good now.

    Args:
        token: as it came.
        key: the issuer's.
        now: the time, in the store's text form.

    Raises:
        AuthenticationError: it was signed by another, or is not good at this time; says which.
    """
    try:
        claims = jwt.decode(token.text, key, algorithms=ALGORITHMS, options=_OPTIONS)
    except jwt.PyJWTError as error:
        raise AuthenticationError(f"The OIDC token {_fault(error, key)}.") from None
    end = _check_times(claims, dt.datetime.fromisoformat(now).timestamp())
    return VerifiedToken(claims, _digest(token, claims), _time(end + LEEWAY))


def _fault(error: jwt.PyJWTError, key: jwt.PyJWK) -> str:
    match error:
        case jwt.InvalidAlgorithmError():
            return f"is not signed with {key.algorithm_name}, which its key is for"
        case jwt.InvalidKeyError():
            return "is signed with a key that is too short to be safe; its issuer has to make a longer one"
    return "was altered, or not signed by the issuer that it names"


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """When the token ends, once it is known to be good now."""
    clock = f"by this server's clock it is {_time(now)}"
    issued, end = _number(claims, "iat"), _number(claims, "exp")
    start = _number(claims, "nbf") if "nbf" in claims else issued
    if now >= end + LEEWAY:
        raise AuthenticationError(
            f"The OIDC token expired at {_time(end)}; {clock}. Have your CI make a new one."
        )
    if max(issued, start) > now + LEEWAY:
        raise AuthenticationError(f"The OIDC token is good from {_time(max(issued, start))} on; {clock}.")
    return end


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _LAST:
        raise AuthenticationError(f"The OIDC token's `{name}` must be a time, in seconds since 1970.")
    return value


def _time(seconds: float) -> str:
    return format_time(dt.datetime.fromtimestamp(seconds, dt.UTC))


def _digest(token: UnverifiedToken, claims: Mapping[str, Any]) -> str:
    # Without an id, what was signed identifies it. Not the signature: of some kinds, anybody can make a second one.
    own = claims.get("jti")
    identity = own if isinstance(own, str) and own else token.text.rpartition(".")[0]
    return hashlib.sha256(f"{token.issuer}\n{identity}".encode("utf-8", "surrogatepass")).hexdigest()
